"""Drugs ordered, or that the patient is said to take, one row each; current ones apart from past ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from altid.screen.views.chart import Chart, author_of
from altid.screen.views.dosage import Dosage, dosages_of
from altid.screen.views.elements import (
    ATC,
    Resource,
    codings,
    concept_text,
    concepts_text,
    element,
    elements,
    first_moment,
    is_changed_in_meaning,
    not_in_error,
    period,
    reference_key,
    text,
)
from altid.screen.views.moments import Moment, Precision, sort_key
from altid.screen.views.slots import Slot, next_slot
from altid.screen.views.values import Quantity, quantity_of

KINDS = ("MedicationRequest", "MedicationStatement")
_CURRENT = {"active", "on-hold", "draft", "unknown", "intended"}
_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}


class Group(StrEnum):
    """How a current drug is given."""

    REGULAR = "regular"
    AS_NEEDED = "as-needed"
    ONCE = "once"
    PAUSED = "paused"
    PROPOSED = "proposed"


_SCHEDULED = (Group.REGULAR, Group.ONCE)


@dataclass(frozen=True, slots=True)
class Drug:
    """`generic` is the substance (lower case in print), `product` what else the drug is called, with form and
    strength. One of them may be missing, not both: then `product` is None and the page says so."""

    generic: str | None
    product: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """An administration: done, or `status` says what else."""

    at: Moment | None
    dose: Quantity | None
    status: str


@dataclass(frozen=True, slots=True)
class Medication:
    """One row. `source` is order or statement."""

    drug: Drug
    dosages: tuple[Dosage, ...]
    indications: tuple[str, ...]
    status: str
    status_reason: str | None
    group: Group
    is_current: bool
    is_forbidden: bool
    """`doNotPerform`: the order says that the drug must not be given."""
    is_overdue: bool
    """Counts as current although its time has run out."""
    source: str
    start: Moment | None
    end: Moment | None
    by: str | None
    notes: tuple[str, ...]
    has_reservation: bool
    last: Given | None = None
    due: Slot | None = None
    """Of an order that is given by a schedule, where it is known what was given."""
    reference: str = ""
    """`Type/id` of what the row is made of."""


@dataclass(frozen=True, slots=True)
class Medications:
    """`is_known` is False when they could not be read: the lists then say nothing."""

    is_known: bool
    current: tuple[tuple[Group, tuple[Medication, ...]], ...] = ()
    past: tuple[Medication, ...] = ()
    administrations_known: bool = True
    has_older: bool = False
    """Of the past only the newest were read; current ones are all here."""

    @property
    def current_count(self) -> int:
        return sum(len(rows) for _, rows in self.current)


def medications_of(chart: Chart) -> Medications:
    """From MedicationRequest and MedicationStatement, each with its last MedicationAdministration."""
    if not chart.all_read(*KINDS):
        return Medications(is_known=False)
    last = _last_given(chart.of("MedicationAdministration"))
    rows = [
        _medication(chart, resource, last)
        for kind in KINDS
        for resource in not_in_error(chart.of(kind))
        if resource.get("status") != "cancelled" or kind != "MedicationStatement"
    ]
    current = sorted((row for row in rows if row.is_current), key=_name_key)
    groups = tuple((group, tuple(row for row in current if row.group == group)) for group in Group)
    past = sorted((row for row in rows if not row.is_current), key=_newest_first)
    return Medications(
        True,
        tuple((group, members) for group, members in groups if members),
        tuple(past),
        chart.all_read("MedicationAdministration"),
        "MedicationRequest" in chart.older,
    )


def drug_of(chart: Chart, resource: Resource) -> Drug:
    """From the code, or from the Medication that is referred to; by substance where an ATC code tells it."""
    reference = resource.get("medicationReference")
    medication = chart.referred(resource, reference)
    concept = element(resource.get("medicationCodeableConcept")) or element(medication.get("code"))
    generic = next((display for system, _, display in codings(concept) if system == ATC and display), None)
    generic = generic or _ingredients(medication)
    written = concept_text(concept) or (text(element(reference).get("display")) if reference else None)
    product = None if written == generic else written
    form = concept_text(medication.get("form"))
    if form and form.casefold() not in (product or generic or "").casefold():
        product = f"{product}, {form}" if product else form
    return Drug(generic, product)


def is_scheduled(order: Resource, dosages: Sequence[Dosage]) -> bool:
    """An order in force that is given by a schedule, neither as needed nor paused."""
    status = text(order.get("status")) or "unknown"
    group = _group(order, dosages, status, is_order=True)
    return status in _CURRENT and group in _SCHEDULED and not order.get("doNotPerform")


def _ingredients(medication: Resource) -> str | None:
    names = [
        concept_text(ingredient.get("itemCodeableConcept"))
        for ingredient in elements(medication.get("ingredient"))
        if ingredient.get("isActive") is not False
    ]
    return " / ".join(name for name in names if name) or None


def _medication(chart: Chart, resource: Resource, last: dict[str, Given]) -> Medication:
    is_order = resource["resourceType"] == "MedicationRequest"
    dosages = dosages_of(resource.get("dosageInstruction" if is_order else "dosage"), begins(resource))
    start, end = _span(resource, dosages)
    status = text(resource.get("status")) or "unknown"
    is_current = status in _CURRENT
    group = _group(resource, dosages, status, is_order=is_order)
    given = last.get(f"{resource['resourceType']}/{resource.get('id')}")
    has_schedule = is_order and is_scheduled(resource, dosages)
    return Medication(
        drug=drug_of(chart, resource),
        dosages=dosages,
        indications=_indications(chart, resource),
        status=status,
        status_reason=concept_text(resource.get("statusReason"))
        or next(iter(concepts_text(resource.get("statusReason"))), None),
        group=group,
        is_current=is_current,
        is_forbidden=resource.get("doNotPerform") is True,
        is_overdue=is_current and _is_over(end, chart.read_at),
        source="order" if is_order else "statement",
        start=start,
        end=end,
        by=author_of(chart, resource, "requester", "recorder", "informationSource"),
        notes=tuple(said for note in elements(resource.get("note")) if (said := text(note.get("text")))),
        has_reservation=is_changed_in_meaning(resource),
        last=given,
        due=_due(chart, dosages, given) if has_schedule else None,
        reference=f"{resource['resourceType']}/{resource.get('id', '')}",
    )


def _due(chart: Chart, dosages: Sequence[Dosage], given: Given | None) -> Slot | None:
    """None also where a dose that was given may be missing: it would look overdue."""
    if not chart.all_read("MedicationAdministration"):
        return None
    return next_slot(dosages, given.at.at if given and given.at else None, chart.read_at)


def _group(resource: Resource, dosages: Sequence[Dosage], status: str, *, is_order: bool) -> Group:
    if status == "on-hold":
        return Group.PAUSED
    if status == "draft" or (is_order and resource.get("intent") not in _ORDERS):
        return Group.PROPOSED
    if dosages and all(line.as_needed for line in dosages):
        return Group.AS_NEEDED
    if dosages and all(line.schedule.is_once for line in dosages):
        return Group.ONCE
    return Group.REGULAR


def begins(resource: Resource) -> Moment | None:
    """When an order or statement as a whole does, whatever its dosages say."""
    validity, taken = _validity(resource), period(resource.get("effectivePeriod"))
    written = first_moment(resource, "effectiveDateTime", "authoredOn", "dateAsserted")
    return taken[0] or validity[0] or written


def _span(resource: Resource, dosages: Iterable[Dosage]) -> tuple[Moment | None, Moment | None]:
    """First start and last end of the dosages, else of the order as a whole."""
    lines = list(dosages)
    starts = [line.start for line in lines if line.start]
    ends = [line.end for line in lines if line.end]
    start = min(starts) if starts else begins(resource)
    is_open = any(line.end is None for line in lines)
    whole = period(resource.get("effectivePeriod"))[1] or _validity(resource)[1]
    return start, max(ends) if ends and not is_open else whole


def _validity(resource: Resource) -> tuple[Moment | None, Moment | None]:
    return period(element(resource.get("dispenseRequest")).get("validityPeriod"))


def _is_over(end: Moment | None, now: datetime) -> bool:
    if end is None:
        return False
    if end.precision is Precision.MINUTE:
        return end.at < now
    today = now.astimezone(end.at.tzinfo).date()
    if end.precision is Precision.DAY:
        return end.at.date() < today
    return (end.at.year, end.at.month if end.precision is Precision.MONTH else 12) < (today.year, today.month)


def _indications(chart: Chart, resource: Resource) -> tuple[str, ...]:
    named = [
        concept_text(chart.referred(resource, reference).get("code")) or chart.name_of(resource, reference)
        for reference in elements(resource.get("reasonReference"))
    ]
    return tuple(dict.fromkeys([*concepts_text(resource.get("reasonCode")), *(n for n in named if n)]))


def _last_given(administrations: Iterable[Resource]) -> dict[str, Given]:
    """The newest administration of each order, by the order's reference."""
    newest: dict[str, Given] = {}
    for administration in not_in_error(administrations):
        order = reference_key(administration.get("request"))
        at = first_moment(administration, "effectiveDateTime", "effectivePeriod")
        if order is None or (order in newest and sort_key(newest[order].at) >= sort_key(at)):
            continue
        dose = quantity_of(element(administration.get("dosage")).get("dose"))
        newest[order] = Given(at, dose, text(administration.get("status")) or "unknown")
    return newest


def _name_key(row: Medication) -> tuple[str, str]:
    return (row.drug.generic or row.drug.product or "").casefold(), row.drug.product or ""


def _newest_first(row: Medication) -> tuple[float, str]:
    return -sort_key(row.end or row.start).timestamp(), (
        row.drug.generic or row.drug.product or ""
    ).casefold()
