"""Strings, dates, numbers, quantities and URIs (R4 search.html)."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from altid.fhir import decimals, periods, ucum
from altid.fhir.search.collector import Collector
from altid.fhir.search.entries import STRING_LENGTH_MAX
from altid.fhir.search.normal import normalise
from altid.fhir.search.parameters import Parameter
from altid.fhir.search.references import add_canonical
from altid.fhir.search.walk import Leaf

CURRENCY = "urn:iso:std:iso:4217"
"""The system of the currency of Money (R4 search.html#quantity)."""

NOT_BELOW = frozenset({"_profile", "_source"})
"""URI parameters without `:below`: nearly every resource has them, and an entry each would cost too much."""

Quantity = tuple[decimal.Decimal, decimal.Decimal, str, str]
"""(low, high, system, code)."""

QuantityRow = tuple[str, decimal.Decimal, decimal.Decimal, str, str]
"""(what the key ends with, low, high, system, code)."""

CANONICAL = ":canonical"
"""What the key of a quantity in base units ends with."""

_NAME_PARTS = ("family", "given", "prefix", "suffix", "text")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country", "text")


def leaf(type_name: str, parameter: Parameter, value_type: str) -> Leaf | None:
    """What indexes a value of this type."""
    code = parameter.code
    key = f"{type_name}.{code}"
    match parameter.type:
        case "string":
            return _string_leaf(code, key, value_type)
        case "date":
            return _date_leaf(code, key, value_type)
        case "number":
            return _number_leaf(code, key, value_type)
        case "quantity":
            return _quantity_leaf(code, key, value_type)
        case "uri":
            return _uri_leaf(code, key, value_type == "canonical")
    raise ValueError(f"{parameter.url} has the type {parameter.type}")


def texts(value: Any, value_type: str) -> Iterator[str]:
    """The strings of a value: all parts of a name or an address, and the name as it is spoken."""
    match value_type:
        case "HumanName":
            yield from _parts(value, _NAME_PARTS)
            if "text" not in value and "given" in value and "family" in value:
                yield " ".join([*(name for name in value["given"] if name), value["family"]])
        case "Address":
            yield from _parts(value, _ADDRESS_PARTS)
        case _:
            yield value


def _parts(value: Any, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        part = value.get(name)
        if type(part) is list:
            yield from (item for item in part if item is not None)
        elif part is not None:
            yield part


def _string_leaf(code: str, key: str, value_type: str) -> Leaf:
    exact = f"{key}:exact="

    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        for text in texts(value, value_type):
            found.terms[exact + text] = None
            found.strings[key, normalise(text)] = None

    return index


_PERIODS: dict[str, Callable[[Any], periods.Period | None]] = {
    "date": periods.parse_period,
    "dateTime": periods.parse_period,
    "instant": periods.parse_period,
    "Period": periods.of_period,
    "Timing": periods.of_timing,
}


def period(value: Any, value_type: str) -> periods.Period | None:
    """The period of a value, None if it has none: an age or a text is no date."""
    read = _PERIODS.get(value_type)
    try:
        return read(value) if read is not None else None
    except periods.PeriodError:
        return None


def _date_leaf(code: str, key: str, value_type: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        meant = period(value, value_type)
        if meant is not None:
            found.dates[key, meant[0], meant[1]] = None

    return index


def _number_leaf(code: str, key: str, value_type: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if value_type == "Range":
            for low, high, _, _ in quantities(value, value_type):
                found.numbers[key, low, high] = None
        else:
            number = decimals.of_json(value)
            found.numbers[key, number, number] = None

    return index


def quantities(value: Any, value_type: str) -> Iterator[Quantity]:
    """The ranges of a quantity-like value, once more if its unit is written in two ways."""
    match value_type:
        case "Money":
            if "value" in value:
                number = decimals.of_json(value["value"])
                yield number, number, CURRENCY, value.get("currency", "")
        case "Range":
            yield from _of_range(value)
        case "SampledData":
            yield from _of_samples(value)
        case _:
            if "value" in value:
                yield from _with_unit(*_compared(value), value)


def _compared(value: Any) -> tuple[decimal.Decimal, decimal.Decimal]:
    """A value with a comparator, such as `< 5`, is known only by one end."""
    number = decimals.of_json(value["value"])
    match value.get("comparator"):
        case "<" | "<=":
            return decimals.LOWEST, number
        case ">" | ">=":
            return number, decimals.HIGHEST
        case _:
            return number, number


def _with_unit(low: decimal.Decimal, high: decimal.Decimal, unit: Any) -> Iterator[Quantity]:
    code, name = unit.get("code"), unit.get("unit")
    yield low, high, unit.get("system", ""), code or name or ""
    if code and name and name != code:
        yield low, high, "", name


def _of_range(value: Any) -> Iterator[Quantity]:
    low, high = value.get("low", {}), value.get("high", {})
    if "value" in low or "value" in high:
        lowest = decimals.of_json(low["value"]) if "value" in low else decimals.LOWEST
        highest = decimals.of_json(high["value"]) if "value" in high else decimals.HIGHEST
        yield from _with_unit(lowest, highest, low if "value" in low else high)


def _of_samples(value: Any) -> Iterator[Quantity]:
    """From the lowest to the highest sample (R4 datatypes.html#SampledData); E, L and U are no values."""
    samples = [decimal.Decimal(text) for text in value.get("data", "").split() if text not in ("E", "L", "U")]
    limits = [decimals.of_json(value[name]) for name in ("lowerLimit", "upperLimit") if name in value]
    origin = value.get("origin", {})
    if not (samples or limits) or "value" not in origin:
        return
    factor = decimals.of_json(value["factor"]) if "factor" in value else decimal.Decimal(1)
    zero = decimals.of_json(origin["value"])
    measured = [decimals.EXACT.fma(sample, factor, zero) for sample in samples or limits]
    yield from _with_unit(min(measured), max(measured), origin)


def _quantity_leaf(code: str, key: str, value_type: str) -> Leaf:
    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        for suffix, low, high, system, unit in quantity_rows(quantities(value, value_type)):
            found.quantities[key + suffix, low, high, system, unit] = None

    return index


def quantity_rows(ranges: Iterable[Quantity]) -> Iterator[QuantityRow]:
    """Rows as written and, for a UCUM unit that has one, in its canonical form."""
    for low, high, system, code in ranges:
        yield "", low, high, system, code
        if system == ucum.SYSTEM and (unit := ucum.canonical(code)) is not None:
            least = unit.value(low)
            most = least if low is high else unit.value(high)
            yield CANONICAL, least, most, "", unit.code


def _uri_leaf(code: str, key: str, is_canonical: bool) -> Leaf:
    prefix = f"{key}="
    has_below = code not in NOT_BELOW

    def index(value: Any, found: Collector) -> None:
        found.present[code] = None
        if is_canonical:
            add_canonical(found.terms, prefix, value)
        else:
            found.terms[prefix + value] = None
        if has_below:
            found.strings[key, value[:STRING_LENGTH_MAX]] = None

    return index
