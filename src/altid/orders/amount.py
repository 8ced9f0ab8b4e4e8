"""Amounts of a drug: exact numbers in UCUM units, compared and added across units, and in words."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from altid.fhir import decimals, json, ucum
from altid.fhir.decimals import EXACT, trimmed
from altid.orders.elements import Resource

Language = Literal["da", "en"]

COUNTED = "1"
"""UCUM for what is counted and not measured: tablets, puffs."""

_PER = "/"
_PIECES = re.compile(r"1|\{[^{}]*\}|10\*[1-9](\{[^{}]*\})?")
"""Units of what is counted. Others without a dimension (per cent) are shares of something."""
_MOLES = re.compile(r"[a-zA-Z]{0,2}(?:mol|eq)")
"""To UCUM a mole is a number; tablets and millimoles are not the same for that."""
_NO_BREAK_SPACE = "\u00a0"
_MARKS = {"da": ",", "en": "."}
_ANNOTATION = re.compile(r"\{[^{}]*\}")

_UNITS = {
    "ug": ("mikrogram", "micrograms"),
    "ng": ("nanogram", "nanograms"),
    "[iU]": ("IE", "units"),
    "[IU]": ("IE", "units"),
    "M[iU]": ("mio. IE", "million units"),
    "h": ("time", "hour"),
    "d": ("døgn", "day"),
    "min": ("minut", "minute"),
    COUNTED: ("stk.", "pieces"),
}
"""Written out where a short form is misread (ISMP: `µg` for `mg`, `U` for a zero)."""


@dataclass(frozen=True, slots=True)
class Amount:
    """`value` of `unit` (UCUM). `word` is what counted things are called: tablet."""

    value: decimal.Decimal
    unit: str
    word: str = ""

    def times(self, factor: decimal.Decimal | int) -> Amount:
        return Amount(EXACT.multiply(self.value, decimal.Decimal(factor)), self.unit, self.word)

    def text(self, language: Language) -> str:
        """`1 000 mg`, `2,5 mikrogram`: no trailing zero, leading zero, spaces that do not break."""
        return f"{self.number(language)}{_NO_BREAK_SPACE}{self.unit_text(language)}"

    def number(self, language: Language) -> str:
        """As in `text`, without the unit."""
        return trimmed(self.value, _MARKS[language])

    def unit_text(self, language: Language) -> str:
        if self.is_counted:
            return self.word or _unit(COUNTED, language)
        above, _, below = self.unit.partition("/")
        return f"{_unit(above, language)}/{_unit(below, language)}" if below else _unit(above, language)

    @property
    def is_counted(self) -> bool:
        return dimension(self.unit) == COUNTED


def _unit(code: str, language: Language) -> str:
    known = _UNITS.get(code)
    return known[language == "en"] if known else _ANNOTATION.sub("", code)


def dimension(unit: str) -> str | None:
    """What the unit measures, as UCUM base units; None if it is no UCUM unit."""
    canonical = ucum.canonical(unit)
    if canonical is None:
        return None
    return "mol" if _MOLES.fullmatch(unit) else canonical.code


def is_share(unit: str) -> bool:
    """Of something that is not said: so much per kilogram, per square metre, per cent. By that alone nobody
    knows how much to give."""
    return _PER in unit or (dimension(unit) == COUNTED and not _PIECES.fullmatch(unit))


def in_unit(amount: Amount, unit: str) -> Amount | None:
    """The same amount in another unit, None if the two do not measure the same."""
    if amount.unit == unit:
        return amount
    own, other = ucum.canonical(amount.unit), ucum.canonical(unit)
    if own is None or other is None or dimension(amount.unit) != dimension(unit) or other.numerator == 0:
        return None
    base = own.value(amount.value)
    value = EXACT.divide(EXACT.multiply(base, other.denominator), other.numerator)
    return Amount(value.normalize(_SIGNIFICANT), unit, amount.word)


_SIGNIFICANT = decimal.Context(prec=28)


def total(amounts: Iterable[Amount]) -> Amount | None:
    """Their sum in the unit of the first; None for none, or for units that do not measure the same."""
    summed: Amount | None = None
    for amount in amounts:
        if summed is None:
            summed = amount
            continue
        other = in_unit(amount, summed.unit)
        if other is None:
            return None
        summed = Amount(EXACT.add(summed.value, other.value), summed.unit, summed.word)
    return summed


def largest(amounts: Iterable[Amount | None]) -> Amount | None:
    """The largest of at least one; None if one is None or they do not measure the same."""
    most: Amount | None = None
    for amount in amounts:
        if amount is None or (most and in_unit(amount, most.unit) is None):
            return None
        most = amount if most is None or is_more(amount, most) else most
    return most


def is_more(amount: Amount, limit: Amount) -> bool:
    """Whether it exceeds the limit; False where the two cannot be compared."""
    same = in_unit(amount, limit.unit)
    return same is not None and same.value > limit.value


def read(quantity: Resource) -> Amount | None:
    """From a Quantity; None without a value or a UCUM code. A unit without system counts as a word."""
    if "value" not in quantity:
        return None
    value = decimals.of_json(quantity["value"])
    code = quantity.get("code", "") if quantity.get("system", ucum.SYSTEM) == ucum.SYSTEM else ""
    if not code:
        return None
    counted = dimension(code) == COUNTED
    return Amount(value, code, quantity.get("unit", "") if counted else "")


def write(amount: Amount) -> Resource:
    """As a Quantity: the unit that Danes read beside the UCUM code."""
    whole = int(amount.value)
    value: int | json.Decimal = whole if amount.value == whole else json.Decimal(f"{amount.value:f}")
    unit = amount.unit_text("da")
    return {"value": value, "unit": unit, "system": ucum.SYSTEM, "code": amount.unit}
