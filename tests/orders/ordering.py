"""Patients and orders for the tests of orders."""

from __future__ import annotations

from typing import Any

PATIENT = "orders-p1"
WARD = "1000000000016111"
DRUG = "orders-drug"
_END = "2099-12-28"
"""An order that is over before it is signed is refused, and the server's clock is the machine's."""


def patient(id_: str = PATIENT) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:oid:1.2.208.176.1.2", "value": "0101501234"}],
        "name": [{"family": "Testesen", "given": ["Tove"]}],
        "gender": "female",
        "birthDate": "1950-01-01",
    }


def medication(number: int = 0, patient_: str = PATIENT, **others: Any) -> dict[str, Any]:
    """An order as a doctor signs it."""
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/{DRUG}", "display": f"Lægemiddel {number}"},
        "subject": {"reference": f"Patient/{patient_}"},
        "requester": {"reference": "PractitionerRole/dr-holm", "display": "Anne Holm"},
        "reasonCode": [{"text": "Indikation"}],
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {
                        "frequency": 1,
                        "period": 1,
                        "periodUnit": "d",
                        "boundsPeriod": {"start": "2026-11-28", "end": _END},
                    }
                },
                "route": {"text": "oral"},
                "doseAndRate": [
                    {
                        "doseQuantity": {
                            "value": 1,
                            "unit": "tablet",
                            "system": "http://unitsofmeasure.org",
                            "code": "{tbl}",
                        }
                    }
                ],
            }
        ],
        **others,
    }


def unsigned(order: dict[str, Any]) -> dict[str, Any]:
    """As a person sends it: with the signature it becomes theirs."""
    return {name: value for name, value in order.items() if name != "requester"}


def drug() -> dict[str, Any]:
    """Without an ATC code: neither a double of another nor too much."""
    return {"resourceType": "Medication", "id": DRUG, "status": "active", "code": {"text": "Salve"}}


def requisition(patient_: str = PATIENT, **others: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": {"text": "Røntgen af thorax"},
        "subject": {"reference": f"Patient/{patient_}"},
        "requester": {"reference": "PractitionerRole/dr-holm", "display": "Anne Holm"},
        "performer": [{"reference": "Organization/1000000000016011"}],
        "reasonCode": [{"text": "Hoste"}],
        **others,
    }


def bundle(*orders: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": order} for order in orders],
    }
