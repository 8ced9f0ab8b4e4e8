"""The unit of a dose fits the drug: no millilitres of a tablet, no milligrams of insulin."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders import knowledge, strength
from altid.orders.amount import COUNTED, Amount, dimension
from altid.orders.context import Context
from altid.orders.dosage import read_lines
from altid.orders.dose import AsNeeded, Line
from altid.orders.elements import Resource
from altid.orders.findings import Finding, error
from altid.orders.unreadable import UnreadableError


def check(order: Resource, context: Context) -> Iterator[Finding]:
    fitting = {dimension(unit) for unit in _units(order, context)}
    try:
        lines = read_lines(order.get("dosageInstruction", ()))
    except UnreadableError:
        return
    for index, line in enumerate(lines):
        place = f"MedicationRequest.dosageInstruction[{index}]"
        for field, amount in _amounts(line):
            if fitting and dimension(amount.unit) not in fitting:
                yield error("dose-unit", f"{place}.{field}", _UNIT)
        if isinstance(line.schedule, AsNeeded) and dimension(line.schedule.most.unit) != dimension(
            line.amount.unit
        ):
            yield error("dose-unit", f"{place}.maxDosePerPeriod.numerator", _SAME)


def _units(order: Resource, context: Context) -> tuple[str, ...]:
    """In which a dose can be given; none where that is not known."""
    drug = context.catalogue.medication(order)
    if drug and (units := strength.units(drug)):
        return units
    known = knowledge.of(context.catalogue.atc(order))
    return (known.most.unit, COUNTED) if known and known.most else ()


def _amounts(line: Line) -> Iterator[tuple[str, Amount]]:
    yield f"doseAndRate[0].{'doseRange.high' if line.least else 'doseQuantity'}", line.amount


# Texts in Danish and English
_UNIT = (
    "Dosis har en enhed, som ikke passer til lægemidlets form.",
    "The dose has a unit that does not fit the form of the drug.",
)
_SAME = (
    "Den største dosis har ikke samme slags enhed som dosis.",
    "The maximum dose is not in the same kind of unit as the dose.",
)
