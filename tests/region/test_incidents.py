"""When a site's orders are reconciled by itself: after which events, how soon, and how often again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from altid.access.secret import AccessSecret
from altid.orders.proofs.sealing import Before, Proof, prove
from altid.orders.verdict import Counts, Reconciliation, SiteDigest
from altid.region import events
from altid.region.reconciling.incidents import (
    BEFORE,
    CALM,
    UNCALM_MAX,
    Pending,
    happened,
    incident,
    is_done,
    left_over,
    looked,
    since_of,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
SECRET = AccessSecret(bytes(range(32)))


def event(name: str, **detail: Any) -> dict[str, Any]:
    return {"time": NOON.isoformat(), "place": "A", "event": name, **detail}


@pytest.mark.parametrize(
    "told",
    [
        event("part died", part="server-2"),
        event("part died", part="patroni"),
        event("handover", outcome="done"),
        event("place killed"),
        event("place started"),
        event("server out", part="server-1"),
        event("not live"),
    ],
)
def test_an_incident_of_the_site(told: dict[str, Any]) -> None:
    assert incident(told, "A") == NOON
    assert incident(told, "B") is None


@pytest.mark.parametrize(
    "told",
    [
        event("part died", part="status"),
        event("part restarted", part="server-1"),
        event("handover", outcome="refused"),
        event("orders reconciled"),
        {**event("live"), "time": "soon"},
        {},
    ],
)
def test_no_incident(told: dict[str, Any]) -> None:
    assert incident(told, "A") is None


def test_it_waits_until_it_is_calm_but_not_for_ever() -> None:
    pending = happened(None, NOON)
    assert (pending.due, pending.since) == (NOON + CALM, NOON - BEFORE)
    for second in range(1, 1000):
        pending = happened(pending, NOON + second * SECOND)
    assert (pending.first, pending.due) == (NOON, NOON + UNCALM_MAX)


def test_what_is_not_certain_is_looked_at_again_ever_more_seldom() -> None:
    pending: Pending | None = happened(None, NOON)
    pauses = []
    for _ in range(12):
        assert pending is not None
        now = pending.due
        pending = looked(pending, now, NOON + SECOND, is_certain=False)
        assert pending is not None
        assert pending.until == NOON + SECOND
        pauses.append((pending.due - now).total_seconds())
    assert pauses[:4] == [20, 40, 80, 160]
    assert pauses[-1] == 300
    assert looked(pending, NOON, NOON, is_certain=True) is None


def test_a_new_incident_is_looked_at_with_the_old_one() -> None:
    pending = looked(happened(None, NOON), NOON + HOUR, NOON + HOUR, is_certain=False)
    again = happened(pending, NOON + 2 * HOUR)
    assert (again.first, again.until, again.due) == (NOON, None, NOON + 2 * HOUR + CALM)


def proof(since: datetime, until: datetime, unread: tuple[str, ...] = (), *, agree: bool = True) -> Proof:
    digests = (SiteDigest("A", 1, "x"), SiteDigest("B", 1, "x" if agree else "y"))
    found = Reconciliation(since, until, (), Counts(0, 0, 0, 0), digests, unread)
    return prove(SECRET, found, Before(), until, "itself at B")


def test_what_the_other_site_has_reconciled_is_done() -> None:
    pending = happened(None, NOON)
    assert not is_done(pending, [])
    assert is_done(pending, [proof(NOON - HOUR, NOON + SECOND)])
    assert not is_done(pending, [proof(NOON - HOUR, NOON - SECOND)])
    assert not is_done(pending, [proof(NOON, NOON + SECOND)])
    assert not is_done(pending, [proof(NOON - HOUR, NOON + SECOND, ("A (database)",))])


def test_an_alarm_is_looked_at_again_by_whoever_found_it() -> None:
    alarm = proof(NOON - HOUR, NOON + SECOND, agree=False)
    pending = looked(happened(None, NOON), NOON, NOON + SECOND, is_certain=False)
    assert pending is not None
    assert not is_done(pending, [alarm])
    assert is_done(replace(pending, looks=0), [alarm])


def test_a_young_alarm_is_taken_in_with_the_next_incident() -> None:
    pending = happened(None, NOON)
    young, old = proof(NOON - 9 * HOUR, NOON - 8 * HOUR, agree=False), NOON - 99 * HOUR
    assert since_of(pending, [young], NOON) == NOON - 9 * HOUR
    assert since_of(pending, [proof(old, old + HOUR, agree=False)], NOON) == pending.since
    assert since_of(pending, [proof(NOON - 9 * HOUR, NOON)], NOON) == pending.since


def test_events_are_read_as_they_come_also_when_their_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = events.Tail(path)
    assert tail.read() == []
    events.record(path, "A", "live")
    assert [one["event"] for one in tail.read()] == ["live"]
    with path.open("a") as file:
        file.write('{"event": "torn')
    assert tail.read() == []
    with path.open("a") as file:
        file.write(' no more"}\nno event\n')
    assert [one["event"] for one in tail.read()] == ["torn no more"]
    path.rename(tmp_path / "events.jsonl.1")
    events.record(path, "A", "not live")
    assert [one["event"] for one in tail.read()] == ["not live"]
    assert tail.read() == []


def test_what_an_earlier_process_has_not_reconciled_is_left_over() -> None:
    times = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert left_over(times, []) == times
    narrow = proof(NOON + HOUR - BEFORE, NOON + HOUR + SECOND)
    assert left_over(times, [narrow]) == [times[0], times[2]]
    bad = proof(NOON - HOUR, NOON + 3 * HOUR, agree=False)
    assert left_over(times, [bad]) == times
