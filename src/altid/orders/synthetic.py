"""Orders that are no patient's: the canary's, which are marked as test orders, and those of drills.

A test order carries a tag. It is registered like every other, and stops there: nothing sends it to a
pharmacy, no list shows it, no reconciliation counts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from altid.fhir import json
from altid.record.stored import instant

TAG_SYSTEM = "https://altid.dk/fhir/tag"
TEST_ORDER = "test-order"
TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
"""The standard's own mark for data that is no patient's."""
CANARY = "altid-canary-"
"""How the ids of such patients begin."""

Resource = dict[str, Any]


def is_test_order(resource: Mapping[str, Any]) -> bool:
    """Whether a resource carries the tag of test orders."""
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("system") == TAG_SYSTEM and tag.get("code") == TEST_ORDER for tag in tags)


def is_test_content(content: str) -> bool:
    """The same of a resource as JSON."""
    if TEST_ORDER not in content:  # reading each of many as JSON would take minutes
        return False
    return is_test_order(json.loads(content.encode()))


def canary_patient(site: str, server: str) -> str:
    """Id of the patient on whom a server's test orders are."""
    return f"{CANARY}{site}-{server}"


def is_canary_patient(id_: str) -> bool:
    """No person, so no list of patients shows them."""
    return id_.startswith(CANARY)


def patient(id_: str) -> Resource:
    """Somebody who doesn't exist, and has neither a name nor a number by which they could be found."""
    return {"resourceType": "Patient", "id": id_, "meta": {"tag": [TEST_DATA]}}


def medication_order(
    patient: str,
    mark: str,
    at: datetime,
    *,
    starts: datetime | None = None,
    days: int = 1,
    is_test: bool = False,
) -> Resource:
    """An order of a common drug, to be signed. `mark` is its note, by which the version is known again."""
    starts = starts or at
    ends = starts + timedelta(days=days)
    tags = [TEST_DATA, *([{"system": TAG_SYSTEM, "code": TEST_ORDER}] if is_test else [])]
    return {
        "resourceType": "MedicationRequest",
        "meta": {"tag": tags},
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [
                {"system": "http://www.whocc.no/atc", "code": "N02BE01", "display": "paracetamol"},
            ],
            "text": "paracetamol (Panodil) tablet 500 mg",
        },
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(at),
        "requester": {"reference": "PractitionerRole/altid", "display": "Altid"},
        "reasonCode": [{"text": "Afprøvning"}],
        "note": [{"text": mark}],
        "dosageInstruction": [
            {
                "text": "2 tabletter (1000 mg) morgen, middag og aften",
                "timing": {
                    "repeat": {
                        "boundsPeriod": {"start": instant(starts), "end": instant(ends)},
                        "when": ["MORN", "NOON", "EVE"],
                    }
                },
                "route": {
                    "coding": [{"system": "http://snomed.info/sct", "code": "26643006"}],
                    "text": "oral anvendelse",
                },
                "doseAndRate": [
                    {
                        "doseQuantity": {
                            "value": 1000,
                            "unit": "mg",
                            "system": "http://unitsofmeasure.org",
                            "code": "mg",
                        }
                    }
                ],
            }
        ],
    }


def requisition(patient: str, mark: str, at: datetime) -> Resource:
    """A requisition of a common blood sample, to be signed. `mark` as above."""
    return {
        "resourceType": "ServiceRequest",
        "meta": {"tag": [TEST_DATA]},
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}],
        "code": {
            "coding": [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU03230", "display": "Kalium;P"}],
            "text": "Kalium;P",
        },
        "subject": {"reference": f"Patient/{patient}"},
        "occurrenceDateTime": instant(at),
        "authoredOn": instant(at),
        "requester": {"reference": "PractitionerRole/altid", "display": "Altid"},
        "performer": [{"display": "Altid", "reference": "Organization/altid"}],
        "reasonCode": [{"text": "Afprøvning"}],
        "note": [{"text": mark}],
    }


def mark_of(resource: Mapping[str, Any]) -> str:
    """The mark of an order, or nothing."""
    notes = resource.get("note") or [{}]
    return str(notes[-1].get("text", ""))
