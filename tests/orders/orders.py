"""A patient, drugs and orders that lack nothing, for tests that then take something away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from altid.orders.catalogue import Catalogue
from altid.orders.context import Context

Resource = dict[str, Any]

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
DOCTOR = {"reference": "PractitionerRole/doctor"}
ATC = "http://www.whocc.no/atc"


def medication(identity: str, atc: str, substance: str, strength: str = "mg", per: str = "1") -> Resource:
    """500 `strength` in one `per`."""
    return {
        "resourceType": "Medication",
        "id": identity,
        "status": "active",
        "code": {"coding": [{"system": ATC, "code": atc}], "text": f"{substance} 500 mg"},
        "ingredient": [
            {
                "itemCodeableConcept": {"text": substance},
                "strength": {
                    "numerator": {"value": 500, "code": strength},
                    "denominator": {"value": 1, "code": per},
                },
            }
        ],
    }


CATALOGUE = Catalogue.of(
    [
        medication("paracetamol", "N02BE01", "paracetamol"),
        medication("ibuprofen", "M01AE01", "ibuprofen"),
        medication("metformin", "A10BA02", "metformin"),
        medication("methotrexat", "L04AX03", "methotrexat"),
        medication("cefuroxim", "J01DC02", "cefuroxim"),
        medication("mixtur", "N02BE01", "paracetamol", per="mL"),
        {**medication("gammel", "N02BE01", "paracetamol"), "status": "inactive"},
    ]
)

PATIENT = {"resourceType": "Patient", "id": "1"}


def context(**known: Any) -> Context:
    return Context(**{"patient": PATIENT, "now": NOW, "catalogue": CATALOGUE, "signer": DOCTOR, **known})


def order(drug: str = "paracetamol", value: float = 1000, unit: str = "mg", **elements: Any) -> Resource:
    """Twice a day for a week."""
    return {
        "resourceType": "MedicationRequest",
        "id": "order",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medicationReference": {"reference": f"Medication/{drug}"},
        "reasonCode": [{"text": "smerter"}],
        "requester": DOCTOR,
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {
                        "boundsPeriod": {"start": "2026-11-17", "end": "2026-11-24"},
                        "frequency": 2,
                        "period": 1,
                        "periodUnit": "d",
                        "when": ["MORN", "EVE"],
                    }
                },
                "route": {"text": "oral anvendelse"},
                "doseAndRate": [{"doseQuantity": {"value": value, "code": unit}}],
            }
        ],
        **elements,
    }


def requisition(**elements: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "asked",
        "status": "draft",
        "intent": "order",
        "priority": "routine",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}],
        "code": {"text": "Bloddyrkning"},
        "subject": {"reference": "Patient/1"},
        "occurrenceDateTime": "2026-11-18T07:00:00+01:00",
        "requester": DOCTOR,
        "performer": [{"reference": "Organization/kma"}],
        "reasonCode": [{"text": "feber"}],
        **elements,
    }


def without(resource: Resource, element: str) -> Resource:
    return {key: value for key, value in resource.items() if key != element}
