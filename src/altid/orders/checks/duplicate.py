"""The patient does not already get the same substance (ATC code) by another order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from altid.fhir.periods import EARLIEST, LATEST, Period, PeriodError, parse_period
from altid.orders import medication
from altid.orders.context import Context
from altid.orders.elements import Resource, name, target
from altid.orders.findings import Finding, warning

_CURRENT = {"active", "on-hold"}


def check(order: Resource, context: Context) -> Iterator[Finding]:
    atc = context.catalogue.atc(order)
    itself = {name(order), target(order.get("priorPrescription"))}
    for other in context.current:
        if (
            atc
            and other.get("status") in _CURRENT
            and name(other) not in itself
            and context.catalogue.atc(other) == atc
            and _overlap(order, other)
        ):
            yield warning("duplicate", _field(order), name(other), _DUPLICATE)


def _field(order: Resource) -> str:
    chosen = "medicationReference" if "medicationReference" in order else "medicationCodeableConcept"
    return f"MedicationRequest.{chosen}"


def _overlap(order: Resource, other: Resource) -> bool:
    """Whether the two could be taken on the same day; what is not known could."""
    (start, end), (other_start, other_end) = _span(order), _span(other)
    return start < other_end and other_start < end


def _span(order: Resource) -> Period:
    lines = medication.read(order)
    if lines is None:
        return EARLIEST, LATEST
    return _moment(medication.start(order, lines), 0), _moment(medication.end(order, lines), 1)


def _moment(text: str, which: int) -> datetime:
    try:
        return parse_period(text)[which]
    except PeriodError:
        return (EARLIEST, LATEST)[which]


# Texts in Danish and English
_DUPLICATE = (
    "Patienten får allerede det samme stof på en anden ordination.",
    "The patient already gets the same substance by another order.",
)
