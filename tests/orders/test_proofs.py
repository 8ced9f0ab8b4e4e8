"""The proofs of reconciliations: opened as they were made, and whatever was done to them is noticed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.secret import AccessSecret
from altid.orders.proofs.sealing import (
    AlteredError,
    Before,
    Proof,
    faults_of,
    opened,
    prove,
    read_proof,
    says_the_same,
)
from altid.orders.proofs.standing import reconciled, standing, with_reconciled
from altid.orders.reconcile import reconcile
from altid.orders.verdict import Reconciliation, Ward
from tests.access.auditing import SECRET

from .test_reconcile import FATES, FAULTS, HOUR, NOON, SOUND, Fate, identity, world

OTHER = AccessSecret(bytes(32))


def row(*results: Reconciliation) -> list[Proof]:
    proofs: list[Proof] = []
    for result in results:
        before = Before(proofs[-1].number, proofs[-1].sha256) if proofs else Before()
        proofs.append(prove(SECRET, result, before, NOON + HOUR, "itself at A"))
    return proofs


def bodies(proofs: Sequence[Proof]) -> dict[int, bytes]:
    return {proof.number: proof.body for proof in proofs}


@given(st.lists(FATES, max_size=10))
def test_a_proof_opens_to_what_was_found(fates: list[Fate]) -> None:
    found = reconcile(world(fates)).placed({identity(1): Ward("Hospitalet", "O1")})
    (proof,) = row(found)
    again = opened(SECRET, read_proof(proof.body))
    assert again == found
    assert says_the_same(again, found)
    assert proof.uncertain == len(found.uncertain)


def test_patients_keys_and_signers_are_sealed() -> None:
    (proof,) = row(reconcile(world([*SOUND, *FAULTS.values()])))
    assert not any(word in proof.body for word in (b"Anne", b"MedicationRequest", b'"patient"'))
    with pytest.raises(AlteredError):
        opened(OTHER, proof)


CALM, BAD = reconcile(world(SOUND)), reconcile(world([*SOUND, *FAULTS.values()]))


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_byte_that_is_altered_is_noticed(place: int, change: int) -> None:
    proofs = row(CALM, BAD, CALM)
    body = bytearray(proofs[1].body)
    body[place % len(body)] ^= change
    assert any(fault.startswith("2: ") for fault in faults_of(SECRET, bodies(proofs) | {2: bytes(body)}))


def test_what_is_missing_exchanged_or_from_elsewhere_is_noticed() -> None:
    proofs = row(CALM, BAD, CALM)
    whole = bodies(proofs)
    assert faults_of(SECRET, whole) == []
    assert faults_of(SECRET, {1: whole[1], 3: whole[3]}) == ["2: it is missing"]
    assert faults_of(SECRET, {2: whole[2], 3: whole[3]}) == ["1: it is missing"]
    assert faults_of(SECRET, {**whole, 2: whole[3]}) == ["2: it is number 3"]
    elsewhere = bodies(row(BAD, BAD, BAD))
    assert faults_of(SECRET, {**whole, 3: elsewhere[3]}) == ["3: it does not follow the one before"]
    assert len(faults_of(OTHER, whole)) == 3


def test_a_number_in_plain_can_not_be_made_smaller() -> None:
    (proof,) = row(BAD)
    content = json.loads(proof.body) | {"why": {}}
    with pytest.raises(AlteredError):
        opened(SECRET, read_proof(json.dumps(content).encode()))


def test_an_alarm_stands_until_all_of_its_time_was_looked_at_again() -> None:
    narrow = replace(CALM, since=NOON, until=NOON + timedelta(minutes=1))
    assert [one.number for one in standing(row(BAD, narrow)[::-1])] == [2, 1]
    assert [one.number for one in standing(row(BAD, narrow, CALM)[::-1])] == [3]
    assert [one.number for one in standing(row(BAD, replace(CALM, unread=("B",)))[::-1])] == [2, 1]


def test_what_a_person_has_settled_is_no_alarm() -> None:
    (first,) = row(BAD)
    second = prove(SECRET, BAD, Before(1, first.sha256), NOON, "anna at host", "all of them were seen")
    assert first.is_alarm
    assert [(one.number, one.is_alarm) for one in standing([second, first])] == [(2, False)]


def test_what_is_uncertain_is_an_alarm_of_the_health_of_orders() -> None:
    well = {"status": "ok", "alarms": []}
    assert with_reconciled(well, []) == well | {"reconciled": None}
    bad, calm = with_reconciled(well, row(BAD)), with_reconciled(well, row(BAD, CALM)[::-1])
    assert (bad["status"], bad["alarms"]) == ("alarm", ["uncertain"])
    assert bad["reconciled"]["uncertain"] == len(BAD.uncertain)
    assert (calm["status"], calm["reconciled"]["uncertain"]) == ("ok", 0)
    narrow = replace(CALM, since=NOON)
    told = reconciled(row(BAD, narrow)[::-1])
    assert told is not None
    assert (told["number"], told["uncertain"], told["alarm"]) == (2, len(BAD.uncertain), True)
