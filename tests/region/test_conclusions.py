"""What the answers of a region's parts mean, whatever they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region.conclusions import (
    Answers,
    Database,
    Standby,
    durability_of,
    health_of,
    leader_of,
    primaries_of,
    role_of,
    state_of,
    unknowns_of,
)

_IN_SYNC = Standby(streaming=True, waited_for=True, lag_bytes=0, lag_ms=0.4)
_PRIMARY = Database(True, {"B": _IN_SYNC})
_REPLICA = Database(False)
_READY = {"url": "http://127.0.1.1:8081", "state": "ready"}
_SILENT = {"url": "http://127.0.1.1:8081", "state": "dead"}
_KEYS = {"leader": "A", "sync": json.dumps({"leader": "A", "sync_standby": "B"})}


def _site(database: Database | None = _PRIMARY, **more: Any) -> Answers:
    told: dict[str, Any] = {
        "patroni": {"role": "primary", "state": "running"},
        "guardian": {"live": True},
        "etcd": True,
        "servers": [_READY],
    }
    return Answers(**{**told, **more, "database": database})


_DEAD = Answers(servers=[_SILENT])


def test_the_leader_holds_the_key_and_its_database_is_the_primary() -> None:
    assert leader_of(_KEYS, {"A": _site(), "B": _site(_REPLICA)}) == "A"


def test_one_that_holds_the_key_and_is_still_a_replica_does_not_lead_yet() -> None:
    assert leader_of(_KEYS, {"A": _site(_REPLICA), "B": _site(_REPLICA)}) is None


def test_a_leader_whose_patroni_is_dead_and_whose_database_answers_leads_on() -> None:
    assert leader_of(_KEYS, {"A": _site(patroni=None), "B": _DEAD}) == "A"


def test_when_the_database_does_not_answer_patronis_word_counts() -> None:
    assert leader_of(_KEYS, {"A": _site(None), "B": _DEAD}) == "A"
    assert leader_of(_KEYS, {"A": _site(None, patroni={"role": "replica"}), "B": _DEAD}) is None


def test_without_a_quorum_nobody_is_said_to_lead() -> None:
    assert leader_of(None, {"A": _site(), "B": _site(_REPLICA)}) is None


def test_two_that_take_themselves_for_the_primary_are_both_told() -> None:
    assert primaries_of({"A": _site(), "B": _site()}) == ["A", "B"]


def test_a_write_is_at_two_sites_while_etcd_names_the_standby_and_the_leader_waits_for_it() -> None:
    assert durability_of(_KEYS, "A", "B", _PRIMARY) == "two-sites"


@pytest.mark.parametrize(
    "standby",
    [
        _IN_SYNC._replace(streaming=False),
        _IN_SYNC._replace(waited_for=False),
    ],
)
def test_a_standby_that_is_not_waited_for_does_not_count(standby: Standby) -> None:
    assert durability_of(_KEYS, "A", "B", Database(True, {"B": standby})) == "one-site"


@pytest.mark.parametrize("sync", ["{}", "null", "[]", "torn {", '{"sync_standby": null}'])
def test_a_standby_that_etcd_does_not_name_does_not_count(sync: str) -> None:
    assert durability_of({"leader": "A", "sync": sync}, "A", "B", _PRIMARY) == "one-site"


def test_while_etcd_names_the_standby_a_leader_that_cannot_be_asked_still_needs_it() -> None:
    assert durability_of(_KEYS, "A", "B", None) == "two-sites"


def test_without_a_leader_or_a_quorum_nothing_new_is_stored() -> None:
    assert durability_of(_KEYS, None, "B", None) == "none"
    assert durability_of(None, None, "B", None) == "none"


def test_a_site_whose_parts_are_all_silent_is_dead() -> None:
    assert state_of(_DEAD, replicates=False, stopping=False) == "dead"


def test_a_site_whose_parts_all_answer_is_live_when_it_replicates() -> None:
    assert state_of(_site(), replicates=True, stopping=False) == "live"
    assert state_of(_site(), replicates=False, stopping=False) == "suspect"


def test_a_site_that_stops_is_draining() -> None:
    assert state_of(_site(), replicates=True, stopping=True) == "draining"


@pytest.mark.parametrize("missing", ["patroni", "guardian", "database", "servers"])
def test_a_site_that_lacks_a_part_is_suspect(missing: str) -> None:
    lacking: Any = [_SILENT] if missing == "servers" else None
    database = None if missing == "database" else _PRIMARY
    site = _site(database) if missing == "database" else _site(**{missing: lacking})
    assert state_of(site, replicates=True, stopping=False) == "suspect"


def test_a_site_goes_on_without_its_etcd_member() -> None:
    assert state_of(_site(etcd=None), replicates=True, stopping=False) == "live"
    assert health_of(_site(etcd=None))["etcd"] == "silent"


def test_a_server_tells_what_is_wrong_with_it() -> None:
    assert health_of(_site(servers=[_READY, {**_READY, "state": "read-only"}]))["server-2"] == "read-only"


def test_the_role_is_the_one_that_it_has_not_the_one_that_it_claims() -> None:
    assert role_of("B", "A", _site()) == "standby"
    assert role_of("B", "A", _DEAD) == "unknown"


def test_what_could_not_be_asked_is_named() -> None:
    dead = {"A": _DEAD, "B": _DEAD}
    assert unknowns_of(None, dead, None, witness_answers=False) == ["etcd", "sites", "witness"]
    asked = {"A": _site(None), "B": _site(_REPLICA)}
    assert unknowns_of(_KEYS, asked, "A", witness_answers=True) == ["replication"]
    assert unknowns_of(_KEYS, {"A": _site(), "B": _DEAD}, "A", witness_answers=True) == []


_DATABASES = st.sampled_from([None, _PRIMARY, _REPLICA, Database(True), Database(True, {"B": _IN_SYNC})])
_SYNCS = st.sampled_from(["A", "B", "A,B", "", "C"]).map(lambda names: json.dumps({"sync_standby": names}))
_KEYS_OF_ANY_KIND = st.none() | st.fixed_dictionaries(
    {}, optional={"leader": st.sampled_from(["A", "B", "C"]), "sync": _SYNCS | st.text(max_size=20)}
)


@given(_KEYS_OF_ANY_KIND, _DATABASES, _DATABASES)
def test_two_sites_are_promised_only_with_a_leader_and_a_named_standby(
    keys: dict[str, str] | None, first: Database | None, second: Database | None
) -> None:
    answers = {"A": _site(first), "B": _site(second)}
    leader = leader_of(keys, answers)
    other = "B" if leader == "A" else "A"
    durability = durability_of(keys, leader, other, answers[leader].database if leader else None)
    assert (durability == "none") == (leader is None)
    if durability == "two-sites":
        assert other in json.loads((keys or {})["sync"])["sync_standby"].split(",")
