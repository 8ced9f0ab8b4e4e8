"""Reconciliation: against an oracle, on anything; and each seeded fault is found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.orders.evidence import Evidence, HeldKey, Holding, Promise, Shown, Version
from altid.orders.intent import End
from altid.orders.reconcile import reconcile
from altid.orders.todo import Why
from altid.orders.verdict import Ward

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Fate:
    """What happened to one order in a world that was made up."""

    end: End | None = End.REGISTERED
    has_intent: bool = True
    sites: frozenset[str] = frozenset("AB")
    in_outbox: bool = False
    is_shown: bool = False
    is_twice: bool = False
    is_test: bool = False


def truth(fate: Fate) -> Why | None:
    """The oracle: said of one order at a time, with nothing to compare."""
    if fate.is_test or not (fate.has_intent or fate.sites or fate.in_outbox or fate.is_shown):
        return None
    if fate.is_twice and fate.has_intent:
        return Why.KEY_TWICE
    if fate.sites:
        return Why.ONE_SITE if len(fate.sites) == 1 else None
    if fate.is_shown:
        return Why.RECOVERED
    if fate.has_intent and fate.end in (End.REGISTERED, End.SHOWN):
        return Why.LOST
    if fate.has_intent and fate.end is None:
        return Why.NO_OUTCOME
    return Why.UNSEEN if fate.in_outbox else None


def identity(number: int) -> bytes:
    return write_key(number).bytes[:10]


def write_key(number: int, content: int = 0) -> UUID:
    return UUID(bytes=number.to_bytes(10) + content.to_bytes(6))


def promise(number: int, end: End | None = End.REGISTERED, content: int = 0, **others: object) -> Promise:
    made = Promise(
        identity(number),
        str(write_key(number, content)),
        f"k{number}",
        "A",
        "A.00000001",
        NOON,
        "sign",
        f"MedicationRequest/o{number}",
        f"p{number}",
        "ward",
        "Anne Holm",
        end,
    )
    return replace(made, **others)  # type: ignore[arg-type]


def version(number: int, **others: object) -> Version:
    key = str(write_key(number))
    made = Version(identity(number), key, f"MedicationRequest/o{number}", 1, NOON, b"d", f"p{number}")
    return replace(made, **others)  # type: ignore[arg-type]


def held(number: int, **others: object) -> HeldKey:
    made = HeldKey((identity(number),), f"k{number}", NOON, f"p{number}", "MedicationRequest", "sign", "O1")
    return replace(made, **others)  # type: ignore[arg-type]


def shown(number: int, is_open: bool = True) -> Shown:
    order = f"MedicationRequest/o{number}"
    return Shown(identity(number), f"k{number}", order, "sign", f"p{number}", "w", "Anne", NOON, is_open)


def evidence(
    promises: Sequence[Promise] = (),
    held_: Sequence[HeldKey] = (),
    a: Sequence[Version] = (),
    b: Sequence[Version] = (),
    shown_: Sequence[Shown] = (),
) -> Evidence:
    holdings = (Holding("A", tuple(a), tuple(shown_)), Holding("B", tuple(b), tuple(shown_)))
    return Evidence(NOON - HOUR, NOON + HOUR, tuple(promises), tuple(held_), holdings)


def world(fates: Sequence[Fate]) -> Evidence:
    every = list(enumerate(fates, 1))
    promises = [promise(n, one.end, is_test=one.is_test) for n, one in every if one.has_intent]
    promises += [
        promise(n, End.REGISTERED, content=content, is_test=one.is_test)
        for n, one in every
        if one.has_intent and one.is_twice
        for content in (1, 2)
    ]
    at = {
        site: [version(n, is_test=one.is_test) for n, one in every if site in one.sites]
        for site in ("A", "B")
    }
    outbox = [
        held(n, patient="altid-canary-A-1" if one.is_test else f"p{n}") for n, one in every if one.in_outbox
    ]
    found = [
        replace(shown(n), patient="altid-canary-A-1") if one.is_test else shown(n)
        for n, one in every
        if one.is_shown
    ]
    return evidence(promises, outbox, at["A"], at["B"], found)


FATES = st.builds(
    Fate,
    end=st.sampled_from([None, *End]),
    has_intent=st.booleans(),
    sites=st.sampled_from([frozenset(), frozenset("A"), frozenset("B"), frozenset("AB")]),
    in_outbox=st.booleans(),
    is_shown=st.booleans(),
    is_twice=st.booleans(),
    is_test=st.booleans(),
)


@given(st.lists(FATES, max_size=30))
def test_as_the_oracle_says_of_each_order(fates: list[Fate]) -> None:
    found = {one.identity: one.why for one in reconcile(world(fates)).uncertain}
    expected = {identity(n): truth(fate) for n, fate in enumerate(fates, 1) if truth(fate)}
    assert found == expected


@given(st.lists(FATES, max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_told_changes_nothing(fates: list[Fate], random: object) -> None:
    told = world(fates)
    a, b = told.holdings
    versions = list(a.versions)
    random.shuffle(versions)  # type: ignore[attr-defined]
    mixed = replace(told, holdings=(replace(a, versions=tuple(versions)), b), held=told.held[::-1])
    assert reconcile(mixed) == reconcile(told)


SOUND = [Fate(), Fate(end=End.REFUSED, sites=frozenset()), Fate(end=None), Fate(has_intent=False)]
FAULTS = {
    Why.NO_OUTCOME: Fate(end=None, sites=frozenset()),
    Why.UNSEEN: Fate(has_intent=False, sites=frozenset(), in_outbox=True),
    Why.ONE_SITE: Fate(sites=frozenset("A")),
    Why.LOST: Fate(sites=frozenset()),
    Why.KEY_TWICE: Fate(is_twice=True),
    Why.RECOVERED: Fate(end=End.SHOWN, sites=frozenset(), is_shown=True),
}


@pytest.mark.parametrize("why", FAULTS)
def test_a_seeded_fault_is_found_and_nothing_else(why: Why) -> None:
    found = reconcile(world([*SOUND, FAULTS[why], *SOUND]))
    assert [(one.identity, one.why) for one in found.uncertain] == [(identity(len(SOUND) + 1), why)]
    assert found.uncertain[0].todo.da
    assert not found.is_certain


def test_all_of_the_same_faults_on_test_orders_are_left_out() -> None:
    found = reconcile(world([replace(fate, is_test=True) for fate in FAULTS.values()]))
    assert (found.uncertain, found.is_certain) == ((), True)
    assert found.counts.intents == found.counts.registered == 0


def test_sites_that_hold_the_same_have_the_same_digest() -> None:
    found = reconcile(evidence(a=[version(1), version(2)], b=[version(2), version(1)]))
    assert [one.count for one in found.digests] == [2, 2]
    assert found.sites_agree
    assert found.is_certain


@pytest.mark.parametrize("other", [{"digest": b"x"}, {"version": 2}, {"order": "MedicationRequest/x"}])
def test_another_content_under_the_same_key_is_found(other: dict[str, object]) -> None:
    found = reconcile(evidence(a=[version(1)], b=[version(1, **other)]))
    assert [one.why for one in found.uncertain] == [Why.DIFFERS]
    assert not found.sites_agree


def test_one_key_twice_at_a_site_is_found() -> None:
    found = reconcile(evidence(a=[version(1), version(1)], b=[version(1)]))
    assert [one.why for one in found.uncertain] == [Why.KEY_TWICE]


def test_what_a_person_has_decided_is_certain() -> None:
    discarded = evidence([promise(1, End.SHOWN)], [held(1)], shown_=[shown(1, is_open=False)])
    spent = evidence([promise(1, None)], a=[version(1, version=0)], b=[version(1, version=0)])
    assert reconcile(discarded).is_certain
    assert reconcile(spent).is_certain


def test_what_a_browser_let_go_is_certain_and_a_part_of_a_bundle_is_seen() -> None:
    assert reconcile(evidence(held_=[held(1, is_released=True)])).is_certain
    whole = held(1, identities=(identity(1), identity(2)))
    assert reconcile(evidence(held_=[whole], a=[version(2)], b=[version(2)])).is_certain


def test_what_is_written_beside_orders_follows_them() -> None:
    beside = promise(2, None, order="Observation/o2")
    together = evidence([promise(1), beside], a=[version(1)], b=[version(1)])
    assert reconcile(together).is_certain
    assert not reconcile(evidence([beside])).is_certain


def test_what_was_not_read_is_not_certain() -> None:
    told = replace(evidence(), unread=("B",))
    assert not reconcile(told).is_certain
    nobody = replace(evidence(), holdings=())
    assert not reconcile(nobody).is_certain


def test_a_key_whose_version_is_gone_is_a_lost_order() -> None:
    gone = version(1, digest=b"")
    found = reconcile(evidence([promise(1)], a=[gone], b=[gone]))
    assert [one.why for one in found.uncertain] == [Why.LOST]


def test_versions_of_other_times_count_but_are_not_in_the_digest() -> None:
    late = version(1, at=NOON + 2 * HOUR)
    found = reconcile(evidence([promise(1, None)], a=[late], b=[late]))
    assert found.is_certain
    assert [one.count for one in found.digests] == [0, 0]


def test_patients_are_counted_by_hospital_and_ward() -> None:
    lost = [promise(1, None), promise(2, None, patient="p1"), promise(3, None)]
    wards = {identity(1): Ward("H", "O1"), identity(2): Ward("H", "O1"), identity(3): Ward("H", "K1")}
    affected = reconcile(evidence(lost)).placed(wards).affected
    assert [(one.ward.ward, one.patients, one.orders) for one in affected] == [("K1", 1, 1), ("O1", 1, 2)]


def test_where_nobody_was_asked_nothing_is_called_lost() -> None:
    told = evidence([promise(1), promise(2, None), promise(3, End.NOT_STORED)], [held(4)])
    found = reconcile(replace(told, holdings=(), unread=("A (database)", "B (database)")))
    assert [one.why for one in found.uncertain] == [Why.NOT_READ] * 3


def test_what_was_refused_for_now_and_nobody_sent_again_is_told_beside_the_uncertain() -> None:
    found = reconcile(evidence([promise(1, End.NOT_STORED), promise(2, End.REFUSED)]))
    assert [one.key for one in found.not_sent_again] == ["k1"]
    assert found.is_certain


@pytest.mark.parametrize("browser", [held(1), held(1, is_released=True)])
def test_what_a_browser_knows_of_was_seen_there(browser: HeldKey) -> None:
    assert not reconcile(evidence([promise(1, End.NOT_STORED)], [browser])).not_sent_again


def test_what_was_sent_again_is_registered() -> None:
    again = [promise(1, End.NOT_STORED), promise(1, End.REGISTERED, writer="B.00000002")]
    found = reconcile(evidence(again, a=[version(1)], b=[version(1)]))
    assert (found.uncertain, found.not_sent_again) == ((), ())


def test_a_version_without_a_key_is_compared_too() -> None:
    plain = version(1, identity=b"MedicationRequest/o1/1", write_key="")
    assert reconcile(evidence(a=[plain], b=[plain])).is_certain
    differs = reconcile(evidence(a=[plain], b=[replace(plain, digest=b"x")]))
    assert [one.why for one in differs.uncertain] == [Why.DIFFERS]
    missing = reconcile(evidence(a=[plain]))
    assert [(one.why, one.order, one.patient) for one in missing.uncertain] == [
        (Why.ONE_SITE, "MedicationRequest/o1", "p1")
    ]
