"""Measured values as data: numbers with unit, spans, words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altid.screen.views.elements import UCUM, Resource, choice, concept_text, element, text
from altid.screen.views.moments import Moment, moment_of

Number = int | float


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in `unit` (as people read it; `code` is UCUM's). `comparator`: `<`, `<=`, `>=`, `>` or ""."""

    value: Number
    unit: str = ""
    comparator: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high`; either may be open."""

    low: Quantity | None
    high: Quantity | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """One quantity per, or to, another: a rate, a titre."""

    numerator: Quantity
    denominator: Quantity


@dataclass(frozen=True, slots=True)
class Pair:
    """Two quantities of one unit that are read together: systolic and diastolic."""

    first: Quantity
    second: Quantity


Value = Quantity | Span | Ratio | Pair | Moment | bool | str

_VALUES = (
    "Quantity",
    "CodeableConcept",
    "String",
    "Boolean",
    "Integer",
    "Range",
    "Ratio",
    "SampledData",
    "Time",
    "DateTime",
    "Period",
)


def quantity_of(value: object) -> Quantity | None:
    """Of a Quantity and its kin; None if it has no number."""
    if not isinstance(value, dict):
        return None
    content: Resource = value
    number = content.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    code = text(content.get("code")) or ""
    unit = text(content.get("unit")) or code
    ucum = code if content.get("system") == UCUM else ""
    return Quantity(number, "" if unit == "1" else unit, text(content.get("comparator")) or "", ucum)


def span_of(value: object) -> Span | None:
    """Of a Range, or of an Observation's reference range."""
    low, high = quantity_of(element(value).get("low")), quantity_of(element(value).get("high"))
    return Span(low, high) if low or high else None


def ratio_of(value: object) -> Ratio | None:
    numerator = quantity_of(element(value).get("numerator"))
    denominator = quantity_of(element(value).get("denominator"))
    return Ratio(numerator, denominator) if numerator and denominator else None


def value_of(resource: Resource) -> Value | None:
    """`value[x]` of an Observation or a component; None if there is none, or none that can be shown."""
    kind, value = choice(resource, "value", *_VALUES)
    return _of_kind(kind, value)


def _of_kind(kind: str, value: Any) -> Value | None:
    match kind:
        case "Quantity":
            return quantity_of(value)
        case "CodeableConcept":
            return concept_text(value)
        case "String" | "Time":
            return text(value)
        case "Boolean":
            return bool(value)
        case "Integer":
            return Quantity(value)
        case "Range":
            return span_of(value)
        case "Ratio":
            return ratio_of(value)
        case "DateTime":
            return moment_of(value)
        case "Period":
            return moment_of(element(value).get("start")) or moment_of(element(value).get("end"))
    return None


def same_unit(one: Quantity, other: Quantity) -> bool:
    return one.code == other.code if one.code and other.code else one.unit == other.unit
