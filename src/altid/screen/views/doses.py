"""The medication chart: what was given of each drug, day by day, from the administrations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from altid.screen.views.chart import Chart
from altid.screen.views.elements import (
    Resource,
    concepts_text,
    element,
    elements,
    first_moment,
    not_in_error,
    reference_key,
    text,
)
from altid.screen.views.medication import Drug, drug_of
from altid.screen.views.moments import ZONE, Moment, sort_key
from altid.screen.views.values import Quantity, quantity_of

EXTENSION = "https://altid.dk/fhir/StructureDefinition/dose"
"""Of a MedicationAdministration, what it says of other doses of its order: `after`, `reason`, `afterwards`,
`doubles` (`altid.orders.doses`)."""
DAYS = 3
"""Today and the two days before it: what a round looks back on."""


@dataclass(frozen=True, slots=True)
class Dose:
    """One administration; `status` says whether it was given."""

    at: Moment
    amount: Quantity | None
    status: str
    reason: str | None
    by: str | None
    is_double: bool = False
    """Another dose of the same time was given as well, and nobody says why."""
    extra: str | None = None
    """Why it was given beside another of the same time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A drug, and what was given of it on each of the days."""

    drug: Drug
    cells: tuple[tuple[Dose, ...], ...]


@dataclass(frozen=True, slots=True)
class DoseChart:
    """`days`: oldest first."""

    is_known: bool
    days: tuple[date, ...] = ()
    rows: tuple[Row, ...] = ()
    has_older: bool = False


def doses_of(chart: Chart) -> DoseChart:
    """From the MedicationAdministrations of the last days; those in error are left out."""
    if not chart.all_read("MedicationAdministration"):
        return DoseChart(is_known=False)
    today = chart.read_at.astimezone(ZONE).date()
    days = tuple(today - timedelta(days=back) for back in reversed(range(DAYS)))
    given: dict[str, tuple[Drug, list[Dose]]] = {}
    for administration in not_in_error(chart.of("MedicationAdministration")):
        at = first_moment(administration, "effectiveDateTime", "effectivePeriod")
        if at is None or at.at.date() not in days:
            continue
        drug = drug_of(chart, administration)
        key = reference_key(administration.get("request")) or (drug.generic or drug.product or "").casefold()
        given.setdefault(key, (drug, []))[1].append(_dose(chart, administration, at))
    rows = [Row(drug, _cells(doses, days)) for drug, doses in given.values()]
    rows.sort(key=lambda row: (row.drug.generic or row.drug.product or "").casefold())
    return DoseChart(True, days, tuple(rows), "MedicationAdministration" in chart.older)


def last_of(chart: Chart, order: str) -> Dose | None:
    """The newest dose of an order ("MedicationRequest/ID"), given or not."""
    times = (
        (one, first_moment(one, "effectiveDateTime", "effectivePeriod"))
        for one in not_in_error(chart.of("MedicationAdministration"))
        if reference_key(one.get("request")) == order
    )
    found = [_dose(chart, one, at) for one, at in times if at]
    return max(found, key=lambda dose: sort_key(dose.at), default=None)


def _dose(chart: Chart, administration: Resource, at: Moment) -> Dose:
    said = _said(administration)
    reason = text(said.get("reason", {}).get("valueString")) if "doubles" in said else None
    return Dose(
        at,
        quantity_of(element(administration.get("dosage")).get("dose")),
        text(administration.get("status")) or "unknown",
        next(iter(concepts_text(administration.get("statusReason"))), None),
        _giver(chart, administration),
        is_double="doubles" in said and reason is None,
        extra=reason,
    )


def _said(administration: Resource) -> dict[object, Resource]:
    """The parts of what a dose says of others, by their names."""
    ours = (one for one in elements(administration.get("extension")) if one.get("url") == EXTENSION)
    return {part.get("url"): part for one in ours for part in elements(one.get("extension"))}


def _giver(chart: Chart, administration: Resource) -> str | None:
    actors = (each.get("actor") for each in elements(administration.get("performer")))
    return next((name for actor in actors if (name := chart.name_of(administration, actor))), None)


def _cells(doses: Iterable[Dose], days: tuple[date, ...]) -> tuple[tuple[Dose, ...], ...]:
    inside = sorted(doses, key=lambda dose: sort_key(dose.at))
    return tuple(tuple(dose for dose in inside if dose.at.at.date() == day) for day in days)
