"""ORU^R01 (HL7 v2.5.1 chapter 7 §7.3.1) as FHIR: a DiagnosticReport for each OBR, an Observation for each
OBX.

Ids are made of the sender's own numbers, so that the same message makes the same resources, and a
correction a new version of what it corrects. What we can't say without changing its meaning is not guessed:
`Hl7Error`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from altid.fhir.json import Decimal
from altid.hl7.text import Hl7Error, Message, Segment, component_of
from altid.orders.downstream.hl7.orders import CPR, X_ECPR
from altid.record.write_key import client_id

Resource = dict[str, Any]

ENDED = ("final", "corrected")
"""Of a report: its order is done."""
_REPORTS = {"F": "final", "C": "corrected", "P": "preliminary", "A": "partial", "X": "cancelled"}
_REPORTS |= dict.fromkeys("ORIS", "registered")
"""OBR-25 (table 0123)."""
_OBSERVATIONS = {"F": "final", "U": "final", "C": "corrected", "P": "preliminary", "R": "preliminary"}
_OBSERVATIONS |= {"S": "preliminary", "I": "registered", "X": "cancelled", "D": "entered-in-error"}
_OBSERVATIONS |= {"W": "entered-in-error"}
"""OBX-11 (table 0085)."""
_INTERPRETATIONS = {"L", "H", "LL", "HH", "N", "A", "AA", "<", ">", "POS", "NEG", "S", "R", "I"}
_SYSTEMS = {
    "NPU": "urn:oid:1.2.208.176.2.1",
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
}
_AUTHORITIES = {"CPR": CPR, "1.2.208.176.1.2": CPR, "X-eCPR": X_ECPR, "1.2.208.176.1.6.1.1": X_ECPR}
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_MOMENT = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?(?:\.\d{1,4})?)?([+-]\d{4})?", re.ASCII)
_COMPARATORS = ("<", "<=", ">=", ">")
_PLACE = ZoneInfo("Europe/Copenhagen")
"""Of times that say no zone."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One report with its observations; `subject` and `basedOn` are still to be filled in."""

    order: str
    """Id of our order, as the sender gives it back."""
    report: Resource
    observations: tuple[Resource, ...]


def patient_numbers(message: Message) -> list[tuple[str, str]]:
    """The national numbers of PID-3, as system and value. Raises `Hl7Error`."""
    person = message.first("PID")
    found: list[tuple[str, str]] = []
    for number in person.repetitions(3) if person else ():
        authority = component_of(number, 4, 2) or component_of(number, 4)
        system = _AUTHORITIES.get(authority) or _AUTHORITIES.get(component_of(number, 4))
        value = component_of(number, 1).replace("-", "")
        if system and value:
            found.append((system, value))
    if not found:
        raise Hl7Error("no-patient-number")
    return found


def reports(message: Message, source: str) -> list[Reported]:
    """What the message reports. Raises `Hl7Error`."""
    groups: list[list[Segment]] = []
    common: Segment | None = None
    commons: list[Segment | None] = []
    for one in message.segments:
        if one.name == "ORC":
            common = one
        elif one.name == "OBR":
            groups.append([one])
            commons.append(common)
            common = None
        elif groups:
            groups[-1].append(one)
    if not groups:
        raise Hl7Error("no-report")
    return [
        _reported(group, common, f"{source}|{message.control_id}|{place}", source)
        for place, (group, common) in enumerate(zip(groups, commons, strict=True))
    ]


def _reported(group: Sequence[Segment], common: Segment | None, unique: str, source: str) -> Reported:
    request = group[0]
    order = request.text(2) or (common.text(2) if common else "")
    filler = request.text(3) or (common.text(3) if common else "")
    if not order:
        raise Hl7Error("no-order-number")
    # A correction comes with the filler's number again; without one each message is its own report.
    name = f"{source}|{filler}|{request.text(4)}" if filler else unique
    observations: list[Resource] = []
    for place, one in enumerate(group):
        if one.name == "OBX":
            observations.append(_observation(one, request, f"{name}|{one.text(3)}|{one.text(4)}"))
        elif one.name == "NTE" and observations and group[place - 1].name in ("OBX", "NTE"):
            observations[-1].setdefault("note", []).append({"text": _lines(one.repetitions(3))})
    if len({one["id"] for one in observations}) < len(observations):
        raise Hl7Error("same-observation-twice")
    return Reported(order, _report(request, filler, name, observations), tuple(observations))


