"""How each drill breaks what it breaks. `scenarios` names them and says what shall come of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from altid.drills.probe import clock_ahead_s, commit_time
from altid.drills.stage import Stage
from altid.gateway.rollout import roll
from altid.region import faults
from altid.region.error import RegionError
from altid.region.faults import Degree
from altid.region.status import gather
from altid.region.switchover import switchover
from altid.region.topology import Site

_FLAPS, _FLAP_S = 4, 1.2
"""Cuts longer than the guardian's patience, and pauses shorter than a site needs to come back."""

_ROUND_TRIPS_MS = (0.0, 1.5, 5.0)
_STEP_S = 6.0
"""For so long each round trip is measured."""

_LOSS = 1 / 3
_SEED_BITS = 31
_JUMP_S = 3600.0
_CLOCK_TAKES_S = 3.0
"""The place's processes look at their clock's file once a second."""

_NO_QUORUM_S = 6.0
_LEASE_S = 1.5
"""After the loss of the quorum a site may answer for as long as its live lease holds: not so long."""

_BACK_S_MAX = 25.0
_POLL_S = 0.2

Which = Literal["leader", "other"]


async def lose_leader(stage: Stage) -> None:
    await stage.inject("site-kill", stage.leader.name)


async def lose_other(stage: Stage) -> None:
    await stage.inject("site-kill", stage.other.name)


async def lose_witness(stage: Stage) -> None:
    await stage.inject("site-kill", stage.region.witness.name)


async def lose_all(stage: Stage) -> None:
    for place in (*stage.region.sites, stage.region.witness):
        await stage.inject("site-kill", place.name)


async def lose_witness_then_leader(stage: Stage) -> None:
    """With two of three gone nobody may answer. With the witness back, the site that is left leads."""
    await lose_witness(stage)
    await asyncio.sleep(2.0)
    await lose_leader(stage)
    lost_s = time.monotonic()
    await asyncio.sleep(_NO_QUORUM_S)
    stage.nobody_answers(lost_s + _LEASE_S)
    await stage.heal("site-kill", stage.region.witness.name)
    back_s = time.monotonic()
    while (await gather(stage.where, stage.region)).leader != stage.other.name:
        if time.monotonic() > back_s + _BACK_S_MAX:
            return  # the verdict will say that the lead did not move, or too late
        await asyncio.sleep(_POLL_S)
    stage.measured["leads_after_witness_back_s"] = round(time.monotonic() - back_s, 2)
    await asyncio.sleep(2.0)


async def silence_leader(stage: Stage) -> None:
    await stage.inject("site-silent", stage.leader.name)


async def silence_other(stage: Stage) -> None:
    await stage.inject("site-silent", stage.other.name)


async def cut_sites(stage: Stage) -> None:
    await stage.inject("partition", f"{stage.leader.name},{stage.other.name}")


async def cut_leader_witness(stage: Stage) -> None:
    await stage.inject("partition", f"{stage.leader.name},{stage.region.witness.name}")


async def cut_other_witness(stage: Stage) -> None:
    await stage.inject("partition", f"{stage.other.name},{stage.region.witness.name}")


async def cut_all(stage: Stage) -> None:
    await cut_leader_witness(stage)
    await cut_other_witness(stage)
    await cut_sites(stage)
    cut_s = time.monotonic()
    await asyncio.sleep(_NO_QUORUM_S)
    stage.nobody_answers(cut_s + _LEASE_S)


async def isolate_leader(stage: Stage) -> None:
    """Cut off from the other site and the witness, and alive: clients still reach it."""
    await cut_leader_witness(stage)
    await cut_sites(stage)


async def flap(stage: Stage) -> None:
    for _ in range(_FLAPS):
        await silence_leader(stage)
        await asyncio.sleep(_FLAP_S)
        await stage.heal("site-silent")
        await asyncio.sleep(_FLAP_S)


