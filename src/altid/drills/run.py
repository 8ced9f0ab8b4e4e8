"""One drill from beginning to end: load, fault, heal, wait until all is well, judge, keep the evidence."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altid.drills import checker, evidence, figures
from altid.drills.clients import Client, Endpoint, kept
from altid.drills.history import Kept, Operation
from altid.drills.picture import latency_picture
from altid.drills.scenarios import Scenario, Stage
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

_READ_GAP_S_MAX = 0.3
_WATCH_PAUSE_S = 0.04
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """How much load, and the seed that it comes from."""

    seed: int
    clients: int = 8
    pause_s: float = 0.05
    """A client's average pause between a write and the next."""


@dataclass(slots=True)
class _Moments:
    """When things happened, on the monotonic clock."""

    start_s: float = 0.0
    fault_s: float = 0.0
    healed_s: float = 0.0
    whole_s: float = 0.0
    end_s: float = 0.0


async def drill(
    name: str, scenario: Scenario, where: Layout, region: Region, options: DrillOptions, folder: Path
) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began = datetime.now(UTC)
    status = await gather(where, region)
    if status.leader is None or status.durability != "two-sites":
        raise RegionError(f"The region isn't whole, so a drill would prove nothing: {status.summary()}.")
    stage = Stage(where, region, region.site(status.leader))
    workers, watchers = _clients(stage, options, folder.name)
    moments, after = await _play(stage, scenario, workers, watchers, options)
    held = await _kept_at_both(region, [client.register for client in workers])
    operations = [operation for client in (*workers, *watchers) for operation in client.operations]
    result = _result(name, scenario, stage, options, moments, workers, watchers, held, after)
    result |= {"began": began.isoformat(timespec="seconds"), "evidence": str(folder)}
    timeline = [event for event in events.read(where.events) if event["time"] >= began.isoformat()[:23]]
    window = (moments.fault_s, max(moments.healed_s, moments.fault_s + 0.1))
    image = latency_picture(f"{name}: {scenario.about}", operations, moments.start_s, moments.end_s, window)
    evidence.write(folder, result, timeline, operations, held[region.sites[0].name], image)
    return result


def _clients(stage: Stage, options: DrillOptions, run: str) -> tuple[list[Client], list[Client]]:
    """Half of the writers at home at each site; and a reader at each site that only reads."""
    endpoints = {
        site.name: [Endpoint(site.name, site.host, port) for port in site.server_ports]
        for site in stage.region.sites
    }
    workers = []
    for number in range(options.clients):
        dice = random.Random(f"{options.seed} {number}")
        home = stage.region.sites[number % 2]
        own, others = endpoints[home.name][:], endpoints[stage.region.other(home).name][:]
        dice.shuffle(own)
        dice.shuffle(others)
        # One at home, one away, and so on: whoever gets no answer asks the other site next.
        order = [one for pair in zip(own, others, strict=True) for one in pair]
        workers.append(Client(number, f"{run}-{number}".replace("Z", "")[-60:], order, dice))
    watchers = [
        Client(options.clients + number, workers[number].register, endpoints[site.name], random.Random(0))
        for number, site in enumerate(stage.region.sites)
    ]
    return workers, watchers


async def _play(
    stage: Stage, scenario: Scenario, workers: list[Client], watchers: list[Client], options: DrillOptions
) -> tuple[_Moments, Status]:
    stop = asyncio.Event()
    moments = _Moments(start_s=time.monotonic())
    async with asyncio.TaskGroup() as tasks:
        for client in workers:
            tasks.create_task(client.work(stop, options.pause_s))
        for client in watchers:
            tasks.create_task(client.watch(stop, _WATCH_PAUSE_S))
        try:
            await asyncio.sleep(_WARM_S)
            moments.fault_s = time.monotonic()
            await scenario.break_it(stage)
            await asyncio.sleep(max(0.0, moments.fault_s + scenario.fault_s - time.monotonic()))
            await faults.heal(stage.where, stage.region)
            moments.healed_s = time.monotonic()
            after = await _whole(stage)
            moments.whole_s = time.monotonic()
            await asyncio.sleep(_AFTER_S)
        finally:
            stop.set()
    moments.end_s = time.monotonic()
    for client in (*workers, *watchers):
        client.close()
    return moments, after


