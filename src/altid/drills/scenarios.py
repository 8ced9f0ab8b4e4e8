"""What is broken in each drill, and when. A scenario is data and one short function on the running region."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from altid.region import faults
from altid.region.layout import Layout
from altid.region.switchover import switchover
from altid.region.topology import Region, Site

Act = Callable[["Stage"], Awaitable[None]]


_FLAPS, _FLAP_S = 4, 1.2
"""Cuts longer than the guardian's patience, and pauses shorter than a site needs to come back."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The region that a scenario plays on, and who led when it began."""

    where: Layout
    region: Region
    leader: Site

    @property
    def other(self) -> Site:
        return self.region.other(self.leader)

    async def inject(self, name: str, place: str, part: str | None = None) -> None:
        await faults.inject(self.where, self.region, name, place, part)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill."""

    about: str
    break_it: Act
    lead_moves: bool
    """Whether the other site shall lead afterwards."""

    needs_netns: bool = False
    """Whether lines are cut, which only a region in network namespaces has."""

    fault_s: float = 8.0
    """How long the fault lasts before it is healed."""

    write_s_max: float = 3.0
    """The longest pause of writes that is allowed."""


async def _lose_leader(stage: Stage) -> None:
    await stage.inject("site-kill", stage.leader.name)


async def _lose_other(stage: Stage) -> None:
    await stage.inject("site-kill", stage.other.name)


async def _lose_witness(stage: Stage) -> None:
    await stage.inject("site-kill", stage.region.witness.name)


async def _lose_both(stage: Stage) -> None:
    for place in (*stage.region.sites, stage.region.witness):
        await stage.inject("site-kill", place.name)


async def _silence_leader(stage: Stage) -> None:
    await stage.inject("site-silent", stage.leader.name)


async def _silence_other(stage: Stage) -> None:
    await stage.inject("site-silent", stage.other.name)


async def _cut_sites(stage: Stage) -> None:
    await stage.inject("partition", f"{stage.leader.name},{stage.other.name}")


async def _isolate_leader(stage: Stage) -> None:
    """Cut off from the other site and the witness, and alive: clients still reach it."""
    await stage.inject("partition", f"{stage.leader.name},{stage.region.witness.name}")
    await stage.inject("partition", f"{stage.leader.name},{stage.other.name}")


async def _flap(stage: Stage) -> None:
    for _ in range(_FLAPS):
        await stage.inject("site-silent", stage.leader.name)
        await asyncio.sleep(_FLAP_S)
        await faults.heal(stage.where, stage.region, "site-silent")
        await asyncio.sleep(_FLAP_S)


async def _freeze_leader(stage: Stage) -> None:
    await stage.inject("site-freeze", stage.leader.name)


async def _freeze_database(stage: Stage) -> None:
    await stage.inject("part-freeze", stage.leader.name, "postgres")


async def _switch(stage: Stage) -> None:
    await switchover(stage.where, stage.region)


def _kill(part: str) -> Act:
    async def act(stage: Stage) -> None:
        await stage.inject("part-kill", stage.leader.name, part)

    return act


SCENARIOS = {
    "site-loss": Scenario("the leader's site is killed", _lose_leader, lead_moves=True),
    "other-site-loss": Scenario(
        "the standby's site is killed", _lose_other, lead_moves=False, write_s_max=2.5
    ),
    "site-silent": Scenario(
        "the leader's site falls silent and lives",
        _silence_leader,
        lead_moves=True,
        needs_netns=True,
    ),
    "other-site-silent": Scenario(
        "the standby's site falls silent and lives",
        _silence_other,
        lead_moves=False,
        write_s_max=2.5,
        needs_netns=True,
    ),
    "partition-sites": Scenario(
        "the line between the sites is cut", _cut_sites, lead_moves=False, needs_netns=True
    ),
    "leader-isolated": Scenario(
        "the leader's site is cut off from both others, and clients reach it",
        _isolate_leader,
        lead_moves=True,
        needs_netns=True,
    ),
    "flapping": Scenario(
        "the leader's line comes and goes",
        _flap,
        lead_moves=False,
        fault_s=10.0,
        write_s_max=8.0,
        needs_netns=True,
    ),
    "witness-loss": Scenario("the witness is killed", _lose_witness, lead_moves=False),
    "both-sites-loss": Scenario(
        "everything is killed at once", _lose_both, lead_moves=False, fault_s=1.0, write_s_max=25.0
    ),
    "zombie": Scenario(
        "the leader's site freezes, and thaws",
        _freeze_leader,
        lead_moves=True,
        fault_s=12.0,
        write_s_max=6.0,
    ),
    "postgres-freeze": Scenario(
        "the primary freezes, everything else lives",
        _freeze_database,
        lead_moves=True,
        fault_s=12.0,
        write_s_max=8.0,
    ),
    "switchover": Scenario(
        "the lead is moved by hand", _switch, lead_moves=True, fault_s=3.0, write_s_max=10.0
    ),
    "postgres-kill": Scenario("the primary is killed", _kill("postgres"), lead_moves=False, write_s_max=5.0),
    "patroni-kill": Scenario("the leader's Patroni is killed", _kill("patroni"), lead_moves=False),
    "etcd-kill": Scenario("the leader's etcd member is killed", _kill("etcd"), lead_moves=False),
    "guardian-kill": Scenario("the leader's guardian is killed", _kill("guardian"), lead_moves=False),
    "server-kill": Scenario("one of the leader's servers is killed", _kill("server-1"), lead_moves=False),
}
"""Every drill by its name."""
