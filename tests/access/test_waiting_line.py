"""The line: bounded, in order, nobody served too late; and what it does to a storm."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altid.access.waiting import Away, Line, LineLimits, Priority, Ticket
from tests.access.storms import Guarded, Storm, Unguarded

LIMITS = LineLimits(at_once=2)
PACE = LIMITS.at_once / LIMITS.first_service_s


def waiting(line: Line, priority: Priority, now_s: float = 0.0, deadline_s: float = 100.0) -> Ticket:
    ticket = line.offer(priority, deadline_s, now_s)
    assert isinstance(ticket, Ticket)
    return ticket


def served(line: Line, now_s: float = 0.0) -> Ticket | None:
    return line.take(now_s)[0]


def full(limits: LineLimits = LIMITS, priority: Priority = Priority.ORDINARY) -> Line:
    line = Line(limits)
    while isinstance(line.offer(priority, 100.0, 0.0), Ticket):
        pass
    return line


def test_first_come_first_served() -> None:
    line = Line(LIMITS)
    first, second = waiting(line, Priority.ORDINARY), waiting(line, Priority.ORDINARY, 0.01)
    assert served(line, 0.02) is first
    assert served(line, 0.02) is second


def test_no_more_than_fit_are_served_at_once() -> None:
    line = full()
    assert [served(line) is not None for _ in range(3)] == [True, True, False]
    line.done(0.05)
    assert served(line) is not None


@pytest.mark.parametrize("first", [p for p in Priority if p is not Priority.SUSPECT])
def test_those_of_a_higher_priority_go_before_those_who_came_first(first: Priority) -> None:
    line = Line(LIMITS)
    waiting(line, Priority(first + 1))
    ticket = waiting(line, first, 0.01)
    assert served(line, 0.02) is ticket


def test_the_line_is_no_longer_than_anybody_should_wait() -> None:
    assert full().waiting == int(LIMITS.wait_s_max * PACE)


def test_the_line_is_bounded_whatever_the_pace() -> None:
    assert full(LineLimits(at_once=1000, waiting_max=7)).waiting == 7


def test_a_full_line_makes_room_for_a_higher_priority() -> None:
    line = full()
    ticket = waiting(line, Priority.REENTRY)
    pushed = line.pushed(0.0)
    assert [out.priority for out, _ in pushed] == [Priority.ORDINARY]
    assert served(line) is ticket


def test_a_full_line_of_the_same_priority_sends_away() -> None:
    assert isinstance(full(priority=Priority.REENTRY).offer(Priority.REENTRY, 100.0, 0.0), Away)


def test_under_overload_the_newest_is_served_first_and_the_oldest_pushed_out() -> None:
    line = full()
    assert served(line, 0.2) is not None
    line.done(0.05)
    assert served(line, 0.31) is not None
    assert line.is_overloaded
    line.done(0.05)
    newest = waiting(line, Priority.ORDINARY, 0.32)
    line.pushed(0.32)
    assert served(line, 0.33) is newest
    before = line.waiting
    waiting(line, Priority.ORDINARY, 0.34)
    waiting(line, Priority.ORDINARY, 0.34)
    assert [out.arrived_s for out, _ in line.pushed(0.34)] == [0.0] * (before + 2 - line.waiting)


def test_when_the_standing_queue_is_gone_the_order_is_as_before() -> None:
    line = full()
    for now in (0.2, 0.31):
        served(line, now)
    assert line.is_overloaded
    line.overdue(LIMITS.wait_s_max)
    line.done(0.05)
    first, _ = waiting(line, Priority.ORDINARY, 1.0), waiting(line, Priority.ORDINARY, 1.01)
    assert served(line, 1.02) is first
    assert not line.is_overloaded


def test_whoever_could_not_be_answered_in_time_is_not_let_in() -> None:
    answer = Line(LIMITS).offer(Priority.REENTRY, LIMITS.first_service_s / 2, 0.0)
    assert isinstance(answer, Away)
    assert answer.late


def test_whose_deadline_passes_in_the_line_is_passed_over() -> None:
    line = Line(LIMITS)
    late = waiting(line, Priority.ORDINARY, 0.0, deadline_s=0.2)
    good = waiting(line, Priority.ORDINARY, 0.0)
    ticket, dropped = line.take(0.19)
    assert ticket is good
    assert [(out, away.late) for out, away in dropped] == [(late, True)]


def test_nobody_waits_in_vain_for_longer_than_the_limit() -> None:
    line = full()
    assert line.overdue(LIMITS.wait_s_max - 0.01) == []
    line.overdue(LIMITS.wait_s_max)
    assert line.waiting == 0


def test_those_sent_away_come_back_one_after_the_other_at_the_pace_of_the_work() -> None:
    line = full()
    told = [line.offer(Priority.ORDINARY, 100.0, 0.0) for _ in range(100)]
    waits = [one.wait_s for one in told if isinstance(one, Away)]
    steps = [after - before for before, after in pairwise(waits)]
    assert waits[0] >= 1
    assert steps == pytest.approx([1 / (PACE * LIMITS.come_back_share)] * 99)


def test_nobody_is_told_to_wait_longer_than_the_limit() -> None:
    line = full()
    for _ in range(20_000):
        away = line.offer(Priority.ORDINARY, 100.0, 0.0)
        assert isinstance(away, Away)
        assert 1 <= away.wait_s <= LIMITS.come_back_s_max
        assert away.place >= 1


def test_the_pace_follows_the_work() -> None:
    line = Line(LIMITS)
    for _ in range(100):
        waiting(line, Priority.ORDINARY)
        served(line)
        line.done(0.2)
    assert line.service_s == pytest.approx(0.2, rel=0.01)
    assert full(LIMITS).waiting > LIMITS.wait_s_max * line.pace


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "take", "done", "leave", "overdue"]),
        st.sampled_from(list(Priority)),
        st.floats(0, 0.3),
        st.floats(0, 2),
    ),
    max_size=80,
)


@settings(max_examples=300)
@given(_STEPS)
def test_whatever_happens_the_line_keeps_its_promises(
    steps: list[tuple[str, Priority, float, float]],
) -> None:
    """Bounded; nobody served after the deadline; nobody lost or told twice; priority is kept."""
    limits = LineLimits(at_once=2, waiting_max=5)
    line, now, inside, working = Line(limits), 0.0, set[Ticket](), 0
    for action, priority, pause, patience in steps:
        now += pause
        out: list[tuple[Ticket, Any]] = []
        if action == "arrive":
            answer = line.offer(priority, now + patience, now)
            if isinstance(answer, Ticket):
                inside.add(answer)
                out = line.pushed(now)
        elif action == "take":
            ticket, out = line.take(now)
            if ticket is not None:
                assert ticket.deadline_s >= now
                late = {one for one, _ in out}
                assert ticket.priority == min(one.priority for one in inside - late)
                inside.remove(ticket)
                working += 1
        elif action == "done" and working:
            working -= 1
            line.done(pause)
        elif action == "leave" and inside:
            gone = min(inside, key=lambda one: (one.arrived_s, one.priority))
            line.leave(gone)
            inside.remove(gone)
        elif action == "overdue":
            out = line.overdue(now)
        for one, away in out:
            inside.remove(one)
            assert away.wait_s > 0
        assert line.waiting == len(inside) <= limits.waiting_max
        assert line.busy == working <= limits.at_once


STORM_S = 20
AFTER_S = 30


def storm(door: Any, load: float) -> Storm:
    happened = Storm(door)
    happened.run([(5, 0.8), (STORM_S, load), (AFTER_S, 0.8)])
    return happened


@pytest.mark.parametrize(("load", "goodput_min"), [(1, 0.9), (2, 0.95), (5, 0.95), (10, 0.9)])
def test_in_a_storm_the_work_done_for_somebody_stays_near_the_capacity(
    load: float, goodput_min: float
) -> None:
    happened = storm(Guarded(), load)
    assert happened.goodput(7, 5 + STORM_S) >= goodput_min


@pytest.mark.parametrize("load", [1, 2, 5, 10])
def test_after_the_storm_everybody_is_answered_again_within_seconds(load: float) -> None:
    happened = storm(Guarded(), load)
    assert happened.success(5 + STORM_S + 3, 5 + STORM_S + AFTER_S) >= 0.99


@pytest.mark.parametrize("load", [2, 10])
def test_who_is_answered_in_a_storm_is_answered_in_time(load: float) -> None:
    waits = sorted(storm(Guarded(), load).waits_s)
    assert waits[int(len(waits) * 0.99)] < 0.7


@pytest.mark.parametrize("load", [2, 5, 10])
def test_the_same_storm_without_protections_stops_everything_and_it_stays_so(load: float) -> None:
    """Else the tests above would prove nothing."""
    happened = storm(Unguarded(), load)
    assert happened.goodput(10, 5 + STORM_S) < 0.05
    assert happened.success(5 + STORM_S, 5 + STORM_S + 10) < 0.05
