"""Units of measure in their base units, so that 1 g is found as 1000 mg (UCUM, unitsofmeasure.org).

The table is UCUM's own file, unmodified: "Copyright 1999-2022 Regenstrief Institute, Inc. All rights
reserved. Licensed under the UCUM License, Version 1.0; a copy is at https://unitsofmeasure.org/license",
distributed "as is", without warranties or conditions of any kind.

All arithmetic is exact until the very end. Arbitrary units such as `[iU]` are bases of their own. Special
units on scales that are not proportional (pH, decibel) have no canonical form, but for the temperatures,
which only need an offset.
"""

from __future__ import annotations

import decimal
import functools
import re
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from typing import NamedTuple
from xml.etree import ElementTree

SYSTEM = "http://unitsofmeasure.org"
"""The code system of UCUM in FHIR."""

_DIGITS = 30
"""Significant digits of a canonical value; more than any measurement has."""

_LENGTH_MAX = 100
_DEPTH_MAX = 8
_EXPONENT_MAX = 100
_CACHED_UNITS_MAX = 4096
_ROUNDED = decimal.Context(prec=_DIGITS)
_PRODUCT = decimal.Context(prec=2000)

_OFFSETS = {"Cel": Fraction(27315, 100), "degF": Fraction(45967, 100), "degRe": Fraction(27315, 125)}
"""What is added to a value of a special temperature unit before it is multiplied into kelvin."""

_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_ANNOTATION_ALONE = re.compile(r"(?<![^./(])\{[!-z|~]*\}(?![^./)])")
_TOKEN = re.compile(r"[./()]|(?:[^./(){}\[\]]|\[[^\[\]]*\])+")
_SIMPLE = re.compile(
    r"(?P<symbol>10\*|10\^|.*?[^0-9+\-])(?P<exponent>[+-]?[0-9]{1,3})?", re.ASCII | re.DOTALL
)


class Canonical(NamedTuple):
    """A unit in terms of base units: canonical value = (value + offset) * numerator / denominator."""

    code: str
    """Base units with exponents, such as `g.m-3`; `1` if there are none."""
    numerator: decimal.Decimal
    denominator: decimal.Decimal
    offset: decimal.Decimal

    def value(self, value: decimal.Decimal) -> decimal.Decimal:
        """The value in base units, to 30 significant digits."""
        shifted = _PRODUCT.add(value, self.offset)
        return _ROUNDED.divide(_PRODUCT.multiply(shifted, self.numerator), self.denominator).normalize(
            _ROUNDED
        )


@dataclass(frozen=True, slots=True)
class _Unit:
    """A factor and the exponents of the base units."""

    factor: Fraction
    bases: tuple[tuple[str, int], ...]

    def times(self, other: _Unit, exponent: int) -> _Unit:
        bases = dict(self.bases)
        for base, power in other.bases:
            bases[base] = bases.get(base, 0) + power * exponent
        kept = tuple(sorted((base, power) for base, power in bases.items() if power))
        return _Unit(self.factor * other.factor**exponent, kept)


_ONE = _Unit(Fraction(1), ())


class _UnknownUnitError(ValueError):
    """The code is no UCUM unit, or one without a canonical form."""


class _Definition(NamedTuple):
    factor: Fraction
    unit: str
    is_metric: bool
    is_base: bool
    offset: Fraction | None
    """Only of the special temperature units."""


@functools.lru_cache(maxsize=_CACHED_UNITS_MAX)
def canonical(code: str) -> Canonical | None:
    """The canonical form of a case-sensitive UCUM code, None if it is unknown or has none."""
    try:
        special = _table().units.get(code)
        if special is not None and special.offset is not None:
            unit = _ONE.times(_parse(special.unit), 1)
            return _canonical(_Unit(unit.factor * special.factor, unit.bases), special.offset)
        return _canonical(_parse(code), Fraction(0))
    except (_UnknownUnitError, ZeroDivisionError):
        return None


def _canonical(unit: _Unit, offset: Fraction) -> Canonical:
    code = ".".join(base + (str(power) if power != 1 else "") for base, power in unit.bases) or "1"
    factor = unit.factor
    scaled = decimal.Decimal(offset.numerator) / decimal.Decimal(offset.denominator)
    return Canonical(code, decimal.Decimal(factor.numerator), decimal.Decimal(factor.denominator), scaled)


