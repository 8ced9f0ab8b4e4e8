"""One drill from beginning to end: load, fault, heal, wait until all is well, judge, keep the evidence."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from altid.access.programs import Credentials
from altid.drills import evidence
from altid.drills.clients import Client, Endpoint, kept
from altid.drills.history import Kept
from altid.drills.picture import Moments, latency_picture
from altid.drills.report import markdown
from altid.drills.result import Run, result_of
from altid.drills.scenarios import Scenario
from altid.drills.stage import Stage, drill_tokens
from altid.drills.versions import versions
from altid.region import events, faults
from altid.region.error import RegionError
from altid.region.http import HttpError
from altid.region.layout import Layout
from altid.region.status import Status, gather
from altid.region.topology import Region, Site

_WARM_S = 4.0
_AFTER_S = 2.0
_WHOLE_S_MAX = 90.0
_DRAIN_S_MAX = 40.0
"""Writes that are underway at the end get their deadline and a little."""

_WATCH_PAUSE_S = 0.04
_POLL_S = 0.2
_REGISTER_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """How much load, and the seed that it comes from."""

    seed: int
    clients: int = 8
    pause_s: float = 0.05
    """A client's average pause between a write and the next."""


class Crowd(Protocol):
    """Everybody who uses the region during a drill."""

    def work(self, stop: asyncio.Event) -> Iterable[Coroutine[Any, Any, None]]:
        """What they do, until told to stop."""

    def trouble(self, *, begins: bool) -> None:
        """The fault begins or is over, for those on whose side some of it is."""

    async def close(self) -> None:
        """They have stopped."""


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Clients of registers."""

    workers: list[Client]
    rivals: list[Client]
    watchers: list[Client]
    pause_s: float

    @property
    def everybody(self) -> list[Client]:
        return [*self.workers, *self.rivals, *self.watchers]

    def work(self, stop: asyncio.Event) -> Iterable[Coroutine[Any, Any, None]]:
        yield from (client.work(stop, self.pause_s) for client in self.workers)
        yield from (client.rival(stop, self.pause_s) for client in self.rivals)
        yield from (client.watch(stop, _WATCH_PAUSE_S) for client in self.watchers)

    def trouble(self, *, begins: bool) -> None:
        pass

    async def close(self) -> None:
        for client in self.everybody:
            client.close()


async def drill(
    name: str, scenario: Scenario, where: Layout, region: Region, options: DrillOptions, folder: Path
) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began = datetime.now(UTC)
    stage = await ready(where, region, scenario, options.seed)
    tokens = await drill_tokens(where, region)
    crowd = _crowd(stage, options, folder.name, tokens)
    moments, after = await play(stage, scenario, crowd)
    registers = {client.register for client in crowd.workers} | {crowd.rivals[0].register}
    held = await _kept_at_both(region, sorted(registers), tokens)
    run = Run(name, scenario, stage, options.seed, moments, crowd.workers, crowd.watchers, crowd.rivals)
    result = result_of(run, held, after)
    result |= {"began": began.isoformat(timespec="seconds"), "evidence": str(folder)}
    result["versions"] = await asyncio.to_thread(versions, where, region)
    _keep(run, result, held, began, folder)
    announce(stage, result)
    return result


async def ready(where: Layout, region: Region, scenario: Scenario, seed: int) -> Stage:
    """The stage, prepared for the scenario. Raises `RegionError` if the region isn't whole."""
    dice = random.Random(f"{seed} scenario")
    if scenario.prepare is not None:
        await scenario.prepare(await _stage(where, region, dice))
    return await _stage(where, region, dice)


async def _stage(where: Layout, region: Region, dice: random.Random) -> Stage:
    status = await gather(where, region)
    if status.leader is None or status.durability != "two-sites":
        raise RegionError(f"The region isn't whole, so a drill would prove nothing: {status.summary()}.")
    return Stage(where, region, region.site(status.leader), dice)


