"""How each order drill breaks what it breaks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple

from altid.drills.acts import prepare_disk_of
from altid.drills.stage import Stage
from altid.region.error import RegionError

_KILLS = 4
_AGAIN_S = (0.6, 2.5)
"""Between two kills of the same server: sometimes before it is ready again, sometimes after."""

_HELD_S = (0.2, 0.9)
"""For so long the database holds writes up before servers are killed: less than makes anybody take the lead
away."""

_BETWEENS = 5


class _Server(NamedTuple):
    site: str
    part: str


async def nothing(_stage: Stage) -> None:
    """All that is wrong is the clients' line."""


async def kill_two(stage: Stage) -> None:
    """Any two servers of all, again and again: their supervisors start them anew each time."""
    chosen = _chosen(stage, 2)
    await asyncio.gather(*(_kill_often(stage, server) for server in chosen))


async def freeze_one(stage: Stage) -> None:
    """A server takes connections and answers nobody."""
    [server] = _chosen(stage, 1)
    await stage.inject("part-freeze", server.site, server.part)


async def prepare_journals(stage: Stage) -> None:
    await prepare_disk_of("intents", stage)


async def fill_journals(stage: Stage) -> None:
    """Under the intent journals of a whole site: its servers can't note an order, so they take none."""
    await stage.inject("disk-full", stage.other.name, "intents")


async def kill_primary(stage: Stage) -> None:
    await stage.inject("part-kill", stage.leader.name, "postgres")


async def cut_site(stage: Stage) -> None:
    """Either site: every packet to and from it vanishes."""
    site = stage.dice.choice(stage.region.sites)
    stage.measured["cut_off"] = site.name
    await stage.inject("site-silent", site.name)


async def kill_between(stage: Stage) -> None:
    """Servers die with intents in their journals: some before their statements were sent, some after.

    The primary stands still for a moment, so orders that were noted can't be committed; two servers are
    killed then; and what had reached the primary may be committed after all.
    """
    leader = stage.leader.name
    for server in _chosen(stage, 2) * _BETWEENS:
        await stage.inject("part-freeze", leader, "postgres")
        await asyncio.sleep(stage.dice.uniform(*_HELD_S))
        await _kill(stage, server)
        await stage.heal("part-freeze", leader)
        await asyncio.sleep(stage.dice.uniform(*_AGAIN_S))


def _chosen(stage: Stage, count: int) -> list[_Server]:
    """Servers of any site, by the run's dice; noted in the result."""
    every = [
        _Server(site.name, f"server-{number}")
        for site in stage.region.sites
        for number in range(1, site.servers + 1)
    ]
    chosen = stage.dice.sample(every, count)
    stage.measured["servers_hit"] = [f"{one.site} {one.part}" for one in chosen]
    stage.measured["servers"] = len(every)
    return chosen


async def _kill_often(stage: Stage, server: _Server) -> None:
    for _ in range(_KILLS):
        await _kill(stage, server)
        await asyncio.sleep(stage.dice.uniform(*_AGAIN_S))


async def _kill(stage: Stage, server: _Server) -> None:
    with suppress(RegionError):  # it is being started just now
        await stage.inject("part-kill", server.site, server.part)
