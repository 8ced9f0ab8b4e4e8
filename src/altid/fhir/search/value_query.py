"""Criteria on strings, dates, numbers, quantities and URIs (R4 search.html)."""

from __future__ import annotations

import decimal
from datetime import datetime
from typing import Literal

from altid.fhir import decimals, periods, ucum
from altid.fhir.search import grammar
from altid.fhir.search.criteria import (
    AnyOf,
    Criterion,
    DateCriterion,
    DateMatch,
    LastUpdatedCriterion,
    NumberCriterion,
    NumberMatch,
    Prefix,
    QuantityCriterion,
    QuantityMatch,
    Span,
    StringCriterion,
    StringMatch,
    TermCriterion,
)
from altid.fhir.search.entries import STRING_LENGTH_MAX
from altid.fhir.search.grammar import Builder, Context
from altid.fhir.search.parameters import Parameter, sources
from altid.fhir.search.token_query import normal_text
from altid.fhir.search.values import CANONICAL, NOT_BELOW

_APPROXIMATE = decimal.Decimal("0.1")
"""How far off `ap` may be: a tenth of the number, or of the time from now (R4 search.html#prefix)."""

Number = decimal.Decimal


def builder(type_name: str, parameter: Parameter, modifier: str) -> Builder:
    """What reads the values of the parameter. Raises `FhirError` for a modifier that it does not have."""
    code = parameter.code
    name = f"{code}:{modifier}" if modifier else code
    keys = [f"{type_name}.{source.code}" for source in sources(type_name, code)]
    match parameter.type, modifier:
        case "string", "" | "contains" | "exact":
            return _strings(name, keys, modifier)
        case "uri", "":
            return _uris(name, keys)
        case "uri", "below" | "above" if code not in NOT_BELOW:
            return _below(name, keys) if modifier == "below" else _above(name, keys)
        case "date", "":
            return _dates(name, keys)
        case "number", "":
            return _numbers(name, keys)
        case "quantity", "":
            return _quantities(name, keys)
    raise grammar.bad_modifier(name)


def _strings(name: str, keys: list[str], modifier: str) -> Builder:
    if modifier == "exact":
        return _exact(name, keys)

    def build(value: str, _: Context) -> Criterion:
        texts = [normal_text(name, text) for text in grammar.alternatives(name, value)]
        kind: Literal["starts", "contains"] = "contains" if modifier == "contains" else "starts"
        return StringCriterion(tuple(StringMatch(key, text, kind) for text in texts for key in keys))

    return build


