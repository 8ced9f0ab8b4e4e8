"""Blood tests: what is usual in a person, what an analyser makes of it, and the results as resources."""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

from altid.sample.analytes import ALARMS, ANALYTES, GASES, NO_LIMITS, Analyte, Limits, printed
from altid.sample.chart import Chart
from altid.sample.coding import (
    HL7,
    LOINC,
    NPU,
    NPU_DK_CORE,
    Resource,
    coded,
    coding,
    concept,
    number,
    quantity,
)
from altid.sample.cpr import Sex
from altid.sample.dice import Dice
from altid.sample.diseases import Disease
from altid.sample.moments import days, stamp

_BLOOD_TAKES_DAYS = 1 / 24
_GAS_TAKES_DAYS = 0.005
"""From the needle to the result: an hour, and some minutes where it is measured beside the patient."""

_NOISE = 0.03
"""How much two samples of the same value differ."""
_STEADY = {"sodium": 0.006, "ph": 0.0008, "potassium": 0.015}

Usual = dict[str, float]


def usual_values(dice: Dice, sex: Sex, age: int, ill_with: tuple[Disease, ...]) -> Usual:
    """What each analysis shows in this person when nothing new is wrong."""
    usual = {key: _healthy(dice, analyte.limits(sex)) for key, analyte in ANALYTES.items()}
    usual["hba1c"] = dice.between(31, 42)
    usual["inr"] = dice.between(0.9, 1.1)
    usual["ldl"] = dice.between(1.5, 3.4)
    usual["probnp"] = dice.between(40, 110) * (1 + max(0, age - 55) / 40)
    usual["neutrophils"] = usual["leukocytes"] * dice.between(0.52, 0.62)
    usual["hb"] -= 0.4 if age > 75 else 0
    for disease in ill_with:
        for key, low, high in disease.tests:
            usual[key] = max(usual[key], dice.between(low, high)) if key != "o2" else dice.between(low, high)
    return usual


def _healthy(dice: Dice, limits: Limits) -> float:
    if limits.high is None:
        return (limits.low or 0) * 1.5
    if limits.low is None:
        return limits.high * dice.between(0.2, 0.7)
    width = limits.high - limits.low
    return dice.between(limits.low + 0.2 * width, limits.high - 0.25 * width)


def egfr(creatinine: float, sex: Sex, age: int) -> float:
    """CKD-EPI 2009 in mL/min per 1.73 m², as Danish laboratories report it, from creatinine in µmol/L."""
    kappa, alpha, factor = (61.9, -0.329, 1.018) if sex == "female" else (79.6, -0.411, 1.0)
    ratio = creatinine / kappa
    return (
        141 * math.pow(min(ratio, 1), alpha) * math.pow(max(ratio, 1), -1.209) * math.pow(0.993, age) * factor
    )


class Sample(NamedTuple):
    """One drawing of blood: when, and what was found, by analyte."""

    at: datetime
    values: dict[str, float]


def measured(dice: Dice, analyte: Analyte, value: float) -> float:
    """`value` as an analyser sees it: a little off, and within what can be."""
    seen = value * dice.about(1, _STEADY.get(analyte.key, _NOISE))
    least, most = analyte.possible
    return min(max(seen, least), most)


_GAS_REPORT = concept("Syre-base-status, arteriel", coding(NPU, "NPU04197", "Syrebasestatus gruppe;Pt(aB)"))
_BLOOD_REPORT = concept("Blodprøver", coding(LOINC, "11502-2", "Laboratory report"))


class Ordered(NamedTuple):
    """What all results of one drawing have in common."""

    subject: Resource
    encounter: Resource | None
    laboratory: Resource


def report(chart: Chart, sample: Sample, ordered: Ordered, sex: Sex) -> None:
    """Write the results of one drawing and the DiagnosticReport that groups them."""
    is_gas = all(key in GASES for key in sample.values)
    ready = sample.at + days(_GAS_TAKES_DAYS if is_gas else _BLOOD_TAKES_DAYS)
    results = [
        chart.add("Observation", _result(ANALYTES[key], value, sample.at, ready, ordered, sex))
        for key, value in sample.values.items()
    ]
    elements: Resource = {
        "status": "final",
        "category": [coded(f"{HL7}/v2-0074", "LAB"), coded(f"{HL7}/v2-0074", "BG" if is_gas else "CH")],
        "code": _GAS_REPORT if is_gas else _BLOOD_REPORT,
        "subject": ordered.subject,
        "effectiveDateTime": stamp(sample.at),
        "issued": stamp(ready),
        "performer": [ordered.laboratory],
        "result": [{"reference": result} for result in results],
    }
    if ordered.encounter:
        elements["encounter"] = ordered.encounter
    chart.add("DiagnosticReport", elements)


def _result(
    analyte: Analyte, value: float, at: datetime, ready: datetime, ordered: Ordered, sex: Sex
) -> Resource:
    elements: Resource = {
        "status": "final",
        "category": [coded(f"{HL7}/observation-category", "laboratory", "Laboratory")],
        "code": concept(
            analyte.name,
            coding(NPU, analyte.npu, analyte.name),
            coding(NPU_DK_CORE, analyte.npu),
        ),
        "subject": ordered.subject,
        "effectiveDateTime": stamp(at),
        "issued": stamp(ready),
        "performer": [ordered.laboratory],
        "valueQuantity": _value(analyte, value),
    }
    if ordered.encounter:
        elements["encounter"] = ordered.encounter
    limits = analyte.limits(sex)
    meaning = _interpretation(analyte, value, limits)
    elements["interpretation"] = [coded(f"{HL7}/v3-ObservationInterpretation", *meaning)]
    elements["referenceRange"] = [_range(analyte, limits)]
    return elements


def _value(analyte: Analyte, value: float) -> Resource:
    comparator, shown = printed(analyte, value)
    return {**_in_unit(analyte, shown), **({"comparator": comparator} if comparator else {})}


def _in_unit(analyte: Analyte, value: float) -> Resource:
    return quantity(number(value, analyte.digits), *analyte.unit)


def _range(analyte: Analyte, limits: Limits) -> Resource:
    low = {} if limits.low is None else {"low": _in_unit(analyte, limits.low)}
    high = {} if limits.high is None else {"high": _in_unit(analyte, limits.high)}
    return {**low, **high}


def _interpretation(analyte: Analyte, value: float, limits: Limits) -> tuple[str, str]:
    """From v3 ObservationInterpretation, judged on the value as it is printed."""
    shown = round(value, analyte.digits)
    alarm = ALARMS.get(analyte.key, NO_LIMITS)
    if alarm.low is not None and shown < alarm.low:
        return "LL", "Critical low"
    if alarm.high is not None and shown > alarm.high:
        return "HH", "Critical high"
    if limits.low is not None and shown < limits.low:
        return "L", "Low"
    if limits.high is not None and shown > limits.high:
        return "H", "High"
    return "N", "Normal"
