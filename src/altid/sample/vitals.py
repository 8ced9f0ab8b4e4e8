"""Vital signs as nurses chart them, and the early warning score (EWS) that they add up to.

EWS (in some regions called TOKS, *tidlig opsporing af kritisk sygdom*) is scored as NEWS2 (Royal College of
Physicians, 2017), with the second saturation scale for patients whose oxygen is kept at 88-92 %.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from altid.sample.chart import Chart, Visit
from altid.sample.coding import (
    ALTID,
    DK_CORE,
    HL7,
    LOINC,
    MEDCOM,
    NPU_DK_CORE,
    SKS,
    SNOMED,
    Resource,
    coded,
    coding,
    concept,
    number,
    quantity,
)
from altid.sample.courses import Vitals
from altid.sample.dice import Dice
from altid.sample.moments import stamp

_BASIC = f"{DK_CORE}/dk-core-basic-observation"
_VITAL_SIGNS = [coded(f"{HL7}/observation-category", "vital-signs")]

_MINDS = {
    "A": ("Vågen og klar", "248234008"),
    "C": ("Nyopstået konfusion", "130987000"),
    "V": ("Reagerer på tiltale", "300202002"),
}
"""The first three of ACVPU; those who answer to pain only, or not at all, lie in intensive care."""


class Charted(NamedTuple):
    """One round of measurements, as written down."""

    at: datetime
    breaths: int
    saturation: int
    oxygen: float
    systolic: int
    diastolic: int
    pulse: int
    temperature: float
    mind: str
    low_target: bool
    """Oxygen is kept at 88-92 %."""

    @property
    def text(self) -> str:
        """As a note has it."""
        oxygen = f" på {self.oxygen:g} L ilt".replace(".", ",") if self.oxygen else " uden ilt"
        temperature = f"{self.temperature:.1f}".replace(".", ",")
        return (
            f"BT {self.systolic}/{self.diastolic}, P {self.pulse}, RF {self.breaths}, "
            f"SAT {self.saturation} %{oxygen}, TP {temperature}, {_MINDS[self.mind][0].lower()}. "
            f"EWS {early_warning_score(self)}."
        )


def measure(dice: Dice, vitals: Vitals, at: datetime, low_target: bool) -> Charted:
    """What a nurse reads off: near the true value, in whole numbers."""
    systolic = round(vitals.systolic + dice.about(0, 4))
    return Charted(
        at=at,
        breaths=max(8, round(vitals.breaths + dice.about(0, 0.8))),
        saturation=min(100, max(78, round(vitals.saturation + dice.about(0, 0.6)))),
        oxygen=vitals.oxygen,
        systolic=max(72, systolic),
        diastolic=round(max(72, systolic) * dice.between(0.54, 0.62)),
        pulse=max(44, min(164, round(vitals.pulse + dice.about(0, 3)))),
        temperature=min(40.8, max(35.2, vitals.temperature + dice.about(0, 0.12))),
        mind=vitals.mind,
        low_target=low_target,
    )


def early_warning_score(charted: Charted) -> int:
    """Points from 0 to 20."""
    return (
        _points(charted.breaths, ((8, 3), (11, 1), (20, 0), (24, 2)), 3)
        + _saturation_points(charted)
        + (2 if charted.oxygen else 0)
        + _points(charted.systolic, ((90, 3), (100, 2), (110, 1), (219, 0)), 3)
        + _points(charted.pulse, ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2)), 3)
        + (0 if charted.mind == "A" else 3)
        + _points(round(charted.temperature, 1), ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1)), 2)
    )


def _saturation_points(charted: Charted) -> int:
    if not charted.low_target:
        return _points(charted.saturation, ((91, 3), (93, 2), (95, 1)), 0)
    low = _points(charted.saturation, ((83, 3), (85, 2), (87, 1)), 0)
    if low or not charted.oxygen:
        return low
    return _points(charted.saturation, ((92, 0), (94, 1), (96, 2)), 3)


def _points(measured: float, steps: tuple[tuple[float, int], ...], above: int) -> int:
    """The points of the first step that `measured` does not exceed."""
    return next((points for upto, points in steps if measured <= upto), above)


def write(chart: Chart, charted: Charted, visit: Visit, nurse: Resource) -> None:
    """An Observation for each measurement and one for the score that they give."""
    common = {
        "subject": visit.patient,
        "encounter": visit.encounter,
        "effectiveDateTime": stamp(charted.at),
        "performer": [nurse],
    }

    def add(code: Resource, value: Resource, profile: str | None = _BASIC) -> str:
        elements = {"status": "final", "category": _VITAL_SIGNS, "code": code, **common, **value}
        return chart.add("Observation", elements, profile)

    members = [
        add(_BREATHS, _per_minute(charted.breaths)),
        add(_SATURATION, {"valueQuantity": quantity(charted.saturation, "%", "%")}),
        add(PRESSURE, {"component": _pressures(charted)}),
        add(_PULSE, _per_minute(charted.pulse)),
        add(_TEMPERATURE, {"valueQuantity": quantity(number(charted.temperature, 1), "°C", "Cel")}),
        add(_MIND, {"valueCodeableConcept": _mind(charted.mind)}, None),
    ]
    if charted.oxygen:
        flow = quantity(number(charted.oxygen, 1), "L/min", "L/min")
        members.append(add(_OXYGEN, {"valueQuantity": flow}, None))
    score = {
        "valueQuantity": quantity(early_warning_score(charted), "point", "{score}"),
        "hasMember": [{"reference": member} for member in members],
    }
    add(_SCORE, score, None)


_BREATHS = concept(
    "Respirationsfrekvens",
    coding(LOINC, "9279-1", "Respiratory rate"),
    coding(f"{MEDCOM}/medcom-observation-codes", "MCS88122", "Respirationsfrekvens;Pt"),
)
_SATURATION = concept(
    "Iltmætning",
    coding(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
    coding(NPU_DK_CORE, "NPU27280"),
)
PRESSURE = concept("Blodtryk", coding(LOINC, "85354-9", "Blood pressure panel"), coding(SKS, "ZZ3160"))
_PULSE = concept("Puls", coding(LOINC, "8867-4", "Heart rate"), coding(SKS, "ZZ3140"))
_TEMPERATURE = concept("Temperatur", coding(LOINC, "8310-5", "Body temperature"), coding(SKS, "ZZ0253"))
_MIND = concept(
    "Bevidsthed",
    coding(LOINC, "80288-4", "Level of consciousness"),
    coding(f"{MEDCOM}/medcom-observation-codes", "MCS88126", "Bevidsthed;Pt"),
)
_OXYGEN = concept("Ilttilskud", coding(LOINC, "3151-8", "Inhaled oxygen flow rate"))
_SCORE = concept("EWS-score", coding(f"{ALTID}/observation", "ews", "Early warning score (NEWS2)"))
_SYSTOLIC = concept(
    "Systolisk blodtryk", coding(LOINC, "8480-6", "Systolic blood pressure"), coding(SNOMED, "407554009")
)
_DIASTOLIC = concept(
    "Diastolisk blodtryk", coding(LOINC, "8462-4", "Diastolic blood pressure"), coding(SNOMED, "407555005")
)
SYSTOLIC_AND_DIASTOLIC = (_SYSTOLIC, _DIASTOLIC)
_WEIGHT = concept("Vægt", coding(LOINC, "29463-7", "Body weight"), coding(NPU_DK_CORE, "NPU03804"))
_HEIGHT = concept("Højde", coding(LOINC, "8302-2", "Body height"))


def write_body(chart: Chart, height_cm: int, weight_kg: float, at: datetime, visit: Visit) -> None:
    """Height and weight at admission."""
    for code, value in (
        (_HEIGHT, quantity(height_cm, "cm", "cm")),
        (_WEIGHT, quantity(number(weight_kg, 1), "kg", "kg")),
    ):
        elements = {
            "status": "final",
            "category": _VITAL_SIGNS,
            "code": code,
            "subject": visit.patient,
            "encounter": visit.encounter,
            "effectiveDateTime": stamp(at),
            "valueQuantity": value,
        }
        chart.add("Observation", elements, _BASIC)


def _per_minute(count: int) -> Resource:
    return {"valueQuantity": quantity(count, "/min", "/min")}


def _pressures(charted: Charted) -> list[Resource]:
    return [
        {"code": code, "valueQuantity": quantity(value, "mmHg", "mm[Hg]")}
        for code, value in zip(SYSTOLIC_AND_DIASTOLIC, (charted.systolic, charted.diastolic), strict=True)
    ]


def _mind(letter: str) -> Resource:
    text, snomed = _MINDS[letter]
    return concept(text, coding(SNOMED, snomed))
