"""`altid switchover`: move the lead to the other site in good order, by Patroni's own switchover."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from ssl import SSLContext

from altid.region import events, layout
from altid.region.error import RegionError
from altid.region.http import Answer, Connection, HttpError
from altid.region.layout import Layout
from altid.region.patroni import REST_USER
from altid.region.status import Status, gather
from altid.region.tls import of_operator
from altid.region.topology import Region, Site

_SWITCH_S_MAX = 60.0
_POLL_S = 0.2


async def switchover(where: Layout, region: Region, to: str | None = None) -> Status:
    """Move the lead to `to` (or just to the other site) and wait until both sites hold every write again.

    Raises `RegionError` when there is no leader, no synchronous standby, or Patroni refuses.
    """
    status = await gather(where, region)
    if status.leader is None:
        raise RegionError("No site leads now, so there is nothing to move: see `altid status`.")
    leader = region.site(status.leader)
    target = region.other(leader)
    if to is not None and to != target.name:
        known = to in [site.name for site in region.sites]
        raise RegionError(f"{to[:32]} leads already." if known else f"The region has no site {to[:32]!r}.")
    if status.durability != "two-sites":
        raise RegionError(f"{target.name} is not synchronous now, so it can't lead: see `altid status`.")
    secrets = layout.load_secrets(where)
    events.record(where.events, target.name, "switchover asked", leader=leader.name)
    tls = of_operator(where).client
    answer = await _ask(leader, {"leader": leader.name, "candidate": target.name}, secrets.patroni, tls)
    if answer.status not in (200, 202):
        raise RegionError(f"Patroni refused the switchover: {answer.body[:200].decode(errors='replace')}.")
    return await _settled(where, region, target.name)


async def _ask(leader: Site, wish: dict[str, str], password: str, tls: SSLContext) -> Answer:
    key = base64.b64encode(f"{REST_USER}:{password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {key}"}
    connection = Connection(leader.host, leader.patroni, tls)
    try:
        return await connection.ask(
            "POST", "/switchover", json.dumps(wish).encode(), headers, s_max=_SWITCH_S_MAX
        )
    except HttpError as error:
        raise RegionError(f"{leader.name}'s Patroni did not answer ({error}).") from None
    finally:
        connection.close()


async def _settled(where: Layout, region: Region, leader: str) -> Status:
    end = time.monotonic() + _SWITCH_S_MAX
    while True:
        status = await gather(where, region)
        if status.leader == leader and status.durability == "two-sites":
            return status
        if time.monotonic() > end:
            raise RegionError(f"Not settled after {_SWITCH_S_MAX:.0f} s: {status.summary()}.")
        await asyncio.sleep(_POLL_S)
