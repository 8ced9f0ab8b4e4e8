"""What a requisition can ask for on the screen, and of whom.

The examinations are a short list for demonstration, with NPU codes (the Danish laboratory terminology); a
hospital's catalogue takes its place. Whatever is not in it is written in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from altid.orders.elements import NPU
from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource, elements, reference_key

PERFORMERS_MAX = 20
"""Places that are offered: those that were asked before, the newest first."""

CATEGORIES: Mapping[str, str] = {
    "laboratory": "108252007",
    "imaging": "363679005",
    "assessment": "386053000",
}
"""SNOMED CT by what the form calls it: laboratory procedure, imaging, evaluation procedure."""


@dataclass(frozen=True, slots=True)
class Examination:
    """`system` and `code` are "" for what is told in words alone."""

    name: str
    category: str
    code: str = ""
    system: str = ""


def _npu(code: str, name: str) -> Examination:
    return Examination(name, "laboratory", code, NPU)


EXAMINATIONS = (
    _npu("NPU19748", "CRP"),
    _npu("NPU02319", "Hæmoglobin"),
    _npu("NPU02593", "Leukocytter"),
    _npu("NPU03568", "Trombocytter"),
    _npu("NPU03429", "Natrium"),
    _npu("NPU03230", "Kalium"),
    _npu("NPU18016", "Kreatinin"),
    _npu("NPU01685", "INR"),
    _npu("NPU02192", "Glukose"),
    _npu("NPU27501", "Troponin T"),
    _npu("NPU19651", "ALAT"),
    _npu("NPU03577", "TSH"),
    Examination("Røntgen af thorax", "imaging"),
    Examination("CT af cerebrum", "imaging"),
    Examination("Ultralyd af abdomen", "imaging"),
    Examination("EKG", "assessment"),
    Examination("Tilsyn", "assessment"),
)


@dataclass(frozen=True, slots=True)
class Performer:
    reference: str
    name: str


def performers_of(chart: Chart) -> tuple[Performer, ...]:
    """Who can be asked: whoever was asked for this patient before or has answered, and the hospital where the
    patient lies."""
    found: dict[str, str] = {}
    for resource in _asked_before(chart):
        for reference in (*elements(resource.get("performer")), resource.get("serviceProvider")):
            key = reference_key(reference)
            name = chart.name_of(resource, reference)
            if key and name and key.partition("/")[0] == "Organization":
                found.setdefault(key, name)
    return tuple(Performer(key, name) for key, name in list(found.items())[:PERFORMERS_MAX])


def _asked_before(chart: Chart) -> list[Resource]:
    return [one for kind in ("ServiceRequest", "DiagnosticReport", "Encounter") for one in chart.of(kind)]
