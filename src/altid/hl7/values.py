"""What fields say as FHIR data types: times, codes, quantities, the numbers of people (v2.5.1 chapter 2.A).

What we can't say without changing its meaning is not guessed: `Hl7Error`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from altid.fhir.danish import CPR_SYSTEM, X_ECPR_SYSTEM
from altid.fhir.json import Decimal
from altid.hl7.text import Hl7Error, Message, component_of

Resource = dict[str, Any]

NULL = '""'
"""A field that says: there is nothing (§2.5.3); an empty one says nothing."""

_SYSTEMS = {
    "NPU": "urn:oid:1.2.208.176.2.1",
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "WHOATC": "http://www.whocc.no/atc",
    "ATC": "http://www.whocc.no/atc",
}
_AUTHORITIES = {
    "CPR": CPR_SYSTEM,
    "1.2.208.176.1.2": CPR_SYSTEM,
    "X-eCPR": X_ECPR_SYSTEM,
    "1.2.208.176.1.6.1.1": X_ECPR_SYSTEM,
}
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_MOMENT = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?(?:\.\d{1,4})?)?([+-]\d{4})?", re.ASCII)
_PLACE = ZoneInfo("Europe/Copenhagen")
"""Of times that say no zone."""


def national_numbers(message: Message) -> list[tuple[str, str]]:
    """The national numbers of PID-3, as system and value. Raises `Hl7Error`."""
    person = message.first("PID")
    numbers = [national_number(one) for one in person.repetitions(3)] if person else []
    found = [one for one in numbers if one is not None]
    if not found:
        raise Hl7Error("no-patient-number")
    return found


def national_number(repetition: str) -> tuple[str, str] | None:
    """System and value of a `CX` that is a CPR number or a national replacement; None for any other."""
    authority = component_of(repetition, 4, 2) or component_of(repetition, 4)
    system = _AUTHORITIES.get(authority) or _AUTHORITIES.get(component_of(repetition, 4))
    value = component_of(repetition, 1).replace("-", "")
    return (system, value) if system and value else None


def quantity(number: str, unit_field: str) -> Resource:
    """A number with its unit (`CE`), digit for digit."""
    if not _NUMBER.fullmatch(number):
        raise Hl7Error("no-number")
    sign = "-" if number[0] == "-" else ""
    whole, point, rest = number.lstrip("+-").partition(".")
    found: Resource = {"value": Decimal(f"{sign}{whole.lstrip('0') or '0'}{point}{rest}")}
    unit, name = component_of(unit_field, 1), component_of(unit_field, 2)
    system = _SYSTEMS.get(component_of(unit_field, 3))
    if unit:
        found["unit"] = name or unit
    if unit and system:
        found |= {"system": system, "code": unit}
    return found


def concept(repetition: str) -> Resource:
    """A `CE`, `CWE` or `CNE` as CodeableConcept. Raises `Hl7Error` where it says nothing."""
    code, text, system = (component_of(repetition, number) for number in (1, 2, 3))
    if not code and not text:
        raise Hl7Error("no-code")
    coding = {"system": _SYSTEMS.get(system), "code": code, "display": text}
    found: Resource = {"coding": [{key: value for key, value in coding.items() if value}]} if code else {}
    return {**found, "text": text} if text else found


def coded(system: str, code: str) -> Resource:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def lines(repetitions: Sequence[str]) -> str:
    """A text whose lines are repetitions."""
    return "\n".join(component_of(one, 1) for one in repetitions)


def moment(text: str) -> str:
    """HL7 `TS` as a FHIR dateTime, as exact as it was; empty where there is none."""
    if not text:
        return ""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise Hl7Error("no-time")
    year, month, day, hour, minute, second, zone = found.groups()
    if hour is None:
        return "-".join(part for part in (year, month, day) if part)
    try:
        at = datetime(*map(int, (year, month, day, hour, minute, second or 0)), tzinfo=_PLACE)  # type: ignore[arg-type,misc]
    except (TypeError, ValueError):
        raise Hl7Error("no-time") from None
    if zone:
        return f"{at.replace(tzinfo=None).isoformat()}{zone[:3]}:{zone[3:]}"
    return at.isoformat()


def instant(text: str) -> str:
    """As `moment`; empty where it is not known to the minute."""
    found = moment(text)
    return found if "T" in found else ""
