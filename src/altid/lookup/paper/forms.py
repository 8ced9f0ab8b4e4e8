"""Forms for the downtime: blank or with a patient's identity, each sheet with a number of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from altid.lookup.paper.content import Head, cave_text, who_of
from altid.screen.views.admission import admission_of
from altid.screen.views.cave import cave_of
from altid.screen.views.chart import Chart
from altid.screen.views.identity import identity_of

TEMPLATE = "form"


class FormKind(StrEnum):
    """What is written down."""

    ADMISSION = "admission"
    OBSERVATIONS = "observations"
    MEDICATION = "medication"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class _Layout:
    """`grid`: rows of a table whose columns are times; `lines`: columns of a table to be filled line by line;
    `fields`: one line each. All are keys of the catalogue."""

    grid: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


_COLUMNS, _ROWS = 8, 12
_LAYOUTS = {
    FormKind.ADMISSION: _Layout(
        fields=("reason", "history", "allergies", "medication", "examination", "limits", "plan")
    ),
    FormKind.OBSERVATIONS: _Layout(
        grid=(
            "breaths",
            "saturation",
            "oxygen",
            "pressure",
            "pulse",
            "temperature",
            "mind",
            "ews",
            "initials",
        ),
        fields=("remarks",),
    ),
    FormKind.MEDICATION: _Layout(lines=("drug", "dose", "route", "frequency", "begin", "given")),
    FormKind.ORDER: _Layout(fields=("what", "why", "priority", "specimen", "answer-to", "remarks")),
}
_SIGNS = frozenset(("breaths", "saturation", "oxygen", "pressure", "pulse", "temperature", "mind", "ews"))


def form_content(
    head: Head, kind: FormKind, numbers: Sequence[str], charts: Sequence[Chart | None]
) -> dict[str, Any]:
    """One sheet for each number; None of the charts for a blank one."""
    words, layout = head.words, _LAYOUTS[kind]
    labels = {
        key: words.text(f"form.{key}") for key in ("name", "cpr", "ward", "cave", "when", "by", "afterwards")
    }
    return {
        **head.data(),
        "label": {**labels, "printed": words.text("paper.printed")},
        "title": words.text(f"lookup.form.{kind}"),
        "across": words.text("form.time"),
        "grid": [_row(head, key) for key in layout.grid],
        "columns": _COLUMNS,
        "lines": [words.text(f"form.{key}") for key in layout.lines],
        "rows": _ROWS,
        "fields": [words.text(f"form.{key}") for key in layout.fields],
        "sheets": [_sheet(head, number, chart) for number, chart in zip(numbers, charts, strict=True)],
    }


def _row(head: Head, key: str) -> str:
    return head.words.text(f"sign.{key}" if key in _SIGNS else f"form.{key}")


def _sheet(head: Head, number: str, chart: Chart | None) -> dict[str, Any]:
    if chart is None:
        return {"number": number, "who": None, "ward": "", "cave": ""}
    stay = next(iter(admission_of(chart).current), None)
    place = ", ".join(filter(None, (stay.place.ward, stay.place.bed))) if stay else ""
    return {
        "number": number,
        "who": who_of(head.words, identity_of(chart.patient), head.today),
        "ward": place,
        "cave": cave_text(head.words, cave_of(chart)),
    }