async def slow_line(stage: Stage) -> None:
    """Measure a commit at each round trip; the line as it is stands for none."""
    measured = stage.measured["commit_ms"] = []
    for round_trip_ms in _ROUND_TRIPS_MS:
        if round_trip_ms:
            await stage.inject("slow-line", _line(stage), degree=Degree(ms=round_trip_ms))
        taken = await commit_time(stage, _STEP_S)
        measured.append({"round_trip_ms": round_trip_ms, **taken._asdict()})
        await stage.heal("slow-line")


async def lose_packets(stage: Stage) -> None:
    degree = Degree(loss=_LOSS, seed=stage.dice.getrandbits(_SEED_BITS))
    await stage.inject("lossy-line", _line(stage), degree=degree)


async def freeze_leader(stage: Stage) -> None:
    await stage.inject("site-freeze", stage.leader.name)


async def stop_applying(stage: Stage) -> None:
    await stage.inject("apply-freeze", stage.other.name)


async def prepare_disk(stage: Stage) -> None:
    """The site whose disk will be full is started again, so it is done at the standby, which then leads."""
    await prepare_other_disk(stage)
    await switchover(stage.where, stage.region)


async def prepare_other_disk(stage: Stage) -> None:
    await prepare_disk_of("postgres", stage)


async def prepare_disk_of(part: str, stage: Stage) -> None:
    """Put the part's folder onto a small disk at the standby's site, which is started again for it."""
    await faults.prepare(stage.where, stage.region, "disk-full", stage.other, part)
    await _whole(stage)


async def fill_disk(stage: Stage) -> None:
    await stage.inject("disk-full", stage.leader.name)


async def fill_other_disk(stage: Stage) -> None:
    await stage.inject("disk-full", stage.other.name)


async def prepare_clock(stage: Stage) -> None:
    """As with the disk: done at the standby, which then leads."""
    await faults.prepare(stage.where, stage.region, "clock-jump", stage.other, None)
    await _whole(stage)
    await switchover(stage.where, stage.region)


async def jump_clock(stage: Stage) -> None:
    await stage.inject("clock-jump", stage.leader.name, degree=Degree(seconds=_JUMP_S))
    await asyncio.sleep(_CLOCK_TAKES_S)
    ahead_s = stage.measured["database_clock_ahead_s"] = await clock_ahead_s(stage)
    if abs(ahead_s - _JUMP_S) > _JUMP_S / 2:
        raise RegionError(f"The clock did not jump ({ahead_s} s), so the drill would prove nothing.")


async def switch(stage: Stage) -> None:
    await switchover(stage.where, stage.region)


async def upgrade(stage: Stage) -> None:
    """Every server is started anew, one after the other, as an upgrade does it."""
    began_s = time.monotonic()
    rolled = await roll(stage.where, stage.region)
    stage.measured["servers_rolled"] = len(rolled)
    stage.measured["rolled_in_s"] = round(time.monotonic() - began_s, 1)


def kill(which: Which, part: str) -> Callable[[Stage], Awaitable[None]]:
    """Kill a part at the leader's site or the other."""

    async def act(stage: Stage) -> None:
        await stage.inject("part-kill", _site(stage, which).name, part)

    return act


def freeze(which: Which, part: str) -> Callable[[Stage], Awaitable[None]]:
    """Freeze a part at the leader's site or the other."""

    async def act(stage: Stage) -> None:
        await stage.inject("part-freeze", _site(stage, which).name, part)

    return act


def _site(stage: Stage, which: Which) -> Site:
    return stage.leader if which == "leader" else stage.other


def _line(stage: Stage) -> str:
    return ",".join(site.name for site in stage.region.sites)


async def _whole(stage: Stage) -> None:
    """Wait until both sites hold every write again."""
    end_s = time.monotonic() + _BACK_S_MAX
    while (await gather(stage.where, stage.region)).durability != "two-sites":
        if time.monotonic() > end_s:
            return  # the drill itself refuses a region that isn't whole
        await asyncio.sleep(_POLL_S)
