"""PID as a Patient (HL7 v2.5.1 §3.4.2). An empty field leaves what was known, `""` takes it away (§2.5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from altid.hl7.text import Segment, component_of
from altid.hl7.values import NULL, moment
from altid.lookup.beside.hl7.numbers import Number, identifiers
from altid.lookup.beside.naming import Resource

_GENDERS = {"M": "male", "F": "female", "O": "other", "A": "other", "N": "other", "U": "unknown"}
_NAME_USES = {"L": "official", "D": "usual", "N": "nickname", "M": "maiden", "B": "maiden", "S": "anonymous"}


def patient_of(person: Segment, id_: str, numbers: Sequence[Number], known: Resource | None) -> Resource:
    """The whole of it, with what was known. Raises `Hl7Error`."""
    made: Resource = {**(known or {}), "resourceType": "Patient", "id": id_, "active": True}
    made["identifier"] = _joined(identifiers(numbers), (known or {}).get("identifier", []))
    _set(made, "name", person, 5, lambda said: [_name(one) for one in said])
    _set(made, "birthDate", person, 7, lambda said: moment(component_of(said[0], 1))[:10])
    _set(made, "gender", person, 8, lambda said: _GENDERS.get(component_of(said[0], 1), "unknown"))
    _set(made, "address", person, 11, lambda said: [_address(one) for one in said])
    _set(made, "telecom", person, 13, lambda said: [_telecom(one) for one in said if _telecom(one)])
    _set_death(made, person)
    return {key: value for key, value in made.items() if value != [] and value != ""}


def _set(
    made: Resource, element: str, person: Segment, number: int, read: Callable[[list[str]], Any]
) -> None:
    said = [one for one in person.repetitions(number) if one]
    if said == [NULL]:
        made.pop(element, None)
    elif said:
        made[element] = read(said)


def _set_death(made: Resource, person: Segment) -> None:
    at, is_dead = person.text(29), person.text(30)
    if at and at != NULL:
        made["deceasedDateTime"] = moment(at)
        made.pop("deceasedBoolean", None)
    elif is_dead == "Y" and "deceasedDateTime" not in made:
        made["deceasedBoolean"] = True
    elif is_dead == "N" or NULL in (at, is_dead):
        made.pop("deceasedDateTime", None)
        made.pop("deceasedBoolean", None)


def _joined(said: list[Resource], known: list[Resource]) -> list[Resource]:
    """What the sender says now, and what it said before and has not left out since it was another number."""
    return said + [one for one in known if not any(_is_same(one, other) for other in said)]


def _is_same(one: Resource, other: Resource) -> bool:
    return (one.get("system"), one.get("value")) == (other.get("system"), other.get("value"))


def _name(repetition: str) -> Resource:
    given = [component_of(repetition, 2), *component_of(repetition, 3).split()]
    made = {
        "use": _NAME_USES.get(component_of(repetition, 7), "official"),
        "family": component_of(repetition, 1),
        "given": [one for one in given if one],
        "suffix": [component_of(repetition, 4)] if component_of(repetition, 4) else [],
        "prefix": [component_of(repetition, 5)] if component_of(repetition, 5) else [],
    }
    return {key: value for key, value in made.items() if value}


def _address(repetition: str) -> Resource:
    lines = [component_of(repetition, 1), component_of(repetition, 2)]
    made = {
        "line": [one for one in lines if one],
        "city": component_of(repetition, 3),
        "postalCode": component_of(repetition, 5),
        "country": component_of(repetition, 6),
    }
    return {key: value for key, value in made.items() if value}


def _telecom(repetition: str) -> Resource:
    number, mail = component_of(repetition, 1) or component_of(repetition, 12), component_of(repetition, 4)
    if mail:
        return {"system": "email", "value": mail}
    return {"system": "phone", "value": number} if number else {}
