"""Stored events as others want them: FHIR `AuditEvent` (R4 §6.5), and the citizens' access log (*MinLog*)."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from altid.access.audit.event import Action, Event, Outcome
from altid.access.audit.store import Entry
from altid.access.grounds import Grounds
from altid.access.identity import Role
from altid.fhir.definitions import resource_types

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
_OBJECT_TYPES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SOURCES = "http://terminology.hl7.org/CodeSystem/security-source-type"

SYSTEM = "Altid"


class _Coded(NamedTuple):
    """Type and subtype of an AuditEvent, and C, R, U, D or E."""

    type: tuple[str, str, str]
    subtype: tuple[str, str, str] | None
    action: str


def _rest(code: str, action: str) -> _Coded:
    return _Coded((_TYPES, "rest", "RESTful Operation"), (_INTERACTIONS, code, code), action)


def _dicom(code: str, display: str, subtype: tuple[str, str] | None = None, action: str = "E") -> _Coded:
    return _Coded((_DICOM, code, display), (_DICOM, *subtype) if subtype else None, action)


_CODES: dict[Action, _Coded] = {
    Action.READ: _rest("read", "R"),
    Action.VREAD: _rest("vread", "R"),
    Action.HISTORY: _rest("history", "R"),
    Action.SEARCH: _rest("search", "E"),
    Action.CREATE: _rest("create", "C"),
    Action.UPDATE: _rest("update", "U"),
    Action.PATCH: _rest("patch", "U"),
    Action.DELETE: _rest("delete", "D"),
    Action.OPERATION: _rest("operation", "E"),
    Action.EXPORT: _dicom("110106", "Export", action="R"),
    Action.PRINT: _dicom("110106", "Export", action="R"),
    Action.LOGON: _dicom("110114", "User Authentication", ("110122", "Login")),
    Action.EMERGENCY_LOGON: _dicom("110114", "User Authentication", ("110122", "Login")),
    Action.EMERGENCY_CODE: _dicom("110114", "User Authentication", ("110122", "Login")),
    Action.LOGOFF: _dicom("110114", "User Authentication", ("110123", "Logout")),
    Action.OVERRIDE: _dicom("110113", "Security Alert", ("110127", "Emergency Override Started")),
    Action.FOLLOW_UP: _dicom("110101", "Audit Log Used", action="R"),
    Action.ADMINISTER: _dicom("110113", "Security Alert", ("110137", "User Security Attributes Changed")),
    Action.CHECKPOINT: _dicom("110101", "Audit Log Used"),
}
_OUTCOMES = {Outcome.DONE: "0", Outcome.REFUSED: "4", Outcome.FAILED: "8", Outcome.UNKNOWN: "8"}


def as_audit_event(entry: Entry) -> dict[str, Any]:
    """One stored event; the id tells writer and number."""
    event, coded = entry.event, _CODES[entry.event.action]
    made: dict[str, Any] = _without_empty(
        {
            "resourceType": "AuditEvent",
            "id": f"{entry.writer}.{entry.seq}",
            "type": _coding(*coded.type),
            "subtype": [_coding(*coded.subtype)] if coded.subtype else [],
            "action": coded.action,
            "recorded": event.at.isoformat().replace("+00:00", "Z"),
            "outcome": _OUTCOMES[event.outcome],
            "outcomeDesc": "" if event.outcome is Outcome.DONE else str(event.outcome),
            "purposeOfEvent": [_purpose(grounds) for grounds in dict.fromkeys(event.grounds)],
            "agent": [_agent(event)],
            "source": {
                "site": entry.site,
                "observer": {"display": f"{SYSTEM} {entry.writer}"},
                "type": [_coding(_SOURCES, "4", "Application Server")],
            },
            "entity": [*_patient_entities(event), *_object_entities(event)],
        }
    )
    return made


def _agent(event: Event) -> dict[str, Any]:
    who = event.who
    return {
        "role": [{"text": who.role}] if who.role else [],
        "who": {"identifier": {"value": who.subject}, "display": who.name} if who.subject else {},
        "altId": who.session,
        "name": who.name,
        "requestor": event.action is not Action.CHECKPOINT,
        "location": {"display": event.workplace or who.organisation},
        "network": {"address": event.address, "type": "2" if _is_ip(event.address) else "1"}
        if event.address
        else {},
    }


def _patient_entities(event: Event) -> Iterator[dict[str, Any]]:
    for patient in event.patients:
        grounds = event.grounds_for(patient)
        yield {
            "what": {"reference": f"Patient/{patient}"},
            "type": _coding(_OBJECT_TYPES, "1", "Person"),
            "role": _coding(_OBJECT_ROLES, "1", "Patient"),
            "detail": _details(grounds=grounds, override=event.override),
        }


def _object_entities(event: Event) -> Iterator[dict[str, Any]]:
    """The resource or the search; everything else that has no place of its own stands in its details."""
    version = "" if event.version is None else f"/_history/{event.version}"
    is_resource = event.id and event.type in resource_types()
    names = "&".join(event.parameters)
    details = _details(
        request=event.request,
        durability=event.durability,
        organisation=event.who.organisation,
        operation=event.operation,
        count="" if event.count is None else str(event.count),
        type=event.type,
        **{f"chain of {writer}": f"{seq} {hash_}" for writer, seq, hash_ in event.heads},
    )
    if not is_resource and not names and not details:
        return
    yield {
        "what": {"reference": f"{event.type}/{event.id}{version}"} if is_resource else {},
        "type": _coding(_OBJECT_TYPES, "2", "System Object"),
        "role": _coding(_OBJECT_ROLES, "24", "Query") if names else _coding(_OBJECT_ROLES, "3", "Report"),
        "query": base64.b64encode(f"{event.type}?{names}".encode()).decode() if names else "",
        "detail": details,
    }


def _details(**named: str) -> list[dict[str, str]]:
    return [{"type": name, "valueString": value} for name, value in named.items() if value]


def _purpose(grounds: str) -> dict[str, Any]:
    code = ("BTG", "break the glass") if grounds == Grounds.OVERRIDE else ("TREAT", "treatment")
    return {"coding": [_coding(_REASONS, *code)], "text": grounds}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _without_empty(value: Any) -> Any:
    """FHIR knows no empty element; `false` is none."""
    if isinstance(value, dict):
        made = {name: _without_empty(one) for name, one in value.items()}
        return {name: one for name, one in made.items() if one not in ("", [], {}, None)}
    if isinstance(value, list):
        return [one for one in map(_without_empty, value) if one not in ({}, "")]
    return value


class MinLogRow(NamedTuple):
    """What a citizen is told of one look; names of the fields as *MinLog* has them."""

    patient: str
    system: str
    activity: str
    reason: str
    begin: str
    end: str
    organisation: str
    person: str
    user: str
    role: str
    correlation: str


_ACTIVITIES = {
    Action.READ: "Læst",
    Action.VREAD: "Læst tidligere version",
    Action.HISTORY: "Læst historik",
    Action.SEARCH: "Fremsøgt",
    Action.CREATE: "Oprettet",
    Action.UPDATE: "Ændret",
    Action.PATCH: "Ændret",
    Action.DELETE: "Slettet",
    Action.OPERATION: "Vist samlet",
    Action.EXPORT: "Udtrukket",
    Action.PRINT: "Udskrevet",
    Action.OVERRIDE: "Værdispring",
    Action.FOLLOW_UP: "Opfølgning på værdispring",
    Action.ADMINISTER: "Liste eller spærring ændret",
}
_REASON_TEXTS = {
    Grounds.ADMITTED: "Indlagt eller i ambulant forløb på stedet",
    Grounds.REFERRED: "Henvist til stedet",
    Grounds.LISTED: "På behandlerens liste",
    Grounds.OVERRIDE: "Værdispring",
    Grounds.SCOPE: "Systemadgang",
}
_ROLE_TEXTS = {
    Role.DOCTOR: "Læge",
    Role.NURSE: "Sygeplejerske",
    Role.PHARMACIST: "Farmaceut",
    Role.SECRETARY: "Lægesekretær",
    Role.OPERATIONS: "Drift",
    Role.AUDITOR: "Revisor",
    Role.ADMINISTRATOR: "Administrator",
    Role.SYSTEM: "System",
}


def minlog(entry: Entry) -> list[MinLogRow]:
    """A row for each patient whose data were shown or changed; none for what was refused or failed."""
    event, who = entry.event, entry.event.who
    if event.action not in _ACTIVITIES or event.outcome in (Outcome.REFUSED, Outcome.FAILED):
        return []
    activity = _ACTIVITIES[event.action] + (f" ({event.type})" if event.type else "")
    at = event.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return [
        MinLogRow(
            patient,
            SYSTEM,
            activity,
            _REASON_TEXTS.get(event.grounds_for(patient), ""),  # type: ignore[call-overload]
            at,
            at,
            who.organisation,
            who.name,
            who.subject,
            _ROLE_TEXTS.get(who.role, who.role),  # type: ignore[call-overload]
            event.request or f"{entry.writer}.{entry.seq}",
        )
        for patient in event.patients
    ]
