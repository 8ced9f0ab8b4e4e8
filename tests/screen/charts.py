"""Charts for tests of the views, from resources written out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from altid.screen.views.chart import Chart

Resource = dict[str, Any]

NOW = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
"""Ten o'clock in Denmark."""

HL7 = "http://terminology.hl7.org/CodeSystem"
SNOMED = "http://snomed.info/sct"


def coded(system: str, code: str, display: str | None = None) -> Resource:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding]}


def chart(
    *resources: Resource,
    patient: Resource | None = None,
    others: tuple[Resource, ...] = (),
    unread: tuple[str, ...] = (),
    older: tuple[str, ...] = (),
) -> Chart:
    """A chart of these resources; each gets an id where it has none."""
    parts: dict[str, list[Resource]] = {}
    for number, resource in enumerate(resources):
        parts.setdefault(resource["resourceType"], []).append({"id": f"r{number}", **resource})
    return Chart(
        patient or {"resourceType": "Patient", "id": "p"},
        NOW,
        parts,
        {f"{other['resourceType']}/{other['id']}": other for other in others},
        frozenset(unread),
        frozenset(older),
    )


def measured(value: float, at: str, npu: str = "NPU03230", **elements: Any) -> Resource:
    """A laboratory result in mmol/L."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(f"{HL7}/observation-category", "laboratory")],
        "code": {"text": "Kalium;P", **coded("urn:oid:1.2.208.176.2.1", npu)},
        "effectiveDateTime": at,
        "valueQuantity": {
            "value": value,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        **elements,
    }
