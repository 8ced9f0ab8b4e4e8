"""Charts of nobody, on which `/patterns` shows how a record looks: each kind of line, and each state of it.

Name and number are the CPR office's own for tests.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from altid.screen.sections import CAVE_LINE, SECTIONS, section_html
from altid.screen.views.chart import Chart
from altid.screen.views.elements import HL7, SNOMED, Resource
from altid.screen.views.identity import identity_of
from altid.screen.words import Words

_CPR = "urn:oid:1.2.208.176.1.2"
_UCUM = "http://unitsofmeasure.org"
_NONE_KNOWN = "716186003"
_BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

NUMBER = "251248-9996"
PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "nobody",
    "identifier": [{"system": _CPR, "value": NUMBER}],
    "name": [{"family": "Berggren", "given": ["Nancy Ann Test"]}],
    "gender": "female",
    "birthDate": "1948-12-25",
}
DECEASED = {**PATIENT, "name": [{"family": "Testesen", "given": ["Test"]}], "deceasedDateTime": "2026-01-09"}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _chart(
    *resources: Resource, unread: frozenset[str] = frozenset(), closed: frozenset[str] = frozenset()
) -> Chart:
    parts: dict[str, list[Resource]] = {}
    for number, resource in enumerate(resources):
        parts.setdefault(str(resource["resourceType"]), []).append({"id": f"nobody-{number}", **resource})
    return Chart(PATIENT, _BEGAN + timedelta(days=4), parts, unread=unread, closed=closed)


def _allergy(agent: str, reaction: str, severity: str, **elements: Any) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "code": {"text": agent},
        "reaction": [{"manifestation": [{"text": reaction}], "severity": severity}],
        **elements,
    }


def caves() -> tuple[Chart, ...]:
    """One for each state of CAVE: known, none known, not recorded, not to be had, not for the role."""
    unconfirmed = _coded(f"{HL7}/allergyintolerance-verification", "unconfirmed")
    none_known = {"resourceType": "AllergyIntolerance", "code": _coded(SNOMED, _NONE_KNOWN)}
    kind = frozenset({"AllergyIntolerance"})
    return (
        _chart(
            _allergy("Penicilliner", "anafylaksi", "severe"),
            _allergy("Jodholdig kontrast", "udslæt", "mild", verificationStatus=unconfirmed),
        ),
        _chart(none_known),
        _chart(),
        _chart(unread=kind),
        _chart(closed=kind),
    )


def _drug(
    name: str, product: str, why: str, amount: int, timing: dict[str, Any], **elements: Any
) -> Resource:
    dose = {"value": amount, "unit": "mg", "system": _UCUM, "code": "mg"}
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.whocc.no/atc", "code": "X", "display": name}],
            "text": product,
        },
        "reasonCode": [{"text": why}],
        "authoredOn": _BEGAN.isoformat(),
        "dosageInstruction": [
            {
                "timing": timing,
                "route": {"text": "oral anvendelse"},
                "doseAndRate": [{"doseQuantity": dose}],
                **elements.pop("dosage", {}),
            }
        ],
        **elements,
    }


def _result(name: str, unit: str, value: float, day: int, low: float, high: float) -> Resource:
    amount = {"unit": unit, "system": _UCUM, "code": unit}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded(f"{HL7}/observation-category", "laboratory")],
        "code": {"text": name},
        "effectiveDateTime": (_BEGAN + timedelta(days=day)).isoformat(),
        "valueQuantity": {"value": value, **amount},
        "referenceRange": [{"low": {"value": low, **amount}, "high": {"value": high, **amount}}],
    }


def record() -> Chart:
    """Drugs of each group, results inside and outside of their range; no problem, and vital signs unread."""
    morning = {"repeat": {"when": ["MORN"]}}
    four_times = {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}}
    potassium = zip((4.2, 3.9, 3.6, 3.1), range(4), strict=True)
    crp = zip((6, 84, 120, 41), range(4), strict=True)
    return _chart(
        _drug("metoprolol", "Selo-Zok 50 mg depottablet", "mod hjertesvigt", 50, morning),
        _drug(
            "paracetamol",
            "Panodil 500 mg tablet",
            "mod smerter",
            1000,
            four_times,
            dosage={"asNeededBoolean": True},
        ),
        _drug("ramipril", "Ramipril 5 mg tablet", "mod hjertesvigt", 5, morning, status="on-hold"),
        _drug("furosemid", "Furix 40 mg tablet", "mod ødemer", 40, morning, status="stopped"),
        *(_result("Kalium;P", "mmol/L", value, day, 3.5, 4.4) for value, day in potassium),
        *(_result("C-reaktivt protein;P", "mg/L", value, day, 0, 8) for value, day in crp),
        unread=frozenset({"Appointment"}),
        closed=frozenset({"ServiceRequest"}),
    )


_SECTIONS = ("medication", "results", "problems", "appointments", "requisitions")


def shown(words: Words) -> dict[str, Any]:
    """What `/patterns` shows of them: identities, lines of CAVE, sections of a record, and the day it is."""
    chart = record()
    return {
        "identities": (identity_of(PATIENT), identity_of(DECEASED)),
        "cave_lines": [section_html("cave-line", CAVE_LINE, cave, words) for cave in caves()],
        "sections": [section_html(name, SECTIONS[name], chart, words) for name in _SECTIONS],
        "today": chart.read_at.date(),
    }
