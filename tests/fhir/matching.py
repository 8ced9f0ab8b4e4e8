"""Whether a resource satisfies a criterion: the comparisons of `altid.fhir.search.criteria`, told once more.

The record does this in SQL; here the same sentences are plain Python over one resource's entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    DateCriterion,
    DateMatch,
    IdCriterion,
    MissingCriterion,
    NumberCriterion,
    NumberMatch,
    Prefix,
    QuantityCriterion,
    QuantityMatch,
    StringCriterion,
    StringMatch,
    TermCriterion,
)
from altid.fhir.search.entries import Entries
from altid.fhir.search.extract import extract
from altid.fhir.search.query import parse

_DATES = {
    Prefix.EQUAL: lambda low, high, wanted: low >= wanted.low and high <= wanted.high,
    Prefix.NOT_EQUAL: lambda low, high, wanted: low < wanted.low or high > wanted.high,
    Prefix.GREATER: lambda low, high, wanted: high > wanted.high,
    Prefix.LESS: lambda low, high, wanted: low < wanted.low,
    Prefix.GREATER_OR_EQUAL: lambda low, high, wanted: low >= wanted.low or high > wanted.high,
    Prefix.LESS_OR_EQUAL: lambda low, high, wanted: high <= wanted.high or low < wanted.low,
    Prefix.STARTS_AFTER: lambda low, high, wanted: low >= wanted.high,
    Prefix.ENDS_BEFORE: lambda low, high, wanted: high <= wanted.low,
    Prefix.APPROXIMATE: lambda low, high, wanted: low < wanted.high and high > wanted.low,
}
_NUMBERS = {
    Prefix.EQUAL: lambda low, high, wanted: low >= wanted.low and high < wanted.high,
    Prefix.NOT_EQUAL: lambda low, high, wanted: low < wanted.low or high >= wanted.high,
    Prefix.GREATER: lambda low, high, wanted: high > wanted.high,
    Prefix.LESS: lambda low, high, wanted: low < wanted.low,
    Prefix.GREATER_OR_EQUAL: lambda low, high, wanted: high >= wanted.high,
    Prefix.LESS_OR_EQUAL: lambda low, high, wanted: low <= wanted.low,
    Prefix.STARTS_AFTER: lambda low, high, wanted: low > wanted.high,
    Prefix.ENDS_BEFORE: lambda low, high, wanted: high < wanted.low,
    Prefix.APPROXIMATE: lambda low, high, wanted: low <= wanted.high and high >= wanted.low,
}


def finds(resource: dict[str, Any], *parameters: tuple[str, str]) -> bool:
    """Whether a search of the resource's type with these parameters finds it."""
    query = parse(resource["resourceType"], parameters)
    assert not query.unknown
    entries = extract(resource)
    return all(matches(criterion, entries, resource.get("id")) for criterion in query.criteria)


def matches(criterion: Criterion, entries: Entries, id_: str | None = None) -> bool:
    match criterion:
        case TermCriterion(terms, negated):
            return bool(set(terms) & set(entries.terms)) is not negated
        case StringCriterion(alternatives, negated):
            return any(_string(wanted, entries) for wanted in alternatives) is not negated
        case DateCriterion(alternatives):
            return any(_date(wanted, entries) for wanted in alternatives)
        case NumberCriterion(alternatives):
            return any(_number(wanted, entries) for wanted in alternatives)
        case QuantityCriterion(alternatives):
            return any(_quantity(wanted, entries) for wanted in alternatives)
        case IdCriterion(ids, negated):
            return (id_ in ids) is not negated
        case MissingCriterion(codes, missing):
            return bool(set(codes) & set(entries.present)) is not missing
        case AllOf(criteria):
            return all(_each(criteria, entries, id_))
        case AnyOf(criteria):
            return any(_each(criteria, entries, id_))
    raise AssertionError(f"{type(criterion).__name__} is not about one resource alone")


def _each(criteria: Iterable[Criterion], entries: Entries, id_: str | None) -> Iterable[bool]:
    return (matches(criterion, entries, id_) for criterion in criteria)


def _string(wanted: StringMatch, entries: Entries) -> bool:
    values = [value for key, value in entries.strings if key == wanted.key]
    if wanted.kind == "contains":
        return any(wanted.text in value for value in values)
    return any(value.startswith(wanted.text) for value in values)


def _date(wanted: DateMatch, entries: Entries) -> bool:
    compare = _DATES[wanted.prefix]
    return any(key == wanted.key and compare(low, high, wanted) for key, low, high in entries.dates)


def _number(wanted: NumberMatch, entries: Entries) -> bool:
    compare = _NUMBERS[wanted.prefix]
    return any(key == wanted.key and compare(low, high, wanted) for key, low, high in entries.numbers)


def _quantity(wanted: QuantityMatch, entries: Entries) -> bool:
    compare = _NUMBERS[wanted.prefix]
    return any(
        key == wanted.key
        and compare(low, high, wanted)
        and wanted.system in (None, system)
        and wanted.code in (None, code)
        for key, low, high, system, code in entries.quantities
    )
