"""The canary's looks are counted; whatever is not exactly one of them is in the audit one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from altid.access.audit.event import Action, Event, Outcome, Who, decode, encode
from altid.access.clients import BUILT_IN
from altid.access.identity import NOBODY, Identity, Role
from altid.api.routine import RoutineLooks, is_routine
from altid.orders.synthetic import canary_patient

OURS = canary_patient("A", "server-1")
NOW_US = 1_800_000_000_000_000


def canary(**others: Any) -> Identity:
    return replace(NOBODY, **{"subject": BUILT_IN, "role": Role.SYSTEM, "patient": OURS, **others})


def look(**others: Any) -> Event:
    known = {"patients": (OURS,), "type": "MedicationRequest", "id": "o", **others}
    return Event(
        known.pop("at_us", NOW_US),
        known.pop("action", Action.VREAD),
        known.pop("outcome", Outcome.DONE),
        Who(BUILT_IN, "altid canary", "system", ""),
        **known,
    )


def test_a_look_of_the_canary_at_its_own_patient_is_one() -> None:
    assert is_routine(canary(), look())


@pytest.mark.parametrize(
    "others",
    [
        {"subject": "integration"},
        {"role": Role.DOCTOR},
        {"patient": None},
        {"patient": "p1"},
        {"patient": canary_patient("A", "server-2")},
    ],
)
def test_nobody_else_looks_uncounted(others: dict[str, Any]) -> None:
    assert not is_routine(canary(**others), look())


@pytest.mark.parametrize(
    "others",
    [
        {"patients": ("p1",)},
        {"patients": (OURS, "p1")},
        {"patients": ()},
        {"action": Action.UPDATE},
        {"action": Action.SEARCH},
        {"outcome": Outcome.REFUSED},
        {"outcome": Outcome.FAILED},
        {"type": "Observation"},
        {"operation": "everything"},
        {"override": "o-1"},
    ],
)
def test_nothing_else_is_looked_at_uncounted(others: dict[str, Any]) -> None:
    assert not is_routine(canary(), look(**others))


def test_it_is_so_also_where_the_patient_of_the_token_is_somebody() -> None:
    assert not is_routine(canary(patient="p1"), look(patients=("p1",)))


def test_they_are_told_once_a_minute_with_their_count() -> None:
    routine = RoutineLooks()
    assert routine.sift(canary(), [look()], NOW_US) == []
    write = look(action=Action.UPDATE)
    assert routine.sift(canary(), [look(), write], NOW_US + 30_000_000) == [write]
    other = canary_patient("B", "server-1")
    last_us = NOW_US + 60_000_000
    (told,) = routine.sift(canary(patient=other), [look(patients=(other,), at_us=last_us)], last_us)
    assert (told.count, told.patients, told.operation) == (3, (OURS, other), "canary")
    assert decode(encode(told, "A"))[0] == told
    assert routine.sift(canary(), [look(at_us=last_us + 1)], last_us + 1) == []  # and the next one begins


def test_the_minute_is_told_by_whoever_comes_next() -> None:
    routine = RoutineLooks()
    routine.sift(canary(), [look()], NOW_US)
    doctor, seen = replace(NOBODY, role=Role.DOCTOR), look(patients=("p1",))
    assert [one.count for one in routine.sift(doctor, [seen], NOW_US + 61_000_000)] == [None, 1]