def _report(request: Segment, filler: str, name: str, observations: Sequence[Resource]) -> Resource:
    report = {
        "resourceType": "DiagnosticReport",
        "id": client_id(name, "oru report"),
        "identifier": [{"type": _filler_type(), "value": filler}] if filler else [],
        "status": _status(_REPORTS, request.text(25) or "F"),
        "category": [_coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
        "code": _concept(request.raw(4)),
        "effectiveDateTime": _moment(request.text(7)),
        "issued": _instant(request.text(22)),
        "result": [{"reference": f"Observation/{one['id']}"} for one in observations],
    }
    return {key: value for key, value in report.items() if value}


def _observation(one: Segment, request: Segment, name: str) -> Resource:
    observation = {
        "resourceType": "Observation",
        "id": client_id(name, "oru observation"),
        "status": _status(_OBSERVATIONS, one.text(11) or "F"),
        "category": [_coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        "code": _concept(one.raw(3)),
        "effectiveDateTime": _moment(one.text(14)) or _moment(request.text(7)),
        **_value(one),
        "referenceRange": [{"text": one.text(7)}] if one.text(7) else [],
        "interpretation": _interpretation(one),
    }
    return {key: value for key, value in observation.items() if value}


def _value(one: Segment) -> Resource:
    kind, raw = one.text(2), one.raw(5)
    if not raw or raw == '""':
        return {
            "dataAbsentReason": _coded("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")
        }
    if kind == "NM":
        return {"valueQuantity": _quantity(component_of(raw, 1), one)}
    if kind == "SN":
        return {"valueQuantity": _structured(raw, one)}
    if kind in ("ST", "TX", "FT"):
        return {"valueString": _lines(one.repetitions(5))}
    if kind in ("CE", "CWE", "CNE"):
        return {"valueCodeableConcept": _concept(raw)}
    if kind in ("DT", "TS", "DTM"):
        return {"valueDateTime": _moment(component_of(raw, 1))}
    raise Hl7Error("unknown-value-type")


def _structured(raw: str, one: Segment) -> Resource:
    """SN: a comparator and a number. Ratios and ranges are no quantity."""
    comparator, number = component_of(raw, 1), component_of(raw, 2)
    if component_of(raw, 3) or comparator not in ("", "=", *_COMPARATORS):
        raise Hl7Error("unknown-value")
    quantity = _quantity(number, one)
    return {**quantity, "comparator": comparator} if comparator in _COMPARATORS else quantity


def _quantity(number: str, one: Segment) -> Resource:
    if not _NUMBER.fullmatch(number):
        raise Hl7Error("no-number")
    sign = "-" if number[0] == "-" else ""
    whole, point, rest = number.lstrip("+-").partition(".")
    quantity: Resource = {"value": Decimal(f"{sign}{whole.lstrip('0') or '0'}{point}{rest}")}
    unit, name, system = one.text(6), one.text(6, 2), _SYSTEMS.get(one.text(6, 3))
    if unit:
        quantity["unit"] = name or unit
    if unit and system:
        quantity |= {"system": system, "code": unit}
    return quantity


def _interpretation(one: Segment) -> list[Resource]:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    found = [component_of(flag, 1) for flag in one.repetitions(8)]
    return [_coded(system, flag) if flag in _INTERPRETATIONS else {"text": flag} for flag in found if flag]


def _concept(raw: str) -> Resource:
    code, text, system = (component_of(raw, number) for number in (1, 2, 3))
    if not code and not text:
        raise Hl7Error("no-code")
    coding = {"system": _SYSTEMS.get(system), "code": code, "display": text}
    concept: Resource = {"coding": [{key: value for key, value in coding.items() if value}]} if code else {}
    return {**concept, "text": text} if text else concept


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _filler_type() -> Resource:
    return _coded("http://terminology.hl7.org/CodeSystem/v2-0203", "FILL")


def _status(known: dict[str, str], letter: str) -> str:
    if letter not in known:
        raise Hl7Error("unknown-status")
    return known[letter]


def _lines(repetitions: Sequence[str]) -> str:
    return "\n".join(component_of(one, 1) for one in repetitions)


def _moment(text: str) -> str:
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


def _instant(text: str) -> str:
    moment = _moment(text)
    return moment if "T" in moment else ""
