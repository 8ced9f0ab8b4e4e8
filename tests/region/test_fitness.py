"""When a standby takes itself out of those who are waited for, and when it comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region.guardian.apply import Backlog
from altid.region.guardian.fitness import Fitness, Health, judge, well_s

_WELL = Health(now_s=1000.0, standby=True, behind_s=0.1, unwritable_s=0.0, breaks=0, streams=True)
_STUCK = replace(_WELL, behind_s=3.1)


def test_a_standby_that_applies_as_it_receives_is_waited_for() -> None:
    assert not judge(Fitness(), _WELL).aside


@pytest.mark.parametrize(
    "health",
    [_STUCK, replace(_WELL, unwritable_s=3.0), replace(_WELL, breaks=3)],
    ids=["behind", "disk", "stream"],
)
def test_a_standby_that_holds_up_commits_sets_itself_aside_and_says_why(health: Health) -> None:
    fitness = judge(Fitness(), health)
    assert fitness.aside
    assert fitness.reason


@pytest.mark.parametrize(
    "health",
    [
        replace(_WELL, behind_s=2.9),
        replace(_WELL, behind_s=None),
        replace(_WELL, unwritable_s=2.9),
        replace(_WELL, unwritable_s=None),
        replace(_WELL, breaks=2),
        replace(_STUCK, standby=False),
    ],
)
def test_a_short_trouble_an_unknown_one_and_a_leaders_change_nothing(health: Health) -> None:
    assert not judge(Fitness(), health).aside


def test_it_is_waited_for_again_only_after_it_was_well_for_a_while() -> None:
    fitness = judge(judge(Fitness(), _STUCK), replace(_WELL, now_s=1001.0))
    assert judge(fitness, replace(_WELL, now_s=1005.9)).aside
    assert not judge(fitness, replace(_WELL, now_s=1006.0)).aside


@pytest.mark.parametrize(
    "doubt",
    [
        {"behind_s": None},
        {"behind_s": 1.0},
        {"unwritable_s": None},
        {"unwritable_s": 0.5},
        {"breaks": 3},
        {"streams": False},
    ],
)
def test_one_doubt_starts_the_while_anew(doubt: dict[str, float | None]) -> None:
    fitness = judge(judge(Fitness(), _STUCK), replace(_WELL, now_s=1001.0))
    fitness = judge(fitness, replace(_WELL, now_s=1003.0, **doubt))  # type: ignore[arg-type]
    assert judge(fitness, replace(_WELL, now_s=1006.0)).aside


def test_each_relapse_takes_longer_to_come_back_up_to_a_minute() -> None:
    assert [well_s(times) for times in (1, 2, 3, 4, 5, 9)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_relapse_long_after_counts_as_the_first() -> None:
    fitness = Fitness(changed_s=1000.0, times=4)
    assert judge(fitness, replace(_STUCK, now_s=1299.0)).times == 5
    assert judge(fitness, replace(_STUCK, now_s=1301.0)).times == 1


def test_one_that_leads_is_aside_no_more() -> None:
    assert not judge(judge(Fitness(), _STUCK), replace(_STUCK, standby=False)).aside


_maybe = st.none() | st.floats(0.0, 20.0)
_steps = st.lists(
    st.tuples(st.floats(0.05, 2.0), st.booleans(), _maybe, _maybe, st.integers(0, 5), st.booleans()),
    max_size=60,
)


@given(_steps)
def test_it_never_changes_back_without_having_been_well(
    steps: list[tuple[float, bool, float | None, float | None, int, bool]],
) -> None:
    fitness, now_s, bad_s = Fitness(), 0.0, 0.0
    for pause_s, *told in steps:
        now_s += pause_s
        health = Health(now_s, *told)
        before, fitness = fitness, judge(fitness, health)
        well = health.streams and health.behind_s is not None and health.behind_s < 1.0
        if not (well and health.unwritable_s == 0.0 and health.breaks < 3):
            bad_s = now_s
        if before.aside and not fitness.aside and health.standby:
            assert now_s - bad_s >= 5.0


def test_what_is_applied_is_not_behind() -> None:
    backlog = Backlog()
    backlog.sample(10.0, 100, 100)
    assert backlog.behind_s(10.1) == 0.0


def test_the_oldest_that_waits_says_how_far_behind() -> None:
    backlog = Backlog()
    for at_s, received, applied in [(10.0, 200, 100), (11.0, 300, 100), (12.0, 400, 250)]:
        backlog.sample(at_s, received, applied)
    assert backlog.behind_s(12.5) == 1.5


def test_a_position_that_stands_still_is_older_every_second() -> None:
    backlog = Backlog()
    for second in range(10):
        backlog.sample(10.0 + second, 200, 100)
    assert backlog.behind_s(19.5) == 9.5


def test_nothing_is_known_of_one_who_has_not_answered_for_long() -> None:
    backlog = Backlog()
    assert backlog.behind_s(10.0) is None
    backlog.sample(10.0, 200, 100)
    assert backlog.behind_s(12.5) is None


def test_a_standby_that_is_one_no_more_has_no_backlog() -> None:
    backlog = Backlog()
    backlog.sample(10.0, 200, 100)
    backlog.forget()
    assert backlog.behind_s(10.1) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=60))
def test_it_is_behind_exactly_while_something_received_is_not_applied(grown: list[tuple[int, int]]) -> None:
    backlog, received, applied = Backlog(), 0, 0
    for number, (more, done) in enumerate(grown):
        received += more
        applied = min(received, applied + done)
        backlog.sample(float(number), received, applied)
        behind_s = backlog.behind_s(float(number) + 0.5)
        assert behind_s is not None
        assert (behind_s > 0) == (received > applied)
