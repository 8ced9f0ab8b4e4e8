"""What one site carries: all load through its servers, more and more of it, until its limits are passed.

The rates keep the mix of the region's peak. A step is held when both 99th percentiles stay below their
limits and nearly nothing fails; one that is not gets a second try, since a checkpoint is no lack of capacity.
When two tries fail, the highest rate is searched between the last step that was held and that one.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from altid import __version__
from altid.drills.load import ABOUT, Outcome, SiteLoad, Step
from altid.region import faults
from altid.region.capacity import made_of
from altid.region.error import RegionError
from altid.region.http import HttpError
from altid.region.layout import Layout, holder
from altid.region.operating import tokens_of
from altid.region.status import Status, gather
from altid.region.topology import Peak, Region, Site

_FIRST, _GROWTH_BELOW_PEAK, _GROWTH = 0.25, 2.0, 1.5
_FACTOR_MAX = 64.0
"""The load grows from a quarter of the peak to the peak, then by half each time. Who carries more than this
has a peak in the file that is none."""

_TRIES, _SEARCHES = 2, 2
_FAILED_SHARE_MAX = 0.001
_PREPARE_S_MAX = 30.0
_SETTLE_S_MAX = 90.0
_POLL_S = 0.2
_GENERATOR_BUSY_MAX = 0.9
"""A generator that needs more than this of its processor measures itself."""

Tell = Callable[[str], None]
Hold = Callable[[float, float, float], Awaitable[Step]]


@dataclass(frozen=True, slots=True)
class CapacityOptions:
    """What counts as carried, and how thoroughly that is tried."""

    read_p99_ms_max: float = 100.0
    write_p99_ms_max: float = 300.0
    step_s: float = 4.0
    alone: bool = False
    """Really take the other site down (`altid fault inject site-kill`) before a site is measured."""

    seed: int = 0


async def measure(
    where: Layout, region: Region, options: CapacityOptions, tell: Tell, sites: tuple[Site, ...]
) -> dict[str, Any]:
    """Measure each of the sites in turn; gives what `capacity.json` holds.

    Raises `RegionError` when the region has no peak, or is in a state in which a figure would say nothing.
    """
    if not (region.peak.reads_per_s or region.peak.writes_per_s):
        raise RegionError(
            "[peak] of the region file names no reads and no writes: there is nothing to carry."
        )
    began = datetime.now(UTC)
    run = began.strftime("capacity-%Y%m%dT%H%M%S")
    for site in sites if options.alone else ():
        _check_here(where, region.other(site))
    measured = {}
    for site in sites:
        measured[site.name] = await _in_turn(where, region, site, options, run, tell)
    return {
        "altid": __version__,
        "peak": {"reads_per_s": region.peak.reads_per_s, "writes_per_s": region.peak.writes_per_s},
        "method": {
            "load": ABOUT,
            "read_p99_ms_max": options.read_p99_ms_max,
            "write_p99_ms_max": options.write_p99_ms_max,
            "failed_share_max": _FAILED_SHARE_MAX,
            "step_s": options.step_s,
            "seed": options.seed,
            "processors_of_the_generator": os.cpu_count(),
        },
        "sites": measured,
    }


def _check_here(where: Layout, site: Site) -> None:
    if holder(where.place(site.name).lock) is None:
        raise RegionError(
            f"{site.name} does not run on this machine, so it can't be taken down from here: stop it there "
            "(`systemctl stop altid-place`) and measure the other site with --site, without --alone."
        )


async def _in_turn(
    where: Layout, region: Region, site: Site, options: CapacityOptions, run: str, tell: Tell
) -> dict[str, Any]:
    """Measure one site, with the other one taken down around it if that was asked for."""
    other = region.other(site)
    if not options.alone:
        return await _site(where, region, site, options, run, tell)
    await _settled(where, region, _is_whole, "have two live sites")
    tell(f"{other.name} is taken down")
    await faults.inject(where, region, "site-kill", other.name, None)
    try:
        await _settled(where, region, lambda status: _carries(status, site), f"lead at {site.name}")
        return await _site(where, region, site, options, run, tell)
    finally:
        await faults.heal(where, region, "site-kill")
        tell(f"{other.name} is started again")
        await _settled(where, region, _is_whole, "become whole again")


async def _site(
    where: Layout, region: Region, site: Site, options: CapacityOptions, run: str, tell: Tell
) -> dict[str, Any]:
    status = await gather(where, region)
    if not _carries(status, site):
        raise RegionError(f"{site.name} is not live, so there is nothing to measure: {status.summary()}.")
    other = next(one for one in status.sites if one.name != site.name)
    tokens = tokens_of(where, region, "capacity")
    load = SiteLoad(site, run, random.Random(f"{options.seed} {site.name}"), tokens)
    try:
        await load.prepare(_PREPARE_S_MAX)
        found = await climb(load.step, region.peak, options, lambda line: tell(f"{site.name}  {line}"))
    except HttpError as error:
        raise RegionError(f"{error} ({status.summary()}).") from None
    finally:
        load.close()
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "alone": other.state == "dead",
        "leads": status.leader == site.name,
        "durability": status.durability,
        "made_of": made_of(region, site),
        "reads_per_s": round(region.peak.reads_per_s * found.carried, 1),
        "writes_per_s": round(region.peak.writes_per_s * found.carried, 1),
        "stopped_by": found.stopped_by,
        "steps": found.steps,
    }


@dataclass(slots=True)
class Climb:
    """Every step, the highest multiple of the peak that was held, and what the next one was stopped by."""

    steps: list[dict[str, Any]]
    carried: float = 0.0
    stopped_by: str = f"nothing: {_FACTOR_MAX:g} times the peak was held"


async def climb(hold: Hold, peak: Peak, options: CapacityOptions, tell: Tell) -> Climb:
    """More and more load, until it is too much; `hold` holds two rates for some seconds."""
    found = Climb([])

    async def held(factor: float) -> bool:
        for _ in range(_TRIES):
            step = await hold(peak.reads_per_s * factor, peak.writes_per_s * factor, options.step_s)
            told = _told(factor, step, options)
            found.steps.append(told)
            tell(_line(told))
            if not told["stopped_by"]:
                found.carried = factor
                return True
        found.stopped_by = told["stopped_by"]
        return False

    factor = _FIRST
    while await held(factor):
        factor *= _GROWTH_BELOW_PEAK if factor < 1.0 else _GROWTH
        if factor > _FACTOR_MAX:
            return found
    for _ in range(_SEARCHES):
        between = (found.carried + factor) / 2
        if not await held(between):
            factor = between
    return found


def _told(factor: float, step: Step, options: CapacityOptions) -> dict[str, Any]:
    return {
        "times_peak": round(factor, 3),
        "reads_per_s": round(step.reads_per_s, 1),
        "writes_per_s": round(step.writes_per_s, 1),
        "read_p99_ms": step.reads.p99_ms(),
        "write_p99_ms": step.writes.p99_ms(),
        "failed": step.reads.failed + step.writes.failed,
        "due": step.reads.due + step.writes.due,
        "generator_busy": step.generator_busy,
        "stopped_by": _stopped_by(step, options),
    }


def _stopped_by(step: Step, options: CapacityOptions) -> str:
    """Which limit the step passed; nothing if it was held."""
    due, failed = step.reads.due + step.writes.due, step.reads.failed + step.writes.failed
    reasons = []
    if failed > due * _FAILED_SHARE_MAX:
        reasons.append(f"{failed} of {due} failed")
    limits = [
        (step.reads, "reads", options.read_p99_ms_max),
        (step.writes, "writes", options.write_p99_ms_max),
    ]
    reasons += [reason for outcome, name, limit in limits if (reason := _slow(outcome, name, limit))]
    if reasons and step.generator_busy > _GENERATOR_BUSY_MAX:
        reasons.append("the load generator itself was at its end: the site may carry more")
    return "; ".join(reasons)


def _slow(outcome: Outcome, name: str, limit_ms: float) -> str:
    p99_ms = outcome.p99_ms()
    if p99_ms is None or p99_ms <= limit_ms:
        return ""
    return f"{name} p99 {p99_ms:g} ms, limit {limit_ms:g} ms"


def _line(told: dict[str, Any]) -> str:
    figures = f"{told['reads_per_s']:7.0f} reads/s {told['writes_per_s']:6.0f} writes/s"
    latency = f"p99 {_ms(told['read_p99_ms'])} / {_ms(told['write_p99_ms'])} ms"
    return f"{figures}  {latency}  {told['stopped_by'] or 'held'}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _carries(status: Status, site: Site) -> bool:
    """Whether the site's servers are ready, and someone leads."""
    one = next(one for one in status.sites if one.name == site.name)
    return one.state == "live" and status.leader is not None


def _is_whole(status: Status) -> bool:
    return status.durability == "two-sites" and all(site.state == "live" for site in status.sites)


async def _settled(where: Layout, region: Region, holds: Callable[[Status], bool], what: str) -> None:
    end_s = time.monotonic() + _SETTLE_S_MAX
    while not holds(status := await gather(where, region)):
        if time.monotonic() > end_s:
            raise RegionError(f"The region does not {what} within {_SETTLE_S_MAX:.0f} s: {status.summary()}.")
        await asyncio.sleep(_POLL_S)
