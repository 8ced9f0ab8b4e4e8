"""RDE^O11/O25 as MedicationRequest, RAS^O17 as MedicationAdministration (HL7 v2.5.1 §4.13, §4.14).

How often is put into FHIR's terms only where the sender's code is one of the standard's (table 0335) that has
one meaning; otherwise it is shown as it was written, and nothing is reckoned from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from altid.hl7.text import Hl7Error, Message, Segment, component_of
from altid.hl7.values import NULL, concept, lines, moment, quantity
from altid.lookup.beside.naming import Resource, made_id

_CONTROLS = {"NW": "active", "OK": "active", "RF": "active", "RE": "active", "RL": "active", "OE": "active"}
_CONTROLS |= dict.fromkeys(("XO", "XX", "XR", "RO", "RP", "RU", "SC", "SN", "NA"), "active")
_CONTROLS |= dict.fromkeys(("CA", "OC", "CR"), "cancelled")
_CONTROLS |= dict.fromkeys(("DC", "OD", "DR", "DF"), "stopped")
_CONTROLS |= dict.fromkeys(("HD", "OH", "HR"), "on-hold")
"""ORC-1 (table 0119)."""
_STATES = {"CA": "cancelled", "CM": "completed", "DC": "stopped", "HD": "on-hold", "RP": "stopped"}
"""ORC-5 (table 0038), where it says more."""
_GIVEN = {"": "completed", "CP": "completed", "PA": "completed", "RE": "not-done", "NA": "not-done"}
"""RXA-20 (table 0322)."""
_TIMES = {"QD": 1, "BID": 2, "TID": 3, "QID": 4}
_EVERY = re.compile(r"Q(\d{1,3})([HMD])", re.ASCII)
_UNITS = {"H": "h", "M": "min", "D": "d"}


def prescriptions(message: Message, patient: str, source: str) -> list[Resource]:
    """Raises `Hl7Error`."""
    found = [_prescription(group, patient, source) for group in _groups(message, "RXE")]
    return _some(found)


def administrations(message: Message, patient: str, source: str) -> list[Resource]:
    """Raises `Hl7Error`."""
    found = []
    for group in _groups(message, "RXA"):
        for one in group:
            if one.name == "RXA":
                found.append(_administration(one, group, patient, source))
    return _some(found)


def _some(found: list[Resource]) -> list[Resource]:
    if not found:
        raise Hl7Error("no-order")
    return found


def _groups(message: Message, wanted: str) -> list[list[Segment]]:
    """Each order with what belongs to it; those without the wanted segment say nothing to us."""
    groups: list[list[Segment]] = []
    for one in message.segments:
        if one.name == "ORC":
            groups.append([one])
        elif groups:
            groups[-1].append(one)
    return [group for group in groups if any(one.name == wanted for one in group)]


def _first(group: Sequence[Segment], name: str) -> Segment | None:
    return next((one for one in group if one.name == name), None)


def _order_id(order: Segment, source: str) -> str:
    number = order.text(2) or order.text(3)
    if not number:
        raise Hl7Error("no-order-number")
    return made_id(source, number, "prescription")


def _prescription(group: Sequence[Segment], patient: str, source: str) -> Resource:
    order, encoded = group[0], _first(group, "RXE")
    assert encoded is not None
    control = order.text(1)
    if control not in _CONTROLS:
        raise Hl7Error("unknown-order-control")
    made = {
        "resourceType": "MedicationRequest",
        "id": _order_id(order, source),
        "identifier": [{"value": number} for number in (order.text(2), order.text(3)) if number],
        "status": _STATES.get(order.text(5), _CONTROLS[control]),
        "intent": "order",
        "medicationCodeableConcept": concept(encoded.raw(2)),
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": moment(order.text(9)),
        "requester": _person(order, 12),
        "dosageInstruction": [_dosage(group, encoded)],
    }
    return {key: value for key, value in made.items() if value}


def _dosage(group: Sequence[Segment], encoded: Segment) -> Resource:
    route, timing = _first(group, "RXR"), _first(group, "TQ1")
    instructions = lines([one for one in encoded.repetitions(7) if one]) or encoded.text(7, 2)
    pattern = timing.text(3) if timing else encoded.text(1, 2)
    said = ", ".join(part for part in (_amount_text(encoded), pattern, instructions) if part)
    made = {
        "text": said,
        "timing": _timing(pattern, timing, encoded),
        "route": concept(route.raw(1)) if route and route.raw(1) else {},
        "doseAndRate": _dose(encoded),
    }
    return {key: value for key, value in made.items() if value}


def _amount_text(encoded: Segment) -> str:
    least, most = encoded.text(3), encoded.text(4).replace(NULL, "")
    amount = f"{least}-{most}" if most and most != least else least
    unit = encoded.text(5, 2) or encoded.text(5)
    return f"{amount} {unit}".strip()


def _dose(encoded: Segment) -> list[Resource]:
    least, most, unit = encoded.text(3), encoded.text(4).replace(NULL, ""), encoded.raw(5)
    if not least:
        return []
    if most and most != least:
        return [{"doseRange": {"low": quantity(least, unit), "high": quantity(most, unit)}}]
    return [{"doseQuantity": quantity(least, unit)}]


def _timing(pattern: str, timing: Segment | None, encoded: Segment) -> Resource:
    start = moment((timing.text(7) if timing else encoded.text(1, 4)).replace(NULL, ""))
    end = moment((timing.text(8) if timing else encoded.text(1, 5)).replace(NULL, ""))
    repeat: Resource = {}
    every = _EVERY.fullmatch(pattern)
    if pattern in _TIMES:
        repeat = {"frequency": _TIMES[pattern], "period": 1, "periodUnit": "d"}
    elif every and int(every[1]):
        repeat = {"frequency": 1, "period": int(every[1]), "periodUnit": _UNITS[every[2]]}
    bounds = {key: value for key, value in (("start", start), ("end", end)) if value}
    if bounds:
        repeat = {"boundsPeriod": bounds, **repeat}
    made: Resource = {"repeat": repeat} if repeat else {}
    return {**made, "code": {"text": pattern}} if pattern else made


def _administration(one: Segment, group: Sequence[Segment], patient: str, source: str) -> Resource:
    order, status = group[0], one.text(20)
    if status not in _GIVEN:
        raise Hl7Error("unknown-status")
    at = moment(one.text(3))
    if not at:
        raise Hl7Error("no-time")
    prescription = _order_id(order, source)
    amount, route = one.text(6).replace(NULL, ""), _first(group, "RXR")
    dosage: Resource = {}
    if amount and amount != "999":  # §4.14.7.6: not recorded
        dosage["dose"] = quantity(amount, one.raw(7))
    if route and route.raw(1):
        dosage["route"] = concept(route.raw(1))
    # RXA-21: a line that was wrong is taken back (D).
    made = {
        "resourceType": "MedicationAdministration",
        "id": made_id(source, f"{prescription}|{one.text(3)}|{one.text(5)}|{one.text(2)}", "administration"),
        "status": "entered-in-error" if one.text(21) == "D" else _GIVEN[status],
        "medicationCodeableConcept": concept(one.raw(5)),
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        "request": {"reference": f"MedicationRequest/{prescription}"},
        "dosage": dosage,
        "performer": [{"actor": who}] if (who := _person(one, 10)) else [],
        "statusReason": [concept(one.raw(18))] if one.raw(18) else [],
    }
    return {key: value for key, value in made.items() if value}


def _person(one: Segment, number: int) -> Resource:
    """An `XCN` as a name."""
    raw = one.raw(number)
    name = " ".join(part for part in (component_of(raw, 3), component_of(raw, 2)) if part)
    name = name or component_of(raw, 1)
    return {"display": name} if name and name != NULL else {}
