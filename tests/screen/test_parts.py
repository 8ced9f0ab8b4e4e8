"""Pages of one part of the record: the early warning score, the medication chart, the timeline."""

from __future__ import annotations

from typing import Any

import pytest

from altid.screen.views.doses import doses_of
from altid.screen.views.elements import LOINC
from altid.screen.views.timeline import timeline_of
from altid.screen.views.vitals import vitals_of
from altid.screen.views.warning_score import PARTS, Risk, Score, Unscored
from tests.screen.charts import HL7, SNOMED, chart, coded

AT = "2026-11-17T07:00:00+01:00"
HEALTHY: dict[str, Any] = {
    "9279-1": (16, "/min"),
    "2708-6": (97, "%"),
    "3151-8": (0, "L/min"),
    "8867-4": (72, "/min"),
    "8310-5": (37.1, "Cel"),
}


def observed(code: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "category": [coded(f"{HL7}/observation-category", "vital-signs")],
        "code": coded(LOINC, code),
        "effectiveDateTime": AT,
        **value,
    }


def signs(systolic: int = 120, mind: str = "248234008", **changed: Any) -> list[dict[str, Any]]:
    measured = HEALTHY | {code.replace("_", "-")[1:]: value for code, value in changed.items()}
    pressures = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("8480-6", systolic), ("8462-4", 70))
    ]
    return [
        *(
            observed(code, valueQuantity={"value": value[0], "unit": value[1]})
            for code, value in measured.items()
            if value is not None
        ),
        observed("85354-9", component=pressures),
        observed("80288-4", valueCodeableConcept=coded(SNOMED, mind)),
    ]


@pytest.mark.parametrize(
    ("changed", "total", "risk"),
    [
        ({}, 0, Risk.LOW),
        ({"_9279_1": (21, "/min"), "_8867_4": (95, "/min")}, 3, Risk.LOW),
        ({"_2708_6": (91, "%")}, 3, Risk.LOW_MEDIUM),
        ({"mind": "130987000"}, 3, Risk.LOW_MEDIUM),
        ({"_3151_8": (2, "L/min"), "_2708_6": (93, "%"), "_8310_5": (38.1, "Cel")}, 5, Risk.MEDIUM),
        ({"systolic": 90, "_8867_4": (131, "/min"), "_9279_1": (25, "/min")}, 9, Risk.HIGH),
    ],
)
def test_the_score_is_that_of_the_college(changed: dict[str, Any], total: int, risk: Risk) -> None:
    (score,) = vitals_of(chart(*signs(**changed))).scores
    assert isinstance(score, Score)
    assert (score.total, score.risk) == (total, risk)


def test_a_round_that_lacks_a_sign_has_no_score() -> None:
    (score,) = vitals_of(chart(*signs(_3151_8=None))).scores
    assert score == Unscored(("oxygen",))


def test_a_charted_score_goes_before_ours() -> None:
    charted = observed("445551004", valueQuantity={"value": 4})
    assert vitals_of(chart(*signs(), charted)).scores == (None,)
    assert set(PARTS) >= {"oxygen", "mind"}


def given(identity: str, at: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": identity,
        "status": "completed",
        "medicationCodeableConcept": {"text": "Paracetamol 500 mg"},
        "effectiveDateTime": at,
        "dosage": {"dose": {"value": 1000, "unit": "mg"}},
    } | elements


def test_doses_stand_under_their_day() -> None:
    shown = chart(
        given("late", "2026-11-17T22:00:00+01:00"),
        given("early", "2026-11-17T08:00:00+01:00", status="not-done", statusReason=[{"text": "Kvalme"}]),
        given("before", "2026-11-16T08:00:00+01:00"),
        given("old", "2026-11-01T08:00:00+01:00"),
        given("wrong", "2026-11-17T09:00:00+01:00", status="entered-in-error"),
    )
    found = doses_of(shown)
    (row,) = found.rows
    last = found.days.index(max(day for day, cell in zip(found.days, row.cells, strict=True) if cell))
    assert [(dose.at.at.hour, dose.status, dose.reason) for dose in row.cells[last]] == [
        (8, "not-done", "Kvalme"),
        (22, "completed", None),
    ]
    assert sum(map(len, row.cells)) == 3


def test_what_could_not_be_read_is_no_empty_chart() -> None:
    assert not doses_of(chart(unread=("MedicationAdministration",))).is_known


def test_what_happened_stands_under_its_day_newest_first() -> None:
    note = {
        "resourceType": "DocumentReference",
        "id": "n",
        "status": "current",
        "type": {"text": "Stuegang"},
        "date": "2026-11-17T09:30:00+01:00",
        "content": [{"attachment": {"contentType": "text/plain"}}],
    }
    problem = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "Astma"},
        "onsetDateTime": "2019-05",
    }
    found = timeline_of(chart(note, problem))
    assert [[each.what for each in members] for _, members in found.days] == [["Stuegang"], ["Astma"]]
    assert found.unread == ()
    assert timeline_of(chart(unread=("Condition",))).unread == ("Condition",)
