"""Nothing stops before it starts, or before it is signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from altid.fhir.periods import PeriodError, parse_period
from altid.orders import medication
from altid.orders.context import Context
from altid.orders.elements import Resource
from altid.orders.findings import Finding, error, warning


def check(order: Resource, context: Context) -> Iterator[Finding]:
    for field, period in _periods(order):
        if _is_reversed(period.get("start"), period.get("end")):
            yield error("stop-before-start", f"{field}.end", _REVERSED)
    if order["resourceType"] == "MedicationRequest":
        yield from _review(order)
        yield from _over(order, context)


def _review(order: Resource) -> Iterator[Finding]:
    lines = medication.read(order)
    if lines and _is_reversed(medication.start(order, lines), medication.review(order)):
        yield error("stop-before-start", "MedicationRequest.extension", _REVIEW)


def _over(order: Resource, context: Context) -> Iterator[Finding]:
    """As when a renewed order has kept the dates of the old one."""
    lines = medication.read(order)
    end = medication.end(order, lines) if lines else ""
    if end and _is_reversed(context.now.isoformat(), end):
        field = "MedicationRequest.dosageInstruction[0].timing.repeat.boundsPeriod.end"
        yield warning("already-over", field, end, _OVER)


def _periods(order: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    root = order["resourceType"]
    for index, instruction in enumerate(order.get("dosageInstruction", ())):
        repeat = instruction.get("timing", {}).get("repeat", {})
        place = f"{root}.dosageInstruction[{index}].timing.repeat.boundsPeriod"
        yield place, repeat.get("boundsPeriod", {})
    yield f"{root}.dispenseRequest.validityPeriod", order.get("dispenseRequest", {}).get("validityPeriod", {})
    yield f"{root}.occurrencePeriod", order.get("occurrencePeriod", {})


def _is_reversed(start: str | None, end: str | None) -> bool:
    """A date alone is the whole day: stopping on the day of the start is no fault."""
    if not start or not end:
        return False
    try:
        return parse_period(end)[1] <= parse_period(start)[0]
    except PeriodError:
        return False


# Texts in Danish and English
_OVER = ("Ordinationen slutter, før den er signeret.", "The order ends before it is signed.")
_REVERSED = ("Slut ligger før start.", "The end lies before the start.")
_REVIEW = ("Datoen for revurdering ligger før start.", "The date of review lies before the start.")
