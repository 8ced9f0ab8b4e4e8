"""A small region in which a ward has every relation to a patient that there is, and one of each resource.

Everything about a patient carries the patient's mark in its content, so that a leak can be seen in any
answer, whatever it was an answer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Resource = dict[str, Any]
Put = Callable[[Resource], None]

REGION, HOSPITAL, WARD = "1000000000016001", "1000000000016011", "1000000000016111"
ELSEWHERE, OTHER_WARD = "1000000000016021", "1000000000016121"
_SOR = "urn:oid:1.2.208.176.1.1"

ACCOUNT = "a0000000-0000-4000-8000-000000000001"
"""Whoever works at the ward, in whatever role."""

BLOCKED_FROM, BLOCKED_TO = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
_WITHIN, _BEFORE = "2026-02-10T08:00:00Z", "2026-01-10T08:00:00Z"


class Relation(StrEnum):
    """Of the ward to a patient; each patient's id is the relation's name."""

    ADMITTED = "admitted"
    REFERRED = "referred"
    LISTED = "listed"
    OVERRIDE = "override"
    """Admitted elsewhere, and the glass was broken."""
    ELSEWHERE = "elsewhere"
    """Admitted at another hospital: no relation."""
    BLOCKED = "blocked"
    """Admitted here, and has blocked the person who asks."""
    PERIOD = "period"
    """Admitted here, and has blocked what is from a period: here is what is from within."""


@dataclass(frozen=True, slots=True)
class About:
    """A resource about a patient: how a search names the patient, and what refers to the patient."""

    type: str
    patient: str = "patient"
    """The search parameter."""


TYPES = (
    About("Encounter"),
    About("Observation"),
    About("Condition"),
    About("AllergyIntolerance"),
    About("MedicationRequest"),
    About("MedicationAdministration"),
    About("MedicationStatement"),
    About("DocumentReference"),
    About("ServiceRequest"),
    About("Communication"),
)


def mark(patient: str) -> str:
    """What stands in everything about a patient but their own resource."""
    return f"HEMMELIG-{patient.upper()}"


def id_of(type_: str, patient: str) -> str:
    return f"{type_.lower()}-{patient}"


def organisations() -> Iterator[Resource]:
    for sor, above in ((REGION, None), (HOSPITAL, REGION), (WARD, HOSPITAL), (ELSEWHERE, REGION)):
        yield _organisation(sor, above)
    yield _organisation(OTHER_WARD, ELSEWHERE)


def _organisation(sor: str, above: str | None) -> Resource:
    part = {"partOf": {"reference": f"Organization/o{above}"}} if above else {}
    return {
        "resourceType": "Organization",
        "id": f"o{sor}",
        "identifier": [{"system": _SOR, "value": sor}],
        "name": f"Afdeling {sor}",
        **part,
    }


def patients() -> Iterator[Resource]:
    for relation in Relation:
        yield {
            "resourceType": "Patient",
            "id": relation,
            "active": True,
            "name": [{"family": f"Navn{relation}", "given": ["Test"]}],
            "gender": "female",
        }


def resources() -> Iterator[Resource]:
    """One of each type about each patient."""
    for relation in Relation:
        for about in TYPES:
            yield resource(about.type, relation)


def resource(type_: str, patient: str) -> Resource:
    """The content of a resource of this type about a patient."""
    moment = _WITHIN if patient == Relation.PERIOD else _BEFORE
    subject = {"reference": f"Patient/{patient}", "display": mark(patient)}
    concept = {"text": mark(patient)}
    here = WARD if patient in _TREATED_HERE else OTHER_WARD
    content: dict[str, Resource] = {
        "Encounter": {
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": subject,
            "period": {"start": moment},
            "serviceProvider": {"reference": f"Organization/o{here}"},
        },
        "Observation": {
            "status": "final",
            "code": {**concept, "coding": [{"system": "urn:test", "code": "secret"}]},
            "subject": subject,
            "effectiveDateTime": moment,
        },
        "Condition": {"code": concept, "subject": subject, "recordedDate": moment},
        "AllergyIntolerance": {"code": concept, "patient": subject, "recordedDate": moment},
        "MedicationRequest": {
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": concept,
            "subject": subject,
            "authoredOn": moment,
        },
        "MedicationAdministration": {
            "status": "completed",
            "medicationCodeableConcept": concept,
            "subject": subject,
            "effectiveDateTime": moment,
        },
        "MedicationStatement": {
            "status": "active",
            "medicationCodeableConcept": concept,
            "subject": subject,
            "effectiveDateTime": moment,
        },
        "DocumentReference": {
            "status": "current",
            "subject": subject,
            "date": moment,
            "content": [{"attachment": {"title": mark(patient)}}],
        },
        "ServiceRequest": {
            "status": "active" if patient == Relation.REFERRED else "completed",
            "intent": "order",
            "subject": subject,
            "authoredOn": moment,
            "performer": [{"reference": f"Organization/o{WARD}"}],
        },
        "Communication": {
            "status": "completed",
            "subject": subject,
            "sent": moment,
            "payload": [{"contentString": mark(patient)}],
        },
    }
    return {"resourceType": type_, "id": id_of(type_, patient), **content[type_]}


_TREATED_HERE = (Relation.ADMITTED, Relation.BLOCKED, Relation.PERIOD)

GROUNDS = """
INSERT INTO personal_list (account, role, organisation, patient, added, until)
     SELECT $1, role, $2, 'listed', now(), now() + interval '1 day' FROM unnest($3::text[]) role
"""
OVERRIDE = """
INSERT INTO override (id, account, role, organisation, patient, kind, reason, began, until)
     SELECT gen_random_uuid(), $1, role, $2, 'override', 'acute', 'Bevidstløs i modtagelsen',
            now(), now() + interval '1 day'
       FROM unnest($3::text[]) role
"""
BLOCK = """
INSERT INTO patient_block (id, patient, account, data_low, data_high, since)
     VALUES (gen_random_uuid(), $1, $2, $3::text::timestamptz, $4::text::timestamptz,
             now() - interval '1 hour')
"""
