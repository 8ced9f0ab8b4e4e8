"""Orders that nobody may rely on yet: not signed, or not accepted by whoever is to carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    Resource,
    concept_text,
    concepts_text,
    element,
    elements,
    first_moment,
    reference_key,
    text,
)
from altid.screen.views.medication import drug_of
from altid.screen.views.moments import Moment, sort_key

KINDS = ("MedicationRequest", "ServiceRequest", "Task")
_ORDERS = ("MedicationRequest", "ServiceRequest")
_LASTING = ("active", "on-hold")
SENT = ("draft", "requested", "received", "ready")
"""Task.status before the one who is to do it has said yes (R4 task.html, state machine)."""


class Waits(StrEnum):
    """For what."""

    SIGNATURE = "signature"
    ACCEPTANCE = "acceptance"
    STATUS = "status"
    """Its status is said to be unknown."""


@dataclass(frozen=True, slots=True)
class Order:
    """`name` is the drug or the examination; None where nobody says."""

    name: str | None
    waits: Waits
    at: Moment | None
    by: str | None
    of: str | None


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    is_known: bool
    orders: tuple[Order, ...] = ()


def unconfirmed_of(chart: Chart) -> Unconfirmed:
    """Drafts of orders, and requisitions whose Task says that nobody has accepted them; newest first."""
    if not chart.all_read(*KINDS):
        return Unconfirmed(is_known=False)
    tasks = _sent(chart)
    found = []
    for kind in _ORDERS:
        for resource in chart.of(kind):
            waits = _waits(resource, tasks)
            if waits is not None:
                found.append(_order(chart, resource, waits))
    return Unconfirmed(True, tuple(sorted(found, key=lambda one: sort_key(one.at), reverse=True)))


def _sent(chart: Chart) -> frozenset[str]:
    """What waits to be accepted, as `Type/id`."""
    waiting = [task for task in chart.of("Task") if task.get("status") in SENT]
    named = [reference_key(task.get("focus")) for task in waiting]
    named += [reference_key(order) for task in waiting for order in elements(task.get("basedOn"))]
    return frozenset(key for key in named if key)


def _waits(resource: Resource, tasks: frozenset[str]) -> Waits | None:
    status = resource.get("status")
    if status == "draft":
        return Waits.SIGNATURE
    if status == "unknown":
        return Waits.STATUS
    is_sent = f"{resource['resourceType']}/{resource.get('id')}" in tasks
    return Waits.ACCEPTANCE if status in _LASTING and is_sent else None


def _order(chart: Chart, resource: Resource, waits: Waits) -> Order:
    return Order(
        _name(chart, resource),
        waits,
        first_moment(resource, "authoredOn"),
        author_of(chart, resource, "requester", "recorder"),
        author_of(chart, resource, "performer"),
    )


def _name(chart: Chart, resource: Resource) -> str | None:
    if resource["resourceType"] == "ServiceRequest":
        return concept_text(resource.get("code")) or next(iter(concepts_text(resource.get("category"))), None)
    drug = drug_of(chart, resource)
    lines = elements(resource.get("dosageInstruction"))
    dose = next((said for line in lines if (said := text(element(line).get("text")))), None)
    name = " – ".join(part for part in (drug.generic, drug.product) if part)
    return f"{name}: {dose}" if name and dose else name or None
