"""No more than what the knowledge table says, in a day or in a week."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders import knowledge, medication, strength
from altid.orders.amount import is_more
from altid.orders.context import Context
from altid.orders.elements import Resource
from altid.orders.findings import Finding, warning


def check(order: Resource, context: Context) -> Iterator[Finding]:
    known = knowledge.of(context.catalogue.atc(order))
    lines = medication.read(order)
    if known is None or known.most is None or lines is None:
        return
    ordered = lines.most_within(known.days)
    if ordered is None:
        return
    taken = strength.substance(ordered, context.catalogue.medication(order))
    if is_more(taken, known.most):
        yield warning(
            "dose-above-maximum",
            "MedicationRequest.dosageInstruction",
            taken.text("en"),
            _WEEKLY if known.days == 7 else _DAILY,
            name=known.name,
            da=known.most.text("da"),
            en=known.most.text("en"),
        )


# Texts in Danish and English
_DAILY = (
    "Dosis er over den største døgndosis af {name}: {da}.",
    "The dose is above the maximum of {name}: {en} a day.",
)
_WEEKLY = (
    "Dosis er over den største ugedosis af {name}: {da}.",
    "The dose is above the maximum of {name}: {en} a week.",
)
