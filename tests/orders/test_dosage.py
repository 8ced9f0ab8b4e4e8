"""Dosages: what is written is read back, what is half understood is refused, and the sums are exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from altid.fhir import json
from altid.fhir.validation import validate
from altid.orders import amount, dosage
from altid.orders.amount import Amount
from altid.orders.dose import Dosage
from altid.orders.unreadable import UnreadableError
from tests.orders.dosages import dosages


def mg(value: str) -> Amount:
    return Amount(Decimal(value), "mg")


def instruction(repeat: dict[str, Any], value: float = 500, unit: str = "mg", **more: Any) -> dict[str, Any]:
    return {
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit, "code": unit}}],
        **more,
    }


def needed(low: float, high: float, unit: str = "mg", **more: Any) -> dict[str, Any]:
    """From `low` to `high` as needed."""
    span = {"low": {"value": low, "code": unit}, "high": {"value": high, "code": unit}}
    told = {"asNeededBoolean": True, "maxDosePerPeriod": most(40)}
    return {**told, "doseAndRate": [{"doseRange": span}], **more}


def most(value: float, days: int = 1) -> dict[str, Any]:
    return {
        "numerator": {"value": value, "code": "mg"},
        "denominator": {"value": days, "code": "d"},
    }


DAILY = {"period": 1, "periodUnit": "d"}


@given(dosages)
def test_what_is_written_is_read_back_also_as_json(made: Dosage) -> None:
    written = json.loads(json.dumps(dosage.write(made)))
    assert dosage.read(written) == made


@given(dosages)
def test_what_is_written_is_valid_fhir(made: Dosage) -> None:
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "x"},
        "subject": {"reference": "Patient/1"},
        "dosageInstruction": dosage.write(made),
    }
    assert validate(json.loads(json.dumps(order))) == []


@given(dosages)
def test_a_daily_dose_is_never_less_than_nothing_and_a_week_never_less_than_a_day(made: Dosage) -> None:
    daily, weekly = made.most_within(1), made.most_within(7)
    assert (daily is None) == (weekly is None)
    if daily and weekly:
        assert 0 < daily.value <= weekly.value
    assert all(line.daily.value > 0 for line in made.lines)


def test_the_sequence_decides_and_not_the_place() -> None:
    second = instruction({"when": ["MORN"], "frequency": 1, **DAILY}, 250, sequence=2)
    first = instruction({"when": ["MORN"], "frequency": 1, **DAILY}, 500, sequence=1)
    lines = dosage.read([second, first]).lines
    assert [line.amount for line in lines] == [mg("500"), mg("250")]


@pytest.mark.parametrize(
    ("instructions", "daily"),
    [
        ([instruction({"when": ["NIGHT", "MORN"], "frequency": 2, **DAILY})], "1000"),
        ([instruction({"timeOfDay": ["22:00:00", "06:00:00"], **DAILY})], "1000"),
        ([instruction({"when": ["MORN"]}), instruction({"when": ["EVE"]}, 250)], "750"),
        ([instruction({"when": ["MORN"]}), instruction({"when": ["EVE"]}, 1, "g")], "1500"),
        ([instruction({"frequency": 1, "period": 8, "periodUnit": "h"})], "1500"),
        ([instruction({"frequency": 1, "period": 2, "periodUnit": "d"})], "500"),
        ([instruction({"dayOfWeek": ["mon"], "period": 1, "periodUnit": "wk"})], "500"),
        ([instruction({"count": 1})], "500"),
        ([instruction({"when": ["CM", "CV"]})], "1000"),
        ([instruction({"when": ["ACM"], "offset": 30})], "500"),
        ([instruction({"when": ["C"], "frequency": 3, **DAILY})], "1500"),
        ([needed(5, 10)], "40"),
        ([instruction({}, asNeededBoolean=True, maxDosePerPeriod=most(2000))], "2000"),
        (
            [
                instruction({"when": ["MORN"]}, 500, sequence=1),
                instruction({"when": ["MORN"]}, 750, sequence=2),
            ],
            "750",
        ),
    ],
)
def test_the_most_of_a_day(instructions: list[dict[str, Any]], daily: str) -> None:
    assert dosage.read(instructions).most_within() == mg(daily)


def test_tenths_are_added_exactly() -> None:
    tenth = json.Decimal("0.1")
    made = dosage.read([instruction({"when": ["MORN", "NOON", "EVE"], **DAILY}, tenth)])
    assert made.most_within() == mg("0.3")


@pytest.mark.parametrize(
    ("instructions", "code", "field"),
    [
        ([], "required", ""),
        ([instruction({}, asNeededBoolean=True)], "required", "[0].maxDosePerPeriod"),
        (
            [instruction({}, asNeededBoolean=True, maxDosePerPeriod=most(2000, 2))],
            "dose-unreadable",
            "[0].maxDosePerPeriod.denominator",
        ),
        ([instruction({})], "required", "[0].timing.repeat"),
        ([{"timing": {"repeat": {"when": ["MORN"]}}}], "required", "[0].doseAndRate"),
        ([instruction({"when": ["MORN"]}, -1)], "dose-not-positive", "[0].doseAndRate[0].doseQuantity.value"),
        ([instruction({"when": ["MORN"]}, 0)], "dose-not-positive", "[0].doseAndRate[0].doseQuantity.value"),
        ([instruction({"when": ["MORN"]}, 1, "mcg")], "dose-unit", "[0].doseAndRate[0].doseQuantity"),
        ([instruction({"when": ["MORN"], "offset": 30})], "dose-unreadable", "[0].timing.repeat"),
        (
            [instruction({"when": ["MORN", "EVE"], "frequency": 3, **DAILY})],
            "dose-unreadable",
            "[0].timing.repeat",
        ),
        ([instruction({"when": ["PC"]})], "required", "[0].timing.repeat.frequency"),
        ([instruction({"when": ["C"], "frequency": 9})], "dose-unreadable", "[0].timing.repeat.frequency"),
        ([instruction({"when": ["ACM", "PCV"]})], "dose-unreadable", "[0].timing.repeat.when"),
        ([instruction({"when": ["C", "CM"]})], "dose-unreadable", "[0].timing.repeat.when"),
        ([instruction({"when": ["MORN", "CV"]})], "dose-unreadable", "[0].timing.repeat.when"),
        ([instruction({"when": ["HS"]})], "dose-unreadable", "[0].timing.repeat.when"),
        ([instruction({"when": ["CM"], "offset": 30})], "dose-unreadable", "[0].timing.repeat.offset"),
        ([instruction({"when": ["ACM"], "offset": 241})], "dose-unreadable", "[0].timing.repeat.offset"),
        ([instruction({"when": ["CM"], "frequency": 2, **DAILY})], "dose-unreadable", "[0].timing.repeat"),
        ([instruction({"when": ["CM"], "period": 2})], "dose-unreadable", "[0].timing.repeat"),
        (
            [{**needed(5, 10), "asNeededBoolean": False, "timing": {"repeat": {"when": ["MORN"]}}}],
            "dose-unreadable",
            "[0].doseAndRate[0].doseRange",
        ),
        ([needed(10, 5)], "dose-unreadable", "[0].doseAndRate[0].doseRange"),
        ([needed(5, 5)], "dose-unreadable", "[0].doseAndRate[0].doseRange"),
        ([needed(0, 5)], "dose-not-positive", "[0].doseAndRate[0].doseRange.low.value"),
        (
            [needed(5, 10, doseAndRate=[{"doseRange": {"high": {"value": 10, "code": "mg"}}}])],
            "dose-unit",
            "[0].doseAndRate[0].doseRange.low",
        ),
        (
            [
                needed(
                    5,
                    10,
                    doseAndRate=[
                        {"doseRange": {"low": {"value": 5, "code": "mg"}, "high": {"value": 10, "code": "g"}}}
                    ],
                )
            ],
            "dose-unit",
            "[0].doseAndRate[0].doseRange.high",
        ),
        *(
            ([instruction({"when": ["MORN"]}, 5, unit)], "dose-unit", "[0].doseAndRate[0].doseQuantity")
            for unit in ("mg/kg", "ug/kg/h", "mg/m2", "mmol/kg", "%", "mg/mL")
        ),
        *(
            (
                [{"doseAndRate": [{"rateQuantity": {"value": 5, "code": unit}}]}],
                "dose-unit",
                "[0].doseAndRate[0].rateQuantity",
            )
            for unit in ("ug/kg/h", "ug/kg/min", "mg/m2/h", "mL/min", "%/h", "mL")
        ),
        (
            [instruction({"when": ["MORN"]}, modifierExtension=[{}])],
            "dose-unreadable",
            "[0].modifierExtension",
        ),
        (
            [instruction({"when": ["MORN"]}), instruction({"when": ["MORN"]}, sequence=1)],
            "dose-unreadable",
            "[0].sequence",
        ),
        ([instruction({"frequency": 1, "frequencyMax": 3, **DAILY})], "dose-unreadable", "[0].timing.repeat"),
    ],
)
def test_what_is_half_understood_is_refused_and_the_field_named(
    instructions: list[dict[str, Any]], code: str, field: str
) -> None:
    with pytest.raises(UnreadableError) as refused:
        dosage.read(instructions)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert all(refused.value.text)


def test_an_amount_with_a_trailing_zero_is_written_without() -> None:
    assert amount.write(Amount(Decimal("1.0"), "mg"))["value"] == 1
