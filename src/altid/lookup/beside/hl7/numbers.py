"""Numbers of patients (`CX`), and whom a sender means by them.

A sender's own number is who its patient is. A national number finds a patient only where the message has no
number of the sender's own, or where the patient was known by it alone so far: two own numbers with the same
CPR number stay two until the sender merges them (A40).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from altid.hl7.text import Hl7Error, component_of
from altid.hl7.values import national_number
from altid.lookup.beside.naming import made_id

_OWN_TYPES = ("", "PI", "MR", "PT", "RI", "U")
"""Table 0203: numbers of a patient; not of a stay, an account or a driving licence."""


@dataclass(frozen=True, slots=True)
class Number:
    """`authority`: a national system's URI, else the assigning authority as the sender writes it."""

    authority: str
    value: str
    type: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """A patient who has a number. `has_own`: one of the sender's own, too."""

    patient: str
    has_own: bool


Owners = Callable[[Number], Iterable[Owner]]


def numbers_of(repetitions: Iterable[str], authority: str) -> list[Number]:
    """The numbers of PID-3 or MRG-1; `authority`: the sender's own, or empty where any will do."""
    found = []
    for one in repetitions:
        national = national_number(one)
        if national:
            found.append(Number(*national, component_of(one, 5), is_own=False))
        elif component_of(one, 1):
            names = (component_of(one, 4), component_of(one, 4, 2))
            type_ = component_of(one, 5)
            is_own = authority in names if authority else type_ in _OWN_TYPES
            found.append(Number(names[1] or names[0], component_of(one, 1), type_, is_own))
    return found


def known_patient(numbers: Iterable[Number], owners: Owners) -> str | None:
    """Whom these numbers mean; None for somebody new. Raises `Hl7Error` where it might be several."""
    listed = list(numbers)
    own = [number for number in listed if number.is_own]
    found = {owner.patient for number in own for owner in owners(number)}
    if not found:
        others = {owner for number in listed if not number.is_own for owner in owners(number)}
        found = {owner.patient for owner in others if not (own and owner.has_own)}
    if len(found) > 1:
        raise Hl7Error("several-patients")
    return next(iter(found), None)


def new_patient(source: str, numbers: Iterable[Number]) -> str:
    """The id of somebody new. Raises `Hl7Error` without a number."""
    listed = list(numbers)
    best = next((one for one in listed if one.is_own), None) or next(
        (one for one in listed if one.authority.startswith("urn:oid:")), None
    )
    if best is None:
        raise Hl7Error("no-patient-number")
    return made_id(source, f"{best.authority}|{best.value}", "patient")


def identifiers(numbers: Iterable[Number]) -> list[dict[str, Any]]:
    """As Patient.identifier."""
    return [_identifier(one) for one in numbers]


def _identifier(number: Number) -> dict[str, Any]:
    is_oid = number.authority.replace(".", "").isdecimal() and "." in number.authority
    system = f"urn:oid:{number.authority}" if is_oid else number.authority
    made: dict[str, Any] = {"value": number.value}
    if system.startswith("urn:"):
        made["system"] = system
    elif number.authority:
        made["assigner"] = {"display": number.authority}
    if number.type:
        type_system = "http://terminology.hl7.org/CodeSystem/v2-0203"
        made["type"] = {"coding": [{"system": type_system, "code": number.type}]}
    return made
