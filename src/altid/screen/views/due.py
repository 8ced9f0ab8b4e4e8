"""The doses to come of one patient, the soonest first."""

from __future__ import annotations

from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.dosage import Dosage
from altid.screen.views.medication import Drug, medications_of
from altid.screen.views.moments import Moment


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
