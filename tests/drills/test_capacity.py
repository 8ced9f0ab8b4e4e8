"""How much one site carries: the search for it, and the load that it is measured with."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from altid.access.programs import GivenToken
from altid.drills.capacity import CapacityOptions, Climb, climb
from altid.drills.load import Outcome, SiteLoad, Step
from altid.region.topology import Peak, Site

PEAK = Peak(reads_per_s=100.0, writes_per_s=10.0)
OPTIONS = CapacityOptions(read_p99_ms_max=100.0, write_p99_ms_max=300.0, step_s=1.0)


def outcome(rate: float, latency_s: float, failed: int = 0) -> Outcome:
    due = round(rate)
    return Outcome(due, due - failed, failed, [latency_s] * (due - failed))


def climbed(site: Callable[[float, float], Step]) -> Climb:
    async def hold(reads_per_s: float, writes_per_s: float, _seconds: float) -> Step:
        return site(reads_per_s, writes_per_s)

    return asyncio.run(climb(hold, PEAK, OPTIONS, lambda _line: None))


def slow_above(limit: float) -> Callable[[float, float], Step]:
    def site(reads_per_s: float, writes_per_s: float) -> Step:
        latency_s = 0.01 if reads_per_s <= limit else 0.5
        return Step(
            reads_per_s, writes_per_s, 1.0, outcome(reads_per_s, latency_s), outcome(writes_per_s, 0.01), 0.1
        )

    return site


@pytest.mark.parametrize("limit", [30.0, 100.0, 140.0, 400.0, 3_000.0])
def test_what_is_carried_is_found_and_never_more(limit: float) -> None:
    carried = climbed(slow_above(limit)).carried * PEAK.reads_per_s
    assert limit * 0.75 <= carried <= limit


def test_the_limit_that_stopped_it_is_named() -> None:
    assert climbed(slow_above(150.0)).stopped_by == "reads p99 500 ms, limit 100 ms"


def test_a_site_that_holds_everything_is_not_tried_for_ever() -> None:
    found = climbed(slow_above(1e9))
    assert found.carried <= 64.0
    assert "64 times the peak was held" in found.stopped_by


def test_a_site_that_carries_nothing_carries_nothing() -> None:
    assert climbed(slow_above(0.0)).carried == 0.0


def test_a_step_that_fails_once_gets_a_second_try() -> None:
    stumbles = iter([False, True])
    held = slow_above(1e9)

    def site(reads_per_s: float, writes_per_s: float) -> Step:
        if next(stumbles, False):
            return slow_above(0.0)(reads_per_s, writes_per_s)
        return held(reads_per_s, writes_per_s)

    assert climbed(site).carried > 1.0


def test_requests_that_fail_stop_the_climb_however_quick_the_others_are() -> None:
    def site(reads_per_s: float, writes_per_s: float) -> Step:
        failed = 5 if reads_per_s > 100 else 0
        return Step(
            reads_per_s,
            writes_per_s,
            1.0,
            outcome(reads_per_s, 0.001, failed),
            outcome(writes_per_s, 0.001),
            0.1,
        )

    found = climbed(site)
    assert 0.9 <= found.carried <= 1.0
    assert found.stopped_by.endswith(" failed")


def test_a_generator_at_its_end_is_told_apart_from_the_site() -> None:
    def site(reads_per_s: float, writes_per_s: float) -> Step:
        late = outcome(reads_per_s, 0.5)
        return Step(reads_per_s, writes_per_s, 1.0, late, outcome(writes_per_s, 0.01), 0.97)

    assert "the load generator itself was at its end" in climbed(site).stopped_by


def test_the_load_is_what_was_asked_for_and_counts_what_a_dead_site_does_not_answer() -> None:
    site = Site("A", "127.0.0.1", 1, 1, 2, 3, 4, 5, server=6)
    load = SiteLoad(site, "capacity-test", random.Random(1), GivenToken("none"))
    step = asyncio.run(load.step(200.0, 50.0, 1.0))
    load.close()
    assert 150 <= step.reads.due <= 250
    assert 25 <= step.writes.due <= 80
    assert (step.reads.failed, step.writes.failed) == (step.reads.due, step.writes.due)
