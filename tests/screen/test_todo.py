"""What is to be done next for one patient: doses, early warning score, results, and what is not signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from altid.screen.views.due import next_doses, scheduled_of
from altid.screen.views.plans import requisitions_of
from altid.screen.views.todo import answers_of, measuring_of, waits_of
from altid.screen.views.unconfirmed import Waits, unconfirmed_of
from altid.screen.views.warning_score import Risk, measured_within, risk_of
from tests.screen.charts import HL7, NOW, SNOMED, Resource, chart, coded

LOINC = "http://loinc.org"
CATEGORY = [coded(f"{HL7}/observation-category", "vital-signs")]


def sign(code: str, value: float, at: str = "2026-11-17T09:00:00+01:00") -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": CATEGORY,
        "code": coded(LOINC, code),
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": "1"},
    }


def a_round(breaths: float = 16, saturation: float = 98, pulse: float = 70) -> list[Resource]:
    pressure = sign("85354-9", 0)
    del pressure["valueQuantity"]
    parts = (("8480-6", 120), ("8462-4", 80))
    pressure["component"] = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in parts
    ]
    mind = sign("80288-4", 0)
    del mind["valueQuantity"]
    mind["valueCodeableConcept"] = coded(SNOMED, "248234008")
    measured = (("9279-1", breaths), ("2708-6", saturation), ("8867-4", pulse), ("8310-5", 37), ("3151-8", 0))
    return [*(sign(code, value) for code, value in measured), pressure, mind]


@pytest.mark.parametrize(
    ("changed", "total", "hours"),
    [({}, 0, 12), ({"breaths": 22}, 2, 6), ({"breaths": 26}, 3, 1), ({"breaths": 26, "pulse": 120}, 5, 1)],
)
def test_how_soon_it_is_measured_again_follows_from_the_score(
    changed: dict[str, Any], total: int, hours: int
) -> None:
    found = measuring_of(chart(*a_round(**changed)))
    assert found is not None
    assert (found.total, found.due.at - found.at.at) == (total, timedelta(hours=hours))
    assert not found.is_late
    assert not found.is_continuous


def test_a_high_score_is_watched_all_the_time() -> None:
    found = measuring_of(chart(*a_round(breaths=26, saturation=90, pulse=120)))
    assert found is not None
    assert (found.total, found.is_continuous, found.due) == (8, True, found.at)


def test_a_charted_score_goes_before_ours() -> None:
    found = measuring_of(chart(*a_round(), sign("1104051000000101", 6)))
    assert found is not None
    assert (found.total, found.risk) == (6, Risk.MEDIUM)


def test_half_a_round_makes_no_score_but_a_time() -> None:
    found = measuring_of(chart(*a_round()[:4]))
    assert found is not None
    assert (found.total, found.due.at - found.at.at) == (None, timedelta(hours=12))


def test_who_was_never_measured_has_no_time() -> None:
    assert measuring_of(chart()) is None


@pytest.mark.parametrize("total", range(21))
def test_a_higher_score_is_never_measured_later(total: int) -> None:
    assert measured_within(total + 1, risk_of(total + 1)) <= measured_within(total, risk_of(total))


def requisition(**more: Any) -> Resource:
    base = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "code": {"text": "EKG"}}
    return {**base, **more}


def test_results_that_wait_are_counted() -> None:
    asked = (
        requisition(occurrenceDateTime="2026-11-17T08:00:00+01:00", priority="urgent"),
        requisition(occurrenceDateTime="2026-11-17T12:00:00+01:00"),
        requisition(occurrenceDateTime="2026-11-17"),
        requisition(status="draft", occurrenceDateTime="2026-11-16"),
        requisition(status="completed"),
        requisition(doNotPerform=True),
    )
    found = answers_of(requisitions_of(chart(*asked)).pending, NOW)
    assert (found.waiting, found.urgent, found.late) == (3, 1, 1)
    assert found.due is not None
    assert found.due.at.date().isoformat() == "2026-11-17"


def test_orders_that_nobody_may_rely_on_are_counted_by_what_they_wait_for() -> None:
    sent = {
        "resourceType": "Task",
        "status": "requested",
        "focus": {"reference": "ServiceRequest/sent"},
        "for": {"reference": "Patient/p"},
    }
    read = chart(requisition(id="sent"), requisition(status="draft"), sent)
    assert waits_of(unconfirmed_of(read)) == {Waits.ACCEPTANCE: 1, Waits.SIGNATURE: 1}
    assert waits_of(unconfirmed_of(chart(unread=("Task",)))) is None


def order(status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "o",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": "paracetamol"},
        "dosageInstruction": [
            {
                "timing": {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"], "period": 1, "periodUnit": "d"}},
                **more,
            }
        ],
    }


def test_the_next_dose_is_that_after_the_last_one_given() -> None:
    scheduled = scheduled_of(chart(), order())
    assert scheduled is not None
    given = datetime(2026, 11, 16, 19, 0, tzinfo=UTC)
    missed = next_doses([scheduled], {"MedicationRequest/o": given}, NOW)
    assert [(dose.at.at.hour, dose.is_overdue, dose.drug.product) for dose in missed] == [
        (8, True, "paracetamol")
    ]
    begun = next_doses([scheduled], {}, NOW)
    assert [(dose.at.at.hour, dose.is_overdue) for dose in begun] == [(20, False)]


@pytest.mark.parametrize(
    "other", [order("on-hold"), order("draft"), order("completed"), order(asNeededBoolean=True)]
)
def test_what_has_no_time_is_not_due(other: Resource) -> None:
    assert scheduled_of(chart(), other) is None
