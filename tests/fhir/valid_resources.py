"""Valid resources that use much of R4's grammar, for tests to break."""

from __future__ import annotations

from typing import Any

from altid.fhir.json import Decimal

Resource = dict[str, Any]


def observation(**changed: Any) -> Resource:
    """A measured pulse with two components; `changed` replaces or adds elements, None takes one away."""
    return _changed(
        {
            "resourceType": "Observation",
            "id": "pulse-1",
            "meta": {"profile": ["http://hl7.dk/fhir/core/StructureDefinition/dk-core-basic-observation"]},
            "identifier": [{"system": "urn:oid:1.2.208.176.7", "value": "17"}],
            "status": "final",
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "vital-signs",
                        }
                    ]
                }
            ],
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Puls"},
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": "2024-05-30T10:15:00+02:00",
            "issued": "2024-05-30T10:15:31.123+02:00",
            "performer": [{"reference": "Practitioner/n1", "display": "Sygeplejerske"}],
            "valueQuantity": {
                "value": Decimal("74.0"),
                "unit": "slag/min",
                "system": "http://unitsofmeasure.org",
            },
            "referenceRange": [{"low": {"value": 50}, "high": {"value": 90}}],
            "component": [
                {"code": {"text": "systolisk"}, "valueInteger": 120},
                {"code": {"text": "diastolisk"}, "valueQuantity": {"value": 80}},
            ],
        },
        changed,
    )


def patient(**changed: Any) -> Resource:
    """A patient with extensions on primitives and a contained practice."""
    return _changed(
        {
            "resourceType": "Patient",
            "id": "p1",
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Nancy</p></div>',
            },
            "contained": [{"resourceType": "Organization", "id": "practice", "name": "Lægerne"}],
            "extension": [
                {"url": "http://example.org/nested", "extension": [{"url": "inner", "valueBoolean": True}]}
            ],
            "identifier": [{"use": "official", "system": "urn:oid:1.2.208.176.1.2", "value": "0102504321"}],
            "active": True,
            "name": [
                {
                    "use": "official",
                    "family": "Berggren",
                    "given": ["Nancy", "Ann"],
                    "_given": [None, {"extension": [{"url": "http://example.org/x", "valueCode": "MID"}]}],
                }
            ],
            "gender": "female",
            "birthDate": "1950-02-01",
            "_birthDate": {
                "extension": [{"url": "http://example.org/t", "valueDateTime": "1950-02-01T14:35:45Z"}]
            },
            "deceasedBoolean": False,
            "maritalStatus": {"text": "gift"},
            "contact": [
                {
                    "telecom": [
                        {"system": "phone", "value": "11"},
                        {"system": "phone", "value": "12", "rank": 1},
                    ],
                    "name": {"text": "Carl"},
                }
            ],
            "generalPractitioner": [{"reference": "#practice"}],
            "link": [{"other": {"reference": "Patient/p2"}, "type": "seealso"}],
        },
        changed,
    )


def prescription(**changed: Any) -> Resource:
    """A prescription with a dose in the morning and the evening."""
    return _changed(
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {
                "coding": [{"system": "http://www.whocc.no/atc", "code": "C07AB02"}]
            },
            "subject": {"reference": "Patient/p1"},
            "dosageInstruction": [
                {
                    "timing": {
                        "repeat": {
                            "boundsPeriod": {"start": "2024-05-30"},
                            "when": ["MORN", "EVE"],
                            "offset": 0,
                        }
                    },
                    "asNeededBoolean": False,
                    "doseAndRate": [{"doseQuantity": {"value": Decimal("0.5"), "unit": "tablet"}}],
                }
            ],
            "dispenseRequest": {"validityPeriod": {"end": "2024-06"}, "quantity": {"value": 100}},
        },
        changed,
    )


def questionnaire(**changed: Any) -> Resource:
    """Items inside items, and every sort of text."""
    return _changed(
        {
            "resourceType": "Questionnaire",
            "url": "http://example.org/Questionnaire/q",
            "status": "draft",
            "subjectType": ["Patient"],
            "date": "2024-05",
            "description": "# Fald\n\nSpørg om *fald*.",
            "item": [
                {
                    "linkId": "1",
                    "type": "group",
                    "item": [
                        {
                            "linkId": "1.1",
                            "type": "choice",
                            "required": True,
                            "answerOption": [{"valueCoding": {"code": "ja"}}, {"valueString": "nej"}],
                            "enableWhen": [{"question": "1", "operator": "exists", "answerBoolean": True}],
                        }
                    ],
                }
            ],
        },
        changed,
    )


def transaction(*resources: Resource) -> Resource:
    """A transaction Bundle that creates the resources."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
            for resource in resources
        ],
    }


def _changed(resource: Resource, changes: dict[str, Any]) -> Resource:
    return {name: value for name, value in (resource | changes).items() if value is not None}
