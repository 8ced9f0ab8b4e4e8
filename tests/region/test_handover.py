"""The handover's checks, one by one, and the order of its puts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from altid.region.etcd import EtcdError, KeyValue
from altid.region.guardian.handover import Outcome, hand_over

from .abstract_etcd import AbstractEtcd

_PREFIX = "/altid/nord/"


def _region(standby: str | None = "B", leader: str = "A", pause: bool = False) -> AbstractEtcd:
    etcd = AbstractEtcd()
    leases = {name: etcd.grant() for name in "AB"}
    etcd.put(_PREFIX + "config", json.dumps({"ttl": 20, "pause": pause}))
    for name, lease in leases.items():
        etcd.put(_PREFIX + "members/" + name, "{}", lease)
    etcd.put(_PREFIX + "leader", leader, leases[leader])
    etcd.put(_PREFIX + "sync", json.dumps({"leader": leader, "sync_standby": standby}))
    return etcd


def _outcome(etcd: AbstractEtcd) -> Outcome:
    return asyncio.run(hand_over(etcd, _PREFIX, "B", "A")).outcome


def test_the_synchronous_standby_takes_the_lead() -> None:
    etcd = _region()
    assert _outcome(etcd) is Outcome.DONE
    assert etcd.keys[_PREFIX + "leader"].value == "B"
    assert etcd.keys[_PREFIX + "leader"].lease == etcd.keys[_PREFIX + "members/B"].lease
    assert json.loads(etcd.keys[_PREFIX + "sync"].value) == {"leader": "B", "sync_standby": None, "quorum": 0}


def test_the_old_leaders_lease_is_revoked_after_it() -> None:
    etcd = _region()
    _outcome(etcd)
    assert _PREFIX + "members/A" not in etcd.keys
    assert [change.key for change in etcd.log][-1] == _PREFIX + "members/A"


def test_watchers_see_the_new_leader_before_the_new_sync() -> None:
    etcd = _region()
    before = len(etcd.log)
    _outcome(etcd)
    seen = [change.key.removeprefix(_PREFIX) for change in etcd.log[before:]]
    assert seen[:2] == ["leader", "sync"]


@pytest.mark.parametrize("standby", [None, "", "C", "BB", "A"])
def test_a_site_that_does_not_stand_in_sync_is_refused(standby: str | None) -> None:
    assert _outcome(_region(standby=standby)) is Outcome.REFUSED


def test_a_site_among_several_in_sync_may_take_the_lead() -> None:
    assert _outcome(_region(standby="B,C")) is Outcome.DONE


def test_a_leader_does_not_take_the_lead_from_itself() -> None:
    assert _outcome(_region(leader="B", standby="A")) is Outcome.REFUSED


def test_a_paused_region_is_left_alone() -> None:
    assert _outcome(_region(pause=True)) is Outcome.REFUSED


@pytest.mark.parametrize("key", ["leader", "sync", "members/B", "config"])
def test_a_key_that_is_missing_is_a_refusal(key: str) -> None:
    etcd = _region()
    del etcd.keys[_PREFIX + key]
    assert _outcome(etcd) is Outcome.REFUSED


def test_a_sync_of_another_leader_is_a_refusal() -> None:
    etcd = _region()
    etcd.put(_PREFIX + "sync", json.dumps({"leader": "C", "sync_standby": "B"}))
    assert _outcome(etcd) is Outcome.REFUSED


@pytest.mark.parametrize("value", ["", "[]", "{", "null", '{"leader": "A", "sync_standby": ["B"]}'])
def test_a_sync_that_cannot_be_read_is_a_refusal(value: str) -> None:
    etcd = _region()
    etcd.put(_PREFIX + "sync", value)
    assert _outcome(etcd) is Outcome.REFUSED


class _Busy(AbstractEtcd):
    """Somebody else writes between our reading and our transaction."""

    key = "sync"

    async def transaction(self, compare: list[dict[str, Any]], success: list[dict[str, Any]]) -> bool:
        found = self.keys[_PREFIX + self.key]
        self.put(_PREFIX + self.key, found.value, found.lease)
        return await super().transaction(compare, success)


@pytest.mark.parametrize("key", ["leader", "sync"])
def test_whoever_changes_leader_or_sync_meanwhile_wins(key: str) -> None:
    etcd = _region()
    busy = _Busy()
    busy.__dict__.update(etcd.__dict__)
    busy.key = key
    assert _outcome(busy) is Outcome.LOST
    assert busy.keys[_PREFIX + "leader"].value == "A"


class _Mute(AbstractEtcd):
    """The transaction is done, and its answer is lost; then there is no quorum, or there is."""

    async def transaction(self, compare: list[dict[str, Any]], success: list[dict[str, Any]]) -> bool:
        await super().transaction(compare, success)
        raise EtcdError("no answer")


class _Gone(_Mute):
    _reads = 0

    async def prefix(self, start: str) -> dict[str, KeyValue]:
        self._reads += 1
        if self._reads > 1:
            raise EtcdError("no quorum")
        return await super().prefix(start)


def _as(kind: type[AbstractEtcd]) -> AbstractEtcd:
    etcd = kind()
    etcd.__dict__.update(_region().__dict__)
    return etcd


def test_a_transaction_whose_answer_is_lost_is_found_to_be_done() -> None:
    assert _outcome(_as(_Mute)) is Outcome.DONE


def test_a_transaction_that_nobody_can_tell_of_is_unknown_and_revokes_nothing() -> None:
    etcd = _as(_Gone)
    assert _outcome(etcd) is Outcome.UNKNOWN
    assert _PREFIX + "members/A" in etcd.keys


def test_the_next_try_after_an_unknown_one_changes_nothing() -> None:
    etcd = _as(_Gone)
    _outcome(etcd)
    etcd.__class__ = AbstractEtcd
    assert _outcome(etcd) is Outcome.REFUSED
