"""Vital signs: the rounds side by side, in the order of the early warning score."""

from __future__ import annotations

from typing import Any

from altid.screen.views.vitals import ROUNDS_MAX, Vitals, vitals_of
from tests.screen.charts import HL7, chart, coded

EARLY, LATE = "2026-11-17T06:00:00+01:00", "2026-11-17T14:00:00+01:00"


def sign(code: str, value: float, at: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(f"{HL7}/observation-category", "vital-signs")],
        "code": coded("http://loinc.org", code),
        "effectiveDateTime": at,
        "valueQuantity": {"value": value},
    }


def vitals(*observations: dict[str, Any]) -> Vitals:
    return vitals_of(chart(*observations))


def test_signs_stand_in_the_order_of_the_score() -> None:
    found = vitals(sign("8310-5", 37, EARLY), sign("8867-4", 70, EARLY), sign("9279-1", 16, EARLY))
    assert [each.known for each in found.signs] == ["breaths", "pulse", "temperature"]


def test_rounds_are_columns_newest_first() -> None:
    found = vitals(sign("8867-4", 70, EARLY), sign("8867-4", 80, LATE), sign("8310-5", 37, EARLY))
    pulse, temperature = found.signs
    assert [cell is not None for cell in pulse.cells] == [True, True]
    assert [cell is not None for cell in temperature.cells] == [False, True]


def test_a_sign_older_than_the_rounds_is_still_shown() -> None:
    weight = sign("29463-7", 70, "2026-10-01T08:00:00+02:00")
    pulses = [sign("8867-4", 70, f"2026-11-17T{hour:02d}:00:00+01:00") for hour in range(ROUNDS_MAX)]
    shown = next(each for each in vitals(weight, *pulses).signs if each.known == "weight")
    assert not shown.is_in_rounds


def test_an_unknown_sign_comes_last_under_its_own_name() -> None:
    other = sign("x", 1, EARLY) | {"code": {"text": "Tarmlyde"}}
    found = vitals(other, sign("8867-4", 70, EARLY))
    assert [(each.known, each.name) for each in found.signs] == [("pulse", "8867-4"), (None, "Tarmlyde")]


def test_what_could_not_be_read_is_not_an_empty_table() -> None:
    assert not vitals_of(chart(unread=("Observation",))).is_known
