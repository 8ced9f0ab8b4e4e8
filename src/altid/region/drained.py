"""Who is taken out of work at a site, by an operator or a rolling restart: `DATA/A/gateway/drained.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region.layout import Layout
from altid.region.topology import Site


@dataclass(frozen=True, slots=True)
class Drained:
    """The servers by the names of their parts, and whether the whole site is drained."""

    servers: frozenset[str] = frozenset()
    site: bool = False
    """The site's servers stay as spares: a record that can't be reached is worse."""


def read_drained(where: Layout, site: Site) -> Drained:
    """What is drained; nothing if that can't be read."""
    try:
        told = json.loads(where.place(site.name).drained.read_text())
        return Drained(frozenset(map(str, told["servers"])), bool(told["site"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Drained()


def write_drained(where: Layout, site: Site, drained: Drained, account: Account) -> None:
    """Write it down. Raises `OSError`."""
    text = json.dumps({"servers": sorted(drained.servers), "site": drained.site}) + "\n"
    write_owned(where.place(site.name).drained, text, account)
