"""The judge of order drills, against histories with and without seeded bugs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.drills.orders.checker import Verdict, check
from altid.drills.orders.history import Held, Listed, Signed, Told


def told(word: str = "ok", order: str = "MedicationRequest/1", version: int = 1) -> Told:
    return Told("A", 0.0, 0.1, word, order if word == "ok" else "", version if word == "ok" else None)


def signed(number: int, *answers: Told, patient: str = "p1") -> Signed:
    return Signed(1, f"key-{number}", patient, f"mark-{number}", answers)


def held(number: int, order: str = "MedicationRequest/1", version: int = 1, patient: str = "p1") -> Held:
    return Held(order, version, patient, f"mark-{number}")


def test_an_order_that_was_acknowledged_and_is_there_passes() -> None:
    assert check([signed(1, told())], [held(1)], []).passed


def test_nothing_proves_nothing() -> None:
    assert not check([], [], []).passed


def test_an_acknowledged_order_that_is_not_there_is_missing() -> None:
    assert check([signed(1, told())], [], []).missing == 1


@pytest.mark.parametrize("there", [held(1, "MedicationRequest/2"), held(1, version=2), held(1, patient="p2")])
def test_an_order_that_is_elsewhere_than_its_receipt_says_is_missing(there: Held) -> None:
    assert check([signed(1, told())], [there], []).missing == 1


def test_an_order_that_was_sent_five_times_and_made_twice_is_doubled() -> None:
    sent = signed(1, *[told("")] * 4, told())
    verdict = check([sent], [held(1), held(1, "MedicationRequest/2")], [])
    assert verdict.doubled == 1


def test_two_versions_with_the_same_change_are_a_double() -> None:
    assert check([signed(1, told())], [held(1), held(1, version=2)], []).doubled == 1


def test_what_nobody_sent_is_unfounded() -> None:
    assert check([signed(1, told())], [held(1), held(2, "MedicationRequest/2")], []).unfounded == 1


def test_what_was_refused_and_is_there_is_unfounded() -> None:
    assert check([signed(1, told("fatal-error"))], [held(1)], []).unfounded == 1


def test_two_receipts_that_differ_are_a_fork() -> None:
    answers = told(), told(order="MedicationRequest/2")
    assert check([signed(1, *answers)], [held(1)], []).forked == 1


def test_an_order_that_was_acknowledged_and_then_refused_is_a_fork() -> None:
    assert check([signed(1, told(), told("fatal-error"))], [held(1)], []).forked == 1


@pytest.mark.parametrize("word", ["", "transient-error"])
def test_an_uncertain_order_must_be_listed_with_its_patient(word: str) -> None:
    sent = [signed(1, told()), signed(2, told(word), patient="p2")]
    verdict = check(sent, [held(1)], [])
    assert (verdict.uncertain, verdict.unlisted, verdict.patients_missing) == (1, 1, 1)
    assert check(sent, [held(1)], [Listed("key-2", "p2")]).passed


def test_an_order_that_never_reached_anybody_is_uncertain_too() -> None:
    assert check([signed(1, told()), signed(2)], [held(1)], []).unlisted == 1


def test_an_order_that_is_there_is_certain_though_its_client_was_never_told() -> None:
    sent = [signed(1, told()), signed(2, told(""))]
    there = [held(1), held(2, "MedicationRequest/2")]
    verdict = check(sent, there, [])
    assert (verdict.passed, verdict.told_late) == (True, 1)
    assert check(sent, there, [Listed("key-2", "p1")]).wrongly_listed == 1


def test_a_refused_order_is_certain() -> None:
    sent = [signed(1, told()), signed(2, told("fatal-error"))]
    assert check(sent, [held(1)], []).passed


def test_the_right_order_with_another_patient_is_found() -> None:
    sent = [signed(1, told()), signed(2, patient="p2")]
    verdict = check(sent, [held(1)], [Listed("key-2", "p3")])
    assert (verdict.patients_missing, verdict.patients_wrong) == (1, 1)


def requisition(*answers: Told) -> Signed:
    return replace(signed(1, *answers), has_task=True)


WANTED = held(1, "ServiceRequest/1")
TASK = held(1, "Task/1")


def test_a_requisition_with_its_task_passes_and_one_without_is_torn() -> None:
    sent = [requisition(told(order="ServiceRequest/1"))]
    assert check(sent, [WANTED, TASK], []).passed
    assert check(sent, [WANTED], []).torn == 1
    assert check(sent, [WANTED, TASK, replace(TASK, order="Task/2")], []).doubled == 1


def test_a_task_without_its_requisition_is_torn() -> None:
    verdict = check([requisition(told(""))], [TASK], [Listed("key-1", "p1")])
    assert (verdict.torn, verdict.uncertain) == (1, 1)
    assert check([signed(1, told())], [held(1), held(2, "Task/2")], []).torn == 1


BUGS = [
    "early acknowledgement",
    "dropped write",
    "double",
    "moved",
    "forked receipt",
    "unlisted",
    "wrongly listed",
    "torn",
    "torn the other way",
]


@dataclass(slots=True)
class _Record:
    """A record that takes orders, registers what it acknowledges and lists what nobody knows; and a bug."""

    bug: str
    dice: random.Random
    there: list[Held] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)

    def sign(self, number: int, fault: bool) -> Signed:
        """One order, sent until it is answered or given up: in a fault it may be lost on either way."""
        patient = f"p{number % 7}"
        version = Held(f"ServiceRequest/{number}", 1, patient, f"mark-{number}")
        task = replace(version, order=f"Task/{number}")
        answers: list[Told] = []
        for _ in range(self.dice.randint(1, 3)):
            came, went = (self.dice.random() > 0.5 or not fault for _ in range(2))
            if came and version not in self.there:
                self.there += [version, task]
            answers.append(told("ok" if came and went else "", version.order))
            if came and went:
                break
        order = Signed(1, f"key-{number}", patient, version.mark, tuple(answers), has_task=True)
        if not order.is_acknowledged and version not in self.there:
            self.listed.append(Listed(order.key, patient))
        return order if not fault else self._spoilt(order, version)

    def _spoilt(self, order: Signed, version: Held) -> Signed:
        """The same with the bug."""
        acknowledged = replace(order, told=(*order.told, told("ok", version.order)))
        known = [one for one in self.listed if one.key != order.key]
        task = replace(version, order=version.order.replace("ServiceRequest", "Task"))
        others = [one for one in self.there if one not in (version, task)]
        match self.bug:
            case "early acknowledgement" | "dropped write":
                self.there, self.listed = others, known
                return acknowledged
            case "double":
                self.there = [*others, version, task, replace(version, order=f"{version.order}-again")]
                self.listed = known
                return acknowledged
            case "moved":
                self.there, self.listed = [*others, task, replace(version, patient="p9")], known
                return acknowledged
            case "forked receipt":
                self.there, self.listed = [*others, version, task], known
                return replace(acknowledged, told=(*acknowledged.told, told("ok", "MedicationRequest/0")))
            case "unlisted":
                self.there, self.listed = others, known
                return replace(order, told=(told(""),))
            case "wrongly listed":
                self.there, self.listed = [*others, version, task], [*known, Listed(order.key, order.patient)]
                return acknowledged
            case "torn":
                self.there, self.listed = [*others, version], known
                return acknowledged
            case "torn the other way":
                self.there, self.listed = [*others, task], [*known, Listed(order.key, order.patient)]
                return replace(order, told=(told(""),))
        return order


def _run(bug: str, faults: Sequence[bool], seed: int) -> Verdict:
    record = _Record(bug, random.Random(seed))
    orders = [record.sign(number, fault) for number, fault in enumerate(faults, 1)]
    return check(orders, record.there, record.listed)


_faults = st.lists(st.booleans(), max_size=20).map(lambda faults: [False, *faults, True])


@given(_faults, st.integers(0, 2**32))
def test_a_sound_record_is_never_accused(faults: list[bool], seed: int) -> None:
    assert _run("", faults, seed).passed


@pytest.mark.parametrize("bug", BUGS)
@given(faults=_faults, seed=st.integers(0, 2**32))
def test_a_seeded_bug_is_always_found(bug: str, faults: list[bool], seed: int) -> None:
    verdict = _run(bug, faults, seed)
    found = {
        "early acknowledgement": verdict.missing,
        "dropped write": verdict.missing,
        "double": verdict.doubled,
        "moved": verdict.missing,
        "forked receipt": verdict.forked,
        "unlisted": verdict.unlisted,
        "wrongly listed": verdict.wrongly_listed,
        "torn": verdict.torn,
        "torn the other way": verdict.torn,
    }
    assert found[bug] > 0
    assert not verdict.passed