def _crowd(stage: Stage, options: DrillOptions, run: str, tokens: Credentials) -> _Crowd:
    """Half of the writers at home at each site; two rivals for one register; and a reader at each site."""
    endpoints = {
        site.name: [Endpoint(site.name, site.host, port) for port in site.server_ports]
        for site in stage.region.sites
    }
    key = run.replace("Z", "")
    workers = []
    for number in range(options.clients):
        dice = random.Random(f"{options.seed} {number}")
        home = stage.region.sites[number % 2]
        own, others = endpoints[home.name][:], endpoints[stage.region.other(home).name][:]
        dice.shuffle(own)
        dice.shuffle(others)
        # One at home, one away, and so on: whoever gets no answer asks the other site next.
        order = [one for pair in zip(own, others, strict=True) for one in pair]
        workers.append(Client(number, f"{key}-{number}"[-_REGISTER_LENGTH_MAX:], order, dice, tokens))
    rivals, watchers = [], []
    for number, site in enumerate(stage.region.sites):
        dice = random.Random(f"{options.seed} rival {number}")
        shared = f"{key}-rivals"[-_REGISTER_LENGTH_MAX:]
        first = options.clients + 2 * number
        rivals.append(Client(first, shared, endpoints[site.name], dice, tokens, shares=True))
        watchers.append(Client(first + 1, workers[number].register, endpoints[site.name], dice, tokens))
    return _Crowd(workers, rivals, watchers, options.pause_s)


async def play(stage: Stage, scenario: Scenario, crowd: Crowd) -> tuple[Moments, Status]:
    """Load, fault, heal, wait until all is well; gives when each was, and the region's status then."""
    stop, broken = asyncio.Event(), RegionError("The drill was broken off.")
    start_s = time.monotonic()
    moments, after = None, None
    async with asyncio.TaskGroup() as tasks:
        for work in crowd.work(stop):
            tasks.create_task(work)
        try:
            await asyncio.sleep(_WARM_S)
            fault_s = time.monotonic()
            crowd.trouble(begins=True)
            await scenario.break_it(stage)
            await asyncio.sleep(max(0.0, fault_s + scenario.fault_s - time.monotonic()))
            crowd.trouble(begins=False)
            await faults.heal(stage.where, stage.region)
            healed_s = time.monotonic()
            after = await _whole(stage)
            whole_s = time.monotonic()
            await asyncio.sleep(_AFTER_S)
            moments = Moments(start_s, fault_s, healed_s, whole_s, time.monotonic())
        except RegionError as error:  # out of the group by another way, or it would come as one of a group
            broken = error
        finally:
            stop.set()
    await crowd.close()
    if moments is None or after is None:
        raise broken
    return moments, after


async def _whole(stage: Stage) -> Status:
    """Wait until both sites hold every write again, by themselves."""
    end_s = time.monotonic() + _WHOLE_S_MAX
    while True:
        status = await gather(stage.where, stage.region)
        if status.durability == "two-sites" or time.monotonic() > end_s:
            return status
        await asyncio.sleep(_POLL_S)


async def _kept_at_both(region: Region, registers: list[str], tokens: Credentials) -> dict[str, list[Kept]]:
    """What each site holds of each register."""
    held = {}
    for site in region.sites:
        held[site.name] = [await _patiently(site, register, tokens) for register in registers]
    return held


async def _patiently(site: Site, register: str, tokens: Credentials) -> Kept:
    end_s = time.monotonic() + _DRAIN_S_MAX
    while True:
        for port in site.server_ports:
            with suppress(HttpError):
                return await kept(Endpoint(site.name, site.host, port), register, tokens)
        if time.monotonic() > end_s:
            raise RegionError(f"{site.name}'s servers do not answer after the drill, so it can't be judged.")
        await asyncio.sleep(_POLL_S)


def _keep(
    run: Run, result: dict[str, Any], held: dict[str, list[Kept]], began: datetime, folder: Path
) -> None:
    where = run.stage.where
    timeline = [event for event in events.read(where.events) if event["time"] >= began.isoformat()[:23]]
    image = latency_picture(f"{run.name}: {run.scenario.about}", run.operations, run.moments)
    kept_first = next(iter(held.values()))  # where the sites differ, the result says so
    evidence.write(folder, result, timeline, run.operations, kept_first, image, markdown(result, timeline))


def announce(stage: Stage, result: dict[str, Any]) -> None:
    """For whoever looks at the region's status: the last drill, and all of them one a line."""
    evidence.append(stage.where.data / "drills.jsonl", result)
    events.record(
        stage.where.events,
        stage.leader.name,
        "drill ended",
        drill=result["drill"],
        passed=result["passed"],
        evidence=result["evidence"],
    )


__all__ = ["Crowd", "DrillOptions", "announce", "drill", "play", "ready"]
