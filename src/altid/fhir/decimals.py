"""Numbers exactly as written and as people read them, and the range that a written precision means
(R4 search.html#number).
"""

from __future__ import annotations

import decimal
import re
from typing import Any

from altid.fhir import json

SCALE_MAX = 400
"""Digits after the point that are kept, and the largest power of ten; JSON numbers stay below it."""

LOWEST = decimal.Decimal(f"-1E{SCALE_MAX}")
"""Below every number: a range without a low end."""

HIGHEST = decimal.Decimal(f"1E{SCALE_MAX}")
"""Above every number: a range without a high end."""

EXACT = decimal.Context(prec=2 * SCALE_MAX + 100)
"""Enough digits for sums and products of accepted numbers without rounding."""

_FORM = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_LENGTH_MAX = 100
_NARROW_SPACE = "\u202f"
_FINEST = decimal.Decimal(f"1E-{SCALE_MAX}")


class NumberError(ValueError):
    """The text is no number. The message does not quote it."""


def of_json(value: Any) -> decimal.Decimal:
    """The exact value of a JSON number, rounded only beyond `SCALE_MAX` digits after the point."""
    if type(value) is int:
        return decimal.Decimal(value)
    number = decimal.Decimal(value.text if isinstance(value, json.Decimal) else repr(value))
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -SCALE_MAX:
        return number.quantize(_FINEST, context=EXACT)
    return number


def of_text(text: str) -> decimal.Decimal:
    """The value of a number in a search. Raises `NumberError`."""
    if len(text) > _LENGTH_MAX or not _FORM.fullmatch(text):
        raise NumberError("A number is written with digits, a point and perhaps an exponent.")
    number = decimal.Decimal(text)
    if abs(number.adjusted()) >= SCALE_MAX and number != 0:
        raise NumberError(f"A number lies between 1E-{SCALE_MAX} and 1E{SCALE_MAX}.")
    return number


def implied_range(number: decimal.Decimal) -> tuple[decimal.Decimal, decimal.Decimal]:
    """Half a unit of the last digit to both sides: 100 → (99.5, 100.5), 1.00 → (0.995, 1.005)."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "no number of ours is infinite"
    half = decimal.Decimal((0, (5,), exponent - 1))
    return EXACT.subtract(number, half), EXACT.add(number, half)


def printed(number: decimal.Decimal, mark: str) -> str:
    """With every digit it has: `mark` parts the decimals, a narrow no-break space the thousands."""
    whole, _, decimals = f"{number:f}".partition(".")
    sign, digits = ("\u2212", whole[1:]) if whole.startswith("-") else ("", whole)
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))]
    text = sign + _NARROW_SPACE.join(groups)
    return f"{text}{mark}{decimals}" if decimals else text


def trimmed(number: decimal.Decimal, mark: str) -> str:
    """As `printed`, without trailing zeros: a dose of 1.0 mg must not be read as 10 mg."""
    whole = number.to_integral_value(context=EXACT)
    return printed(whole if number == whole else number.normalize(EXACT), mark)
