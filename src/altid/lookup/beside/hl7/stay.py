"""PV1 as an Encounter (HL7 v2.5.1 §3.4.3): what an event does to the stay that is known.

Every step gives the same again when its message comes twice, so that a repetition changes nothing.
"""

from __future__ import annotations

from altid.hl7.text import Hl7Error, Message, Segment
from altid.hl7.values import NULL, concept, moment
from altid.lookup.beside.naming import Resource, made_id

_CLASSES = {"I": "IMP", "B": "IMP", "E": "EMER", "O": "AMB", "R": "AMB", "P": "PRENC"}
_ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_STATUSES = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A05": "planned",
    "A06": "in-progress",
    "A07": "in-progress",
    "A11": "cancelled",
    "A12": "in-progress",
    "A13": "in-progress",
}
"""What an event makes of the stay; others leave its status."""
_OPEN = ("in-progress", "planned")

Entry = Resource


def stay_of(
    message: Message, patient: str, source: str, here: str, organisation: str, known: Resource | None
) -> Resource | None:
    """The Encounter after the event; None where the message is about no stay. `known`: it as it was, by
    `stay_id`. Raises `Hl7Error`."""
    visit, id_ = message.first("PV1"), stay_id(message, patient, source)
    if visit is None or id_ is None:
        return None
    event, at = message.header.text(9, 2), event_time(message)
    before: Resource = known or {}
    _check_same(before, patient)
    status = _STATUSES.get(event) or before.get("status") or _status(visit)
    made: Resource = {
        **before,
        "resourceType": "Encounter",
        "id": id_,
        "status": status,
        "class": _class(visit, before),
        "subject": {"reference": f"Patient/{patient}"},
        "identifier": [{"value": visit.text(19)}] if visit.text(19) else before.get("identifier", []),
        "period": _period(visit, before.get("period", {}), status, event, at),
        "participant": _responsible(visit) or before.get("participant", []),
        "reasonCode": _reason(message) or before.get("reasonCode", []),
        "location": _locations(before.get("location", []), here, status, event, at),
    }
    if organisation:
        made["serviceProvider"] = {"reference": f"Organization/{organisation}"}
    return {key: value for key, value in made.items() if value}


def stay_id(message: Message, patient: str, source: str) -> str | None:
    """By the visit's number, else by the patient and the time of admission; None where there is no stay."""
    visit = message.first("PV1")
    if visit is None or visit.text(2) == "N":
        return None
    number, admitted = visit.text(19), visit.text(44)
    if number and number != NULL:
        return made_id(source, f"{visit.text(19, 4)}|{number}", "visit")
    if admitted and admitted != NULL:
        return made_id(source, f"{patient}|{admitted}", "visit")
    if message.header.text(9, 2) in _STATUSES and message.header.text(9) == "ADT":
        raise Hl7Error("no-visit-number")
    return None


def event_time(message: Message) -> str:
    """When it happened (EVN-6), was recorded (EVN-2) or sent (MSH-7)."""
    event = message.first("EVN")
    happened = (event.text(6) or event.text(2)) if event else ""
    return moment(happened or message.header.text(7))


def _check_same(before: Resource, patient: str) -> None:
    known = before.get("subject", {}).get("reference")
    if known and known != f"Patient/{patient}":
        raise Hl7Error("visit-of-another-patient")


def _status(visit: Segment) -> str:
    """Of a stay that we hear of first by an update."""
    return "finished" if visit.text(45) and visit.text(45) != NULL else "in-progress"


def _class(visit: Segment, before: Resource) -> Resource:
    code = _CLASSES.get(visit.text(2))
    known: Resource = before.get("class", {})
    return {"system": _ACT_CODES, "code": code} if code else known or {"system": _ACT_CODES, "code": "IMP"}


def _period(visit: Segment, before: Resource, status: str, event: str, at: str) -> Resource:
    admitted, discharged = visit.text(44).replace(NULL, ""), visit.text(45).replace(NULL, "")
    start = moment(admitted) or before.get("start", "") or (at if event in ("A01", "A04") else "")
    end = ""
    if status not in _OPEN:
        end = moment(discharged) or before.get("end", "") or (at if event == "A03" else "")
    return {key: value for key, value in {"start": start, "end": end}.items() if value}


def _locations(before: list[Entry], here: str, status: str, event: str, at: str) -> list[Entry]:
    if status in ("finished", "cancelled"):
        return [_left(one, at) for one in before]
    if event == "A13":
        before = [*before[:-1], _again(before[-1])] if before else []
    if not here:
        return before
    reference = {"reference": f"Location/{here}"}
    present = [one for one in before if "end" not in one.get("period", {})]
    if [one["location"] for one in present] == [reference]:
        return before
    past = [one for one in before if one not in present]
    if event == "A12" and present and past and past[-1]["location"] == reference:
        return [*past[:-1], _again(past[-1])]
    entry: Entry = {"location": reference, "status": "active"}
    if at:
        entry["period"] = {"start": at}
    return [*past, *(_left(one, at) for one in present), entry]


def _left(entry: Entry, at: str) -> Entry:
    if "end" in entry.get("period", {}) or not at:
        return {**entry, "status": "completed"}
    return {**entry, "status": "completed", "period": {**entry.get("period", {}), "end": at}}


def _again(entry: Entry) -> Entry:
    period = {key: value for key, value in entry.get("period", {}).items() if key != "end"}
    kept = {key: value for key, value in entry.items() if key != "period"}
    return {**kept, "status": "active"} | ({"period": period} if period else {})


def _responsible(visit: Segment) -> list[Resource]:
    """PV1-7, the attending doctor (`XCN`)."""
    name = " ".join(part for part in (visit.text(7, 3), visit.text(7, 2)) if part) or visit.text(7)
    if not name or name == NULL:
        return []
    type_ = {"coding": [{"system": _PARTICIPATION, "code": "ATND"}]}
    return [{"type": [type_], "individual": {"display": name}}]


def _reason(message: Message) -> list[Resource]:
    """PV2-3, why."""
    more = message.first("PV2")
    raw = more.raw(3) if more else ""
    return [concept(raw)] if raw and raw != NULL else []
