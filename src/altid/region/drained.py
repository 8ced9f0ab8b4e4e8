"""Who is taken out of work at a site.

By an operator or a rolling restart: `DATA/A/gateway/drained.json`. By the canary, because orders that it
takes are not registered: `DATA/A/gateway/out.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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

    out: frozenset[str] = frozenset()
    """Servers that the canary has taken out."""


def read_drained(where: Layout, site: Site) -> Drained:
    """What is drained; nothing of what can't be read."""
    out = _read_out(where, site)
    try:
        told = json.loads(where.place(site.name).drained.read_text())
        return Drained(frozenset(map(str, told["servers"])), bool(told["site"]), out)
    except (OSError, ValueError, TypeError, KeyError):
        return Drained(out=out)


def _read_out(where: Layout, site: Site) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(where.place(site.name).out.read_text())["servers"]))
    except (OSError, ValueError, TypeError, KeyError):
        return frozenset()


def read_losers(where: Layout, site: Site) -> dict[str, int | None]:
    """The servers that have lost an order, each with the process that has, if it is known."""
    try:
        told = json.loads(where.place(site.name).out.read_text())["lost"]
        return {str(name): None if process is None else int(process) for name, process in told.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_out(
    where: Layout,
    site: Site,
    servers: frozenset[str],
    account: Account,
    lost: Mapping[str, int | None] | None = None,
) -> None:
    """Write down whom the canary has taken out, and who has lost an order, if that is new. Raises `OSError`.

    Such a server is not taken back for one good trial, so the mark must outlive the canary's own process.
    """
    lost = dict(lost or {})
    if (_read_out(where, site), read_losers(where, site)) != (servers, lost):
        told = {"servers": sorted(servers), "lost": lost}
        write_owned(where.place(site.name).out, json.dumps(told) + "\n", account)


def write_drained(where: Layout, site: Site, drained: Drained, account: Account) -> None:
    """Write down what an operator or a rollout wants. Raises `OSError`."""
    text = json.dumps({"servers": sorted(drained.servers), "site": drained.site}) + "\n"
    write_owned(where.place(site.name).drained, text, account)
