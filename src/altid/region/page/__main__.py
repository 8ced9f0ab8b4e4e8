"""`python -m altid.region.page DATA`: serve the page at the witness, until told to stop."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import uvicorn

from altid.region.layout import Layout, load_region
from altid.region.page.app import StatusPage
from altid.region.page.asking import Asker
from altid.region.status import gather

_CONNECTIONS_MAX = 2_000
"""A thousand browsers keep a connection each; more is no control room."""

_DRAIN_S = 1


def serve(data: Path) -> None:
    """Serve the page of the region in `data`. Raises `RegionError` if there is none."""
    where = Layout(data)
    region = load_region(where)

    async def ask() -> dict[str, Any]:
        return (await gather(where, region, region.witness)).as_json()

    uvicorn.run(
        StatusPage(Asker(ask)).application(),
        host=region.witness.host,
        port=region.witness.status,
        loop="asyncio",  # uvloop minds it when an encrypted connection is hung up on
        http="httptools",
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_graceful_shutdown=_DRAIN_S,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve(Path(sys.argv[1]))
