"""The region started with its gateways."""

from __future__ import annotations

from pathlib import Path

from altid.gateway.files import prepare
from altid.region import startup
from altid.region.layout import Layout
from altid.region.startup import Tell
from altid.region.status import Status


async def up(where: Layout, region_file: Path | None, tell: Tell, *, in_netns: bool = False) -> Status:
    """As `altid.region.startup.up`, with a gateway at each site; one that runs takes over what changed."""
    return await startup.up(where, region_file, tell, in_netns=in_netns, prepare=prepare)
