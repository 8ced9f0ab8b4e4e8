"""Patients and orders for the tests of orders."""

from __future__ import annotations

from typing import Any

PATIENT = "orders-p1"
WARD = "1000000000016111"

_ATC = ("N02BE01", "C09AA02", "A02BC01", "B01AC06", "C07AB02", "C10AA05", "N06AB04", "H03AA01")


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
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.whocc.no/atc", "code": _ATC[number % len(_ATC)]}],
            "text": f"Lægemiddel {number}",
        },
        "subject": {"reference": f"Patient/{patient_}"},
        **others,
    }


def bundle(*orders: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": order} for order in orders],
    }
