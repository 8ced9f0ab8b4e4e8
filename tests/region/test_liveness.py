"""When a site may answer as the live record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from altid.region.etcd import KeyValue
from altid.region.guardian.lease import LiveLease
from altid.region.guardian.liveness import lease_s, not_live, waits_for_other
from altid.server.live import Lease

_PREFIX = "/altid/nord/"


def _keys(leader: str | None, sync: object) -> dict[str, KeyValue]:
    keys = {} if leader is None else {_PREFIX + "leader": KeyValue(leader, 1, 1)}
    return keys | {_PREFIX + "sync": KeyValue(json.dumps(sync), 1, 0)}


def test_the_leader_is_live() -> None:
    assert not_live(_keys("B", {"leader": "B", "sync_standby": None}), _PREFIX, "B") == ""


def test_the_synchronous_standby_is_live() -> None:
    assert not_live(_keys("A", {"leader": "A", "sync_standby": "B"}), _PREFIX, "B") == ""


@pytest.mark.parametrize(
    ("leader", "sync"),
    [
        (None, {"leader": "A", "sync_standby": "B"}),
        ("A", {"leader": "A", "sync_standby": None}),
        ("A", {"leader": "A", "sync_standby": "BB"}),
        ("A", {"leader": "C", "sync_standby": "B"}),
        ("A", []),
        ("A", {}),
    ],
)
def test_any_other_site_is_not(leader: str | None, sync: object) -> None:
    assert not_live(_keys(leader, sync), _PREFIX, "B") != ""


def _lease_s(
    *, leads: bool, asked_ago_s: float, seen_ago_s: float | None, streamed_ago_s: float | None = 0.0
) -> float:
    seen_s = None if seen_ago_s is None else 100.0 - seen_ago_s
    streamed_s = None if streamed_ago_s is None else 100.0 - streamed_ago_s
    return lease_s(
        leads=leads,
        asked_s=100.0 - asked_ago_s,
        seen_s=seen_s,
        streamed_s=streamed_s,
        now_s=100.0,
        unseen_s=1.5,
        sender_timeout_s=1.0,
    )


def test_a_leaders_lease_ends_before_it_can_lose_the_lead() -> None:
    assert 0 < _lease_s(leads=True, asked_ago_s=0.0, seen_ago_s=9.0) < 1.5


def test_a_standbys_lease_ends_before_the_leader_stops_waiting_for_it() -> None:
    assert 0 < _lease_s(leads=False, asked_ago_s=0.0, seen_ago_s=0.0) < 0.8


def test_a_standby_that_does_not_see_the_leader_has_no_lease() -> None:
    assert _lease_s(leads=False, asked_ago_s=0.0, seen_ago_s=1.0) <= 0


@pytest.mark.parametrize("streamed_ago_s", [None, 0.8, 5.0])
def test_a_standby_that_does_not_receive_the_log_has_no_lease(streamed_ago_s: float | None) -> None:
    assert _lease_s(leads=False, asked_ago_s=0.0, seen_ago_s=0.0, streamed_ago_s=streamed_ago_s) <= 0


def test_a_standby_keeps_its_lease_while_one_question_to_its_database_takes_long() -> None:
    assert _lease_s(leads=False, asked_ago_s=0.0, seen_ago_s=0.0, streamed_ago_s=0.6) > 0


def test_a_leader_receives_no_log_and_has_its_lease() -> None:
    assert _lease_s(leads=True, asked_ago_s=0.0, seen_ago_s=0.0, streamed_ago_s=None) > 0


def test_an_answer_that_took_long_leaves_less() -> None:
    assert _lease_s(leads=True, asked_ago_s=1.5, seen_ago_s=0.0) <= 0


def test_the_servers_read_the_lease_that_the_guardian_writes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("live") / "live"
    guardian = LiveLease(path)
    server = Lease(path)
    assert not server.holds
    guardian.extend(5.0)
    assert server.holds
    guardian.extend(-0.1)
    assert not server.holds


def test_a_lease_from_before_the_machine_was_started_is_none(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("live") / "live"
    LiveLease(path).extend(86_400.0)
    assert not Lease(path).holds


def test_a_guardian_that_starts_takes_an_older_lease_back(tmp_path: Path) -> None:
    path = tmp_path / "live"
    LiveLease(path).extend(5.0)
    server = Lease(path)
    LiveLease(path)
    assert not server.holds


def test_the_servers_see_with_the_lease_whether_the_leader_waits_for_the_other_site(tmp_path: Path) -> None:
    guardian = LiveLease(tmp_path / "live")
    server = Lease(tmp_path / "live")
    guardian.extend(5.0, two_sites=True)
    assert (server.holds, server.is_two_sites) == (True, True)
    guardian.extend(5.0, two_sites=False)
    assert (server.holds, server.is_two_sites) == (True, False)


def test_when_a_lease_ended_is_known_also_after_a_restart(tmp_path: Path) -> None:
    guardian, server = LiveLease(tmp_path / "live"), Lease(tmp_path / "live")
    assert server.ended is None
    guardian.extend(5.0)
    before = datetime.now(UTC)
    guardian.end()
    ended = server.ended
    assert ended is not None
    assert before <= ended <= datetime.now(UTC)
    LiveLease(tmp_path / "live")
    assert server.ended == ended


@pytest.mark.parametrize(
    ("leader", "sync", "waits"),
    [
        ("A", {"leader": "A", "sync_standby": "B"}, True),
        ("A", {"leader": "A", "sync_standby": None}, False),
        ("B", {"leader": "A", "sync_standby": "B"}, False),
        (None, {"leader": "A", "sync_standby": "B"}, False),
    ],
)
def test_writes_are_at_two_sites_while_the_leader_names_a_standby(
    leader: str | None, sync: object, waits: bool
) -> None:
    assert waits_for_other(_keys(leader, sync), _PREFIX) is waits
