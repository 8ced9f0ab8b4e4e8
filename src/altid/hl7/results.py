"""ORU^R01 (HL7 v2.5.1 chapter 7 §7.3.1) as FHIR: a DiagnosticReport for each OBR, an Observation for each
OBX.

Ids are made of the sender's own numbers, so that the same message makes the same resources, and a
correction a new version of what it corrects. What we can't say without changing its meaning is not guessed:
`Hl7Error`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from altid.hl7.text import Hl7Error, Message, Segment, component_of
from altid.hl7.values import Resource, coded, concept, instant, lines, moment, quantity

Naming = Callable[[str, str], str]
"""The id of a resource, by the sender's name of it and by what it is; the same for the same."""

ENDED = ("final", "corrected")
"""Of a report: its order is done."""
UNFINISHED = ("registered", "partial", "preliminary")
"""Of a report or an observation: another is to come, and what has come already stands."""
_REPORTS = {"F": "final", "C": "corrected", "P": "preliminary", "A": "partial", "X": "cancelled"}
_REPORTS |= dict.fromkeys("ORIS", "registered")
"""OBR-25 (table 0123)."""
_OBSERVATIONS = {"F": "final", "U": "final", "C": "corrected", "P": "preliminary", "R": "preliminary"}
_OBSERVATIONS |= {"S": "preliminary", "I": "registered", "X": "cancelled", "D": "entered-in-error"}
_OBSERVATIONS |= {"W": "entered-in-error"}
"""OBX-11 (table 0085)."""
_INTERPRETATIONS = {"L", "H", "LL", "HH", "N", "A", "AA", "<", ">", "POS", "NEG", "S", "R", "I"}
_COMPARATORS = ("<", "<=", ">=", ">")


@dataclass(frozen=True, slots=True)
class Reported:
    """One report with its observations; `subject` and `basedOn` are still to be filled in."""

    order: str
    """Number of the order, as the sender gives it back; empty where it gives none."""
    report: Resource
    observations: tuple[Resource, ...]


def reports(message: Message, source: str, id_of: Naming) -> list[Reported]:
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
        _reported(group, common, f"{source}|{message.control_id}|{place}", source, id_of)
        for place, (group, common) in enumerate(zip(groups, commons, strict=True))
    ]


def _reported(
    group: Sequence[Segment], common: Segment | None, unique: str, source: str, id_of: Naming
) -> Reported:
    request = group[0]
    order = request.text(2) or (common.text(2) if common else "")
    filler = request.text(3) or (common.text(3) if common else "")
    # A correction comes with the filler's number again; without one each message is its own report.
    name = f"{source}|{filler}|{request.text(4)}" if filler else unique
    observations: list[Resource] = []
    for place, one in enumerate(group):
        if one.name == "OBX":
            own = id_of(f"{name}|{one.text(3)}|{one.text(4)}", "oru observation")
            observations.append(_observation(one, request, own))
        elif one.name == "NTE" and observations and group[place - 1].name in ("OBX", "NTE"):
            observations[-1].setdefault("note", []).append({"text": lines(one.repetitions(3))})
    if len({one["id"] for one in observations}) < len(observations):
        raise Hl7Error("same-observation-twice")
    return Reported(
        order, _report(request, filler, id_of(name, "oru report"), observations), tuple(observations)
    )


def _report(request: Segment, filler: str, id_: str, observations: Sequence[Resource]) -> Resource:
    report = {
        "resourceType": "DiagnosticReport",
        "id": id_,
        "identifier": [{"type": _filler_type(), "value": filler}] if filler else [],
        "status": _status(_REPORTS, request.text(25) or "F"),
        "category": [coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
        "code": concept(request.raw(4)),
        "effectiveDateTime": moment(request.text(7)),
        "issued": instant(request.text(22)),
        "result": [{"reference": f"Observation/{one['id']}"} for one in observations],
    }
    return {key: value for key, value in report.items() if value}


def _observation(one: Segment, request: Segment, id_: str) -> Resource:
    observation = {
        "resourceType": "Observation",
        "id": id_,
        "status": _status(_OBSERVATIONS, one.text(11) or "F"),
        "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        "code": concept(one.raw(3)),
        "effectiveDateTime": moment(one.text(14)) or moment(request.text(7)),
        **_value(one),
        "referenceRange": [{"text": one.text(7)}] if one.text(7) else [],
        "interpretation": _interpretation(one),
    }
    return {key: value for key, value in observation.items() if value}


def _value(one: Segment) -> Resource:
    kind, raw = one.text(2), one.raw(5)
    if not raw or raw == '""':
        return {
            "dataAbsentReason": coded("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")
        }
    if kind == "NM":
        return {"valueQuantity": quantity(component_of(raw, 1), one.raw(6))}
    if kind == "SN":
        return {"valueQuantity": _structured(raw, one)}
    if kind in ("ST", "TX", "FT"):
        return {"valueString": lines(one.repetitions(5))}
    if kind in ("CE", "CWE", "CNE"):
        return {"valueCodeableConcept": concept(raw)}
    if kind in ("DT", "TS", "DTM"):
        return {"valueDateTime": moment(component_of(raw, 1))}
    raise Hl7Error("unknown-value-type")


def _structured(raw: str, one: Segment) -> Resource:
    """SN: a comparator and a number. Ratios and ranges are no quantity."""
    comparator, number = component_of(raw, 1), component_of(raw, 2)
    if component_of(raw, 3) or comparator not in ("", "=", *_COMPARATORS):
        raise Hl7Error("unknown-value")
    found = quantity(number, one.raw(6))
    return {**found, "comparator": comparator} if comparator in _COMPARATORS else found


def _interpretation(one: Segment) -> list[Resource]:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    found = [component_of(flag, 1) for flag in one.repetitions(8)]
    return [coded(system, flag) if flag in _INTERPRETATIONS else {"text": flag} for flag in found if flag]


def _filler_type() -> Resource:
    return coded("http://terminology.hl7.org/CodeSystem/v2-0203", "FILL")


def _status(known: dict[str, str], letter: str) -> str:
    if letter not in known:
        raise Hl7Error("unknown-status")
    return known[letter]
