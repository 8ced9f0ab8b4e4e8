"""What one of a form holds, and so what a dose is of the substance: 2 tablets of 500 mg are 1000 mg."""

from __future__ import annotations

import decimal

from altid.fhir.decimals import EXACT
from altid.orders import amount
from altid.orders.amount import Amount
from altid.orders.elements import Resource


def units(medication: Resource) -> tuple[str, ...]:
    """UCUM units that a dose can be given in: the substance's, and the form's (`1` for tablets, `mL`)."""
    ratio = _ratio(medication)
    return (ratio[0].unit, ratio[1].unit) if ratio else ()


def substance(dose: Amount, medication: Resource | None) -> Amount:
    """The dose as an amount of the first active ingredient; as it is where that cannot be told."""
    ratio = _ratio(medication) if medication else None
    if ratio is None:
        return dose
    holds, per = ratio
    if amount.dimension(dose.unit) == amount.dimension(holds.unit):
        return dose
    pieces = amount.in_unit(dose, per.unit)
    if pieces is None:
        return dose
    return Amount(_quotient(EXACT.multiply(pieces.value, holds.value), per.value), holds.unit)


def _ratio(medication: Resource) -> tuple[Amount, Amount] | None:
    """(so much, in so much of the form) of the first active ingredient."""
    for ingredient in medication.get("ingredient", ()):
        strength = ingredient.get("strength", {})
        holds = amount.read(strength.get("numerator", {}))
        per = amount.read(strength.get("denominator", {}))
        if ingredient.get("isActive") is not False and holds and per and per.value > 0:
            return holds, per
    return None


def _quotient(above: decimal.Decimal, below: decimal.Decimal) -> decimal.Decimal:
    return decimal.Context(prec=28).divide(above, below)