async def _whole(stage: Stage) -> Status:
    """Wait until both sites hold every write again, by themselves."""
    end_s = time.monotonic() + _WHOLE_S_MAX
    while True:
        status = await gather(stage.where, stage.region)
        if status.durability == "two-sites" or time.monotonic() > end_s:
            return status
        await asyncio.sleep(_POLL_S)


async def _kept_at_both(region: Region, registers: list[str]) -> dict[str, list[Kept]]:
    """What each site holds of each register."""
    held = {}
    for site in region.sites:
        held[site.name] = [await _patiently(site, register) for register in registers]
    return held


async def _patiently(site: Site, register: str) -> Kept:
    end_s = time.monotonic() + _DRAIN_S_MAX
    while True:
        for port in site.server_ports:
            with suppress(HttpError):
                return await kept(Endpoint(site.name, site.host, port), register)
        if time.monotonic() > end_s:
            raise RegionError(f"{site.name}'s servers do not answer after the drill, so it can't be judged.")
        await asyncio.sleep(_POLL_S)


def _result(
    name: str,
    scenario: Scenario,
    stage: Stage,
    options: DrillOptions,
    moments: _Moments,
    workers: list[Client],
    watchers: list[Client],
    held: dict[str, list[Kept]],
    after: Status,
) -> dict[str, Any]:
    """The verdict with the figures, as programs get it."""
    everything = [operation for client in (*workers, *watchers) for operation in client.operations]
    verdicts = [checker.check(everything, registers) for registers in held.values()]
    worst = next((verdict for verdict in verdicts if not verdict.passed), verdicts[0])
    writes = [one for client in workers for one in client.operations if one.kind == "write"]
    write_pause = figures.longest_pause(writes, moments.fault_s, moments.healed_s)
    read_pause, failed = min(
        (
            figures.longest_pause(watcher.operations, moments.fault_s, moments.healed_s),
            sum(not one.acknowledged for one in watcher.operations),
        )
        for watcher in watchers
    )
    agree = len({tuple(registers) for registers in held.values()}) == 1
    findings = _findings(scenario, stage, after, write_pause, agree)
    return {
        "drill": name,
        "about": scenario.about,
        "seed": options.seed,
        "passed": all(verdict.passed for verdict in verdicts) and not findings,
        "acknowledged": worst.acknowledged,
        "missing": worst.missing,
        "duplicated": worst.duplicated,
        "stale_reads": worst.stale_reads,
        "unknown": worst.unknown,
        "reads": worst.reads,
        "rto_s": {"write": write_pause.since_fault_s, "read": read_pause.pause_s},
        "write_pause_s": write_pause.pause_s,
        "reads_failed_at_better_site": failed,
        "back_s": round(moments.whole_s - moments.healed_s, 2),
        "latency_ms": {
            "write": figures.latency_ms(writes),
            "read": figures.latency_ms([one for one in everything if one.kind == "read"]),
        },
        "clients": len(workers),
        "leader": {"before": stage.leader.name, "after": after.leader},
        "durability_after": after.durability,
        "sites_agree": agree,
        "findings": [*findings, *worst.examples],
    }


def _findings(
    scenario: Scenario, stage: Stage, after: Status, pause: figures.Pause, agree: bool
) -> list[str]:
    """What else was not as it should be."""
    found = []
    if after.durability != "two-sites":
        found.append(f"after {_WHOLE_S_MAX:.0f} s the region was not whole: {after.summary()}")
    if scenario.lead_moves and after.leader == stage.leader.name:
        found.append(f"the lead was to move and {stage.leader.name} still has it")
    if pause.pause_s > scenario.write_s_max:
        found.append(f"writes paused for {pause.pause_s} s, and {scenario.write_s_max:g} s are allowed")
    if not agree:
        found.append("the two sites hold different versions")
    return found


__all__ = ["DrillOptions", "Operation", "drill"]