def _exact(name: str, keys: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        texts = [grammar.unescape(text) for text in grammar.alternatives(name, value)]
        return TermCriterion(tuple(f"{key}:exact={text}" for text in texts for key in keys))

    return build


def _uris(name: str, keys: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        texts = [grammar.unescape(text) for text in grammar.alternatives(name, value)]
        return TermCriterion(tuple(f"{key}={text}" for text in texts for key in keys))

    return build


def _below(name: str, keys: list[str]) -> Builder:
    """The address itself, or one that goes on after it at a slash."""

    def build(value: str, _: Context) -> Criterion:
        texts = [grammar.unescape(text).rstrip("/") for text in grammar.alternatives(name, value)]
        if "" in texts:
            raise grammar.bad_value(name)
        itself = tuple(f"{key}={text}{end}" for text in texts for end in ("", "/") for key in keys)
        longer = [f"{text}/"[:STRING_LENGTH_MAX] for text in texts]
        below = tuple(StringMatch(key, text, "starts") for text in longer for key in keys)
        return AnyOf((TermCriterion(itself), StringCriterion(below)))

    return build


def _above(name: str, keys: list[str]) -> Builder:
    """The address itself, or one that it is below."""

    def build(value: str, _: Context) -> Criterion:
        texts = [grammar.unescape(text) for text in grammar.alternatives(name, value)]
        above = [address for text in texts for address in _ancestors(text)]
        return TermCriterion(tuple(f"{key}={address}" for address in above for key in keys))

    return build


def _ancestors(address: str) -> list[str]:
    start = address.find("://") + len("://") if "://" in address else 0
    cuts = [index for index, character in enumerate(address) if character == "/" and index >= start]
    return list(dict.fromkeys([address, *(address[: cut + end] for cut in cuts for end in (0, 1))]))


def _dates(name: str, keys: list[str]) -> Builder:
    def build(value: str, context: Context) -> Criterion:
        alternatives = grammar.alternatives(name, value)
        return DateCriterion(
            tuple(date_match(name, key, text, context) for text in alternatives for key in keys)
        )

    return build


def date_match(name: str, key: str, text: str, context: Context) -> DateMatch:
    """One alternative. Raises `FhirError` if it is no date."""
    prefix, low, high = _period(name, text, context)
    return DateMatch(key, prefix, low, high)


def _period(name: str, text: str, context: Context) -> tuple[Prefix, datetime, datetime]:
    prefix, rest = grammar.prefix(grammar.unescape(text))
    try:
        low, high = periods.parse_period(rest)
    except periods.PeriodError:
        raise grammar.bad_value(name) from None
    if prefix is Prefix.APPROXIMATE:
        return prefix, *_widened(low, high, context.now)
    return prefix, low, high


def _widened(low: datetime, high: datetime, now: datetime) -> tuple[datetime, datetime]:
    slack = max(abs(now - low), abs(now - high)) * float(_APPROXIMATE)
    earliest = low - slack if low - periods.EARLIEST > slack else periods.EARLIEST
    latest = high + slack if periods.LATEST - high > slack else periods.LATEST
    return earliest, latest


def last_updated_builder(value: str, context: Context) -> Criterion:
    """`_lastUpdated`: stored moments are points, so every prefix is a span or two."""
    name = "_lastUpdated"
    spans: list[Span] = []
    for text in grammar.alternatives(name, value):
        spans += _spans(*_period(name, text, context))
    return LastUpdatedCriterion(tuple(spans))


def _spans(prefix: Prefix, low: datetime, high: datetime) -> list[Span]:
    before, after = Span(periods.EARLIEST, low), Span(high, periods.LATEST)
    match prefix:
        case Prefix.EQUAL | Prefix.APPROXIMATE:
            return [Span(low, high)]
        case Prefix.NOT_EQUAL:
            return [before, after]
        case Prefix.GREATER | Prefix.STARTS_AFTER:
            return [after]
        case Prefix.LESS | Prefix.ENDS_BEFORE:
            return [before]
        case Prefix.GREATER_OR_EQUAL:
            return [Span(low, periods.LATEST)]
        case Prefix.LESS_OR_EQUAL:
            return [Span(periods.EARLIEST, high)]


def _numbers(name: str, keys: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        matches = []
        for text in grammar.alternatives(name, value):
            prefix, low, high = _range(name, grammar.unescape(text))
            matches += [NumberMatch(key, prefix, low, high) for key in keys]
        return NumberCriterion(tuple(matches))

    return build


def _range(name: str, text: str) -> tuple[Prefix, Number, Number]:
    """The searched range: with its implied precision for eq and ne, exact for the comparisons."""
    prefix, rest = grammar.prefix(text)
    try:
        number = decimals.of_text(rest)
    except decimals.NumberError:
        raise grammar.bad_value(name) from None
    low, high = decimals.implied_range(number)
    match prefix:
        case Prefix.EQUAL | Prefix.NOT_EQUAL:
            return prefix, low, high
        case Prefix.APPROXIMATE:
            slack = decimals.EXACT.multiply(number.copy_abs(), _APPROXIMATE)
            return prefix, min(low, number - slack), max(high, number + slack)
        case _:
            return prefix, number, number


def _quantities(name: str, keys: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        alternatives = grammar.alternatives(name, value)
        return QuantityCriterion(
            tuple(quantity_match(name, key, text) for text in alternatives for key in keys)
        )

    return build


def quantity_match(name: str, key: str, text: str) -> QuantityMatch:
    """One alternative: `number`, `number|system|code` or `number||code`. Raises `FhirError` if it is none
    of these.

    A UCUM unit is looked up in base units, so that 5 mg is found as 0.005 g.
    """
    parts = [grammar.unescape(part) for part in grammar.split(text, "|")]
    if len(parts) not in (1, 3):
        raise grammar.bad_value(name)
    prefix, low, high = _range(name, parts[0])
    system, code = (parts[1] or None, parts[2] or None) if len(parts) == 3 else (None, None)
    if system == ucum.SYSTEM and code is not None and (unit := ucum.canonical(code)) is not None:
        return QuantityMatch(key + CANONICAL, prefix, unit.value(low), unit.value(high), "", unit.code)
    return QuantityMatch(key, prefix, low, high, system, code)