def _parse(code: str, depth: int = 0) -> _Unit:
    """A term: components joined by `.` and `/`, annotations ignored."""
    if not code or len(code) > _LENGTH_MAX or depth > _DEPTH_MAX:
        raise _UnknownUnitError
    text = _ANNOTATION.sub("", _ANNOTATION_ALONE.sub("1", code))
    tokens = [match[0] for match in _TOKEN.finditer(text)]
    if "".join(tokens) != text:
        raise _UnknownUnitError
    unit, rest = _term(tokens, depth)
    if rest:
        raise _UnknownUnitError
    return unit


def _term(tokens: list[str], depth: int) -> tuple[_Unit, list[str]]:
    """(the unit, the tokens left over: none, or a closing parenthesis and what follows it)."""
    unit, exponent = _ONE, 1
    if tokens[:1] == ["/"]:
        exponent, tokens = -1, tokens[1:]
    while True:
        component, tokens = _component(tokens, depth)
        unit = unit.times(component, exponent)
        if not tokens or tokens[0] == ")":
            return unit, tokens
        if tokens[0] not in "./":
            raise _UnknownUnitError
        exponent, tokens = (-1 if tokens[0] == "/" else 1), tokens[1:]


def _component(tokens: list[str], depth: int) -> tuple[_Unit, list[str]]:
    """(the first component, the tokens after it)."""
    if not tokens or depth > _DEPTH_MAX:
        raise _UnknownUnitError
    if tokens[0] != "(":
        return _simple(tokens[0], depth), tokens[1:]
    inner, rest = _term(tokens[1:], depth + 1)
    if not rest:
        raise _UnknownUnitError
    return inner, rest[1:]


def _simple(token: str, depth: int) -> _Unit:
    """A number, or a unit with its exponent."""
    if token.isascii() and token.isdecimal():
        return _Unit(Fraction(int(token)), ())
    match = _SIMPLE.fullmatch(token)
    if match is None or not match["symbol"]:
        raise _UnknownUnitError
    exponent = int(match["exponent"] or 1)
    if abs(exponent) > _EXPONENT_MAX:
        raise _UnknownUnitError
    return _ONE.times(_symbol(match["symbol"], depth), exponent)


@functools.lru_cache(maxsize=_CACHED_UNITS_MAX)
def _symbol(symbol: str, depth: int) -> _Unit:
    """A unit, or a prefix and a metric unit."""
    table = _table()
    if symbol in table.units:
        return _defined(symbol, table.units[symbol], depth)
    for length in (1, 2):
        prefix, rest = symbol[:length], symbol[length:]
        definition = table.units.get(rest)
        if prefix in table.prefixes and definition is not None and definition.is_metric:
            unit = _defined(rest, definition, depth)
            return _Unit(unit.factor * table.prefixes[prefix], unit.bases)
    raise _UnknownUnitError


def _defined(symbol: str, definition: _Definition, depth: int) -> _Unit:
    if definition.is_base:
        return _Unit(Fraction(1), ((symbol, 1),))
    if definition.offset is not None or not definition.unit:
        raise _UnknownUnitError
    unit = _parse(definition.unit, depth + 1)
    return _Unit(unit.factor * definition.factor, unit.bases)


class _Table(NamedTuple):
    prefixes: dict[str, Fraction]
    units: dict[str, _Definition]


@functools.cache
def _table() -> _Table:
    path = resources.files("altid.fhir.definitions").joinpath("ucum-essence.xml")
    root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - a file of our own, no one's input
    prefixes: dict[str, Fraction] = {}
    units: dict[str, _Definition] = {}
    for element in root:
        code = element.attrib["Code"]
        match element.tag.rpartition("}")[2]:
            case "prefix":
                prefixes[code] = Fraction(_child(element, "value").attrib["value"])
            case "base-unit":
                units[code] = _Definition(Fraction(1), "", True, True, None)
            case "unit":
                units[code] = _definition(element)
    return _Table(prefixes, units)


def _definition(element: ElementTree.Element) -> _Definition:
    """A unit of the file. The international unit has two codes; other arbitrary units are their own base."""
    is_metric = element.get("isMetric") == "yes"
    value = _child(element, "value")
    if element.get("isSpecial") == "yes":
        function = _child(value, "function")
        offset = _OFFSETS.get(function.attrib["name"])
        unit = function.attrib["Unit"] if offset is not None else ""
        return _Definition(Fraction(function.get("value", "1")), unit, is_metric, False, offset)
    unit = value.attrib["Unit"]
    is_base = element.get("isArbitrary") == "yes" and unit == "1"
    return _Definition(Fraction(value.attrib["value"]), unit, is_metric, is_base, None)


def _child(element: ElementTree.Element, tag: str) -> ElementTree.Element:
    for child in element:
        if child.tag.rpartition("}")[2] == tag:
            return child
    raise ValueError(f"ucum-essence.xml has a {element.tag} without {tag}")
