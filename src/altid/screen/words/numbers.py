"""Numbers and units as clinicians read them.

A unit stands one space behind its number, a number below one has its leading zero, thousands are parted by a
narrow no-break space (NHS Common User Interface; Danish decimal comma).
"""

from __future__ import annotations

import decimal

from altid.fhir.decimals import printed, trimmed
from altid.fhir.json import Decimal

NO_BREAK_SPACE = "\u00a0"

_SIGNIFICANT_DIGITS_MAX = 6
"""More digits than that are a computer's, not a measurement's: 167.77334700962666 cm."""
_SIGNIFICANT_DIGITS_SHOWN = 4
_DECIMALS_KEPT = 3

Number = int | float | Decimal

_PRINTED = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "kg/m2": "kg/m²",
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "10*3/uL": "× 10³/µL",
    "10*6/uL": "× 10⁶/µL",
    "10*9/L": "× 10⁹/L",
    "10*12/L": "× 10¹²/L",
    "[iU]": "IU",
    "m[IU]/L": "mIU/L",
}
"""UCUM codes that people write otherwise, for quantities that come without a printed unit."""


def printed_unit(unit: str) -> str:
    """A unit as people write it; of a UCUM annotation the words alone."""
    return _PRINTED.get(unit) or unit.replace("{", "").replace("}", "")


def exact_text(value: Number, mark: str) -> str:
    """With the digits that were written, since 7.40 says more than 7.4; `mark` parts the decimals."""
    return printed(_readable(_decimal(value)), mark)


def trimmed_text(value: Number, mark: str) -> str:
    """Without trailing zeros: a dose of 1.0 mg must not be read as 10 mg."""
    return trimmed(_decimal(value), mark)


def _decimal(value: Number) -> decimal.Decimal:
    return decimal.Decimal(value.text if isinstance(value, Decimal) else str(value))


def _readable(number: decimal.Decimal) -> decimal.Decimal:
    """Cut a computer's digits behind the point; the whole part always stays whole."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent <= _DECIMALS_KEPT:
        return number
    if len(number.as_tuple().digits) <= _SIGNIFICANT_DIGITS_MAX:
        return number
    decimals = max(0, _SIGNIFICANT_DIGITS_SHOWN - 1 - number.adjusted())
    if decimals >= -exponent:
        return number
    with decimal.localcontext() as context:
        context.prec = len(number.as_tuple().digits) + _SIGNIFICANT_DIGITS_SHOWN
        return number.quantize(decimal.Decimal(1).scaleb(-decimals))
