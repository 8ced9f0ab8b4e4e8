"""The doses to come of one patient, the soonest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from altid.screen.views.chart import Chart
from altid.screen.views.dosage import Dosage, dosages_of
from altid.screen.views.elements import Resource
from altid.screen.views.medication import Drug, begins, drug_of, is_scheduled, medications_of
from altid.screen.views.moments import Moment
from altid.screen.views.slots import next_slot

_REMEMBERED_MAX = 8_192
"""Doses of a minute: a ward's list is opened by many at once, and has some hundred orders."""


@dataclass(frozen=True, slots=True)
class Due:
    """One drug's next dose. `at` is about where the order names a part of the day or a rate."""

    drug: Drug
    dosages: tuple[Dosage, ...]
    at: Moment
    is_about: bool
    overdue: bool
    last: Moment | None


def due_of(chart: Chart) -> tuple[Due, ...]:
    """From MedicationRequest and MedicationAdministration; nothing where either could not be read: a dose
    that was given would then look overdue."""
    rows = [row for _, rows in medications_of(chart).current for row in rows]
    found = (
        Due(
            row.drug,
            row.dosages,
            row.due.at,
            row.due.is_about,
            row.due.is_overdue,
            row.last.at if row.last else None,
        )
        for row in rows
        if row.due
    )
    return tuple(sorted(found, key=lambda due: due.at))


@dataclass(frozen=True, slots=True, eq=False)
class Scheduled:
    """What is needed of an order to tell its next dose, whoever asks and whenever. Equal is only the same:
    it is made once for each version of an order."""

    reference: str
    drug: Drug
    dosages: tuple[Dosage, ...]


@dataclass(frozen=True, slots=True)
class NextDose:
    """`at` is about where the order names a part of the day or a rate."""

    drug: Drug
    at: Moment
    is_about: bool
    is_overdue: bool


def scheduled_of(chart: Chart, order: Resource) -> Scheduled | None:
    """Of a MedicationRequest; None where no moment can be told for its next dose."""
    dosages = dosages_of(order.get("dosageInstruction"), begins(order))
    if not is_scheduled(order, dosages):
        return None
    return Scheduled(f"MedicationRequest/{order.get('id', '')}", drug_of(chart, order), dosages)


def next_doses(
    orders: Iterable[Scheduled], last: Mapping[str, datetime], now: datetime
) -> tuple[NextDose, ...]:
    """The soonest first, to the minute. `last`: when each order was last given, by its reference."""
    minute = now.replace(second=0, microsecond=0)
    found = (_next_dose(order, last.get(order.reference), minute) for order in orders)
    return tuple(sorted((dose for dose in found if dose), key=lambda dose: dose.at))


@lru_cache(maxsize=_REMEMBERED_MAX)
def _next_dose(order: Scheduled, last: datetime | None, now: datetime) -> NextDose | None:
    slot = next_slot(order.dosages, last, now)
    return NextDose(order.drug, slot.at, slot.is_about, slot.is_overdue) if slot else None
