"""What a place has seen: only what was really watched counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region.guardian.view import FIRST_SIGHT_S, PROBE_EVERY_S, STALL_S, Sighting


def _watched(until_s: float, seen_until_s: float) -> Sighting:
    """A place that is probed ten times a second, and answers up to a moment."""
    sighting = Sighting()
    for step in range(round(until_s / PROBE_EVERY_S) + 1):
        now_s = step * PROBE_EVERY_S
        sighting.sent(now_s)
        sighting.answered(now_s, seen=now_s <= seen_until_s)
    return sighting


def test_a_place_that_answers_is_seen() -> None:
    assert _watched(10.0, 10.0).unseen_s(10.05) == pytest.approx(0.05)


def test_a_place_that_stopped_answering_is_unseen_since_then() -> None:
    assert _watched(10.0, 9.0).unseen_s(10.05) == pytest.approx(1.05)


def test_nothing_is_known_before_the_first_probe() -> None:
    assert Sighting().unseen_s(5.0) is None


def test_a_place_never_seen_has_time_to_start() -> None:
    assert _watched(3.0, -1.0).unseen_s(3.0) == 0.0
    assert _watched(7.0, -1.0).unseen_s(7.0) == pytest.approx(7.0 - FIRST_SIGHT_S)


def test_a_place_seen_early_has_no_more_grace() -> None:
    assert _watched(3.0, 0.1).unseen_s(3.0) == pytest.approx(2.9)


def test_a_watcher_that_stood_still_knows_nothing() -> None:
    sighting = _watched(10.0, 10.0)
    assert sighting.unseen_s(10.0 + STALL_S + 0.1) is None


def test_a_watcher_that_stood_still_begins_anew() -> None:
    sighting = _watched(10.0, 10.0)
    sighting.sent(20.0)
    assert sighting.unseen_s(20.05) == pytest.approx(0.05)


def test_one_failed_probe_is_no_evidence() -> None:
    sighting = _watched(10.0, 10.0)
    sighting.sent(10.4)
    sighting.answered(10.4, seen=False)
    assert (sighting.unseen_s(10.8) or 0.0) <= 0.2


def test_a_failure_that_is_told_late_does_not_undo_a_later_success() -> None:
    sighting = _watched(10.0, 10.0)
    sighting.answered(9.9, seen=False)
    assert not sighting.failing


@given(st.lists(st.tuples(st.floats(0.05, 1.5), st.booleans()), max_size=80), st.floats(0.0, 2.0))
def test_unseen_never_claims_more_than_was_watched(steps: list[tuple[float, bool]], wait_s: float) -> None:
    """Whatever the probes did: no success, and no stall of the watch, in the time that is claimed."""
    sighting, now_s = Sighting(), 0.0
    successes, stalls = [], []
    for gap_s, seen in steps:
        now_s += gap_s
        if gap_s > STALL_S:
            stalls.append(now_s)
        sighting.sent(now_s)
        sighting.answered(now_s, seen)
        if seen:
            successes.append(now_s)
    now_s += wait_s
    unseen_s = sighting.unseen_s(now_s)
    if unseen_s is not None:
        latest = max([*successes, *stalls], default=0.0)
        assert unseen_s <= now_s - latest + 1e-9
