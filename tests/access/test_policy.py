"""The table of rights: default is deny, and nobody deletes what is about a patient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.identity import Identity, Level, Role
from altid.access.policy import ORDERED, Kind, kind_of, may, needs_grounds, right
from altid.fhir.definitions import resource_types

_TYPES = sorted(resource_types())
_ABOUT_PATIENTS = [
    type_
    for type_ in _TYPES
    if kind_of(type_) in (Kind.IDENTITY, Kind.VISIT, Kind.MEDICATION, Kind.CLINICAL, Kind.OTHER, Kind.OPAQUE)
]
_PEOPLE = [role for role in Role if role is not Role.SYSTEM]


def _one(role: Role, *scopes: str) -> Identity:
    return Identity("s", "Some One", role, "1", scopes, Level.SUBSTANTIAL, "sid", "A", 0)


@pytest.mark.parametrize("role", _PEOPLE)
def test_no_person_deletes_what_is_about_a_patient(role: Role) -> None:
    assert [type_ for type_ in _ABOUT_PATIENTS if may(_one(role), "d", type_)] == []


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_treats_nobody_sees_nobody(role: Role) -> None:
    assert [type_ for type_ in _ABOUT_PATIENTS if right(_one(role), type_).letters] == []


@pytest.mark.parametrize("role", _PEOPLE)
def test_what_is_clinical_always_needs_grounds(role: Role) -> None:
    clinical = [type_ for type_ in _TYPES if kind_of(type_) in (Kind.CLINICAL, Kind.MEDICATION)]
    held = [type_ for type_ in clinical if right(_one(role), type_).letters]
    assert all(needs_grounds(_one(role), "r", type_) for type_ in held)


@pytest.mark.parametrize("role", _PEOPLE)
def test_what_does_not_say_whom_it_is_about_is_for_systems_only(role: Role) -> None:
    assert not any(may(_one(role), letter, "Binary") for letter in "cruds")


@pytest.mark.parametrize("role", _PEOPLE)
@pytest.mark.parametrize("type_", sorted(ORDERED))
def test_nobody_writes_orders_or_doses_past_the_checks(role: Role, type_: str) -> None:
    assert not any(may(_one(role), letter, type_) for letter in "cud")
    assert not any(may(_one(role, f"user/{type_}.cruds"), letter, type_) for letter in "cud")


@pytest.mark.parametrize("type_", _ABOUT_PATIENTS)
def test_only_what_makes_grounds_is_made_without(type_: str) -> None:
    is_free = type_ in ("Encounter", "Appointment", "Patient", "Person", "RelatedPerson")
    if may(_one(Role.NURSE), "c", type_):
        assert needs_grounds(_one(Role.NURSE), "c", type_) is not is_free


def test_whoever_admits_has_no_grounds_before() -> None:
    assert not needs_grounds(_one(Role.NURSE), "c", "Encounter")
    assert needs_grounds(_one(Role.NURSE), "r", "Encounter")


@given(st.sampled_from(_TYPES), st.sampled_from("cruds"))
def test_a_system_without_scopes_may_nothing(type_: str, letter: str) -> None:
    assert not may(_one(Role.SYSTEM), letter, type_)


@given(st.sampled_from(_TYPES), st.sampled_from(_TYPES), st.sampled_from("cruds"))
def test_a_system_may_what_its_scope_says_and_no_more(held: str, asked: str, letter: str) -> None:
    assert may(_one(Role.SYSTEM, f"system/{held}.rs"), letter, asked) == (held == asked and letter in "rs")


@given(st.sampled_from(_TYPES), st.sampled_from("cruds"))
def test_a_users_or_patients_scope_gives_a_system_nothing(type_: str, letter: str) -> None:
    system = _one(Role.SYSTEM, "user/*.cruds", "patient/*.cruds")
    assert not may(system, letter, type_)


def test_a_type_that_does_not_exist_is_nobodys() -> None:
    assert not any(may(_one(role, "system/*.cruds"), "r", "Nothing") for role in Role)
