"""Criteria on reference parameters (R4 search.html#reference)."""

from __future__ import annotations

import re

from altid.fhir import definitions, literals
from altid.fhir.search import grammar, token_query
from altid.fhir.search.criteria import Criterion, StringCriterion, StringMatch, TermCriterion
from altid.fhir.search.grammar import Builder, Context
from altid.fhir.search.parameters import Parameter, Source, routes, sources

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def builder(type_name: str, parameter: Parameter, modifier: str) -> Builder:
    """What reads the values of the parameter. Raises `FhirError` for a modifier that it does not have."""
    name = f"{parameter.code}:{modifier}" if modifier else parameter.code
    found_in = sources(type_name, parameter.code)
    prefixes = [f"{type_name}.{source.code}" for source in found_in]
    if modifier in ("", *definitions.resource_types()):
        return _addresses(type_name, parameter, modifier)
    match modifier:
        case "identifier":
            return token_query.identifier_builder(name, prefixes)
        case "text":
            return _text(name, prefixes)
    raise grammar.bad_modifier(name)


def has_references(type_name: str, code: str) -> bool:
    """Whether the parameter is about Reference elements, which chains can follow, unlike canonicals."""
    return any(
        route.type == "Reference"
        for source in sources(type_name, code)
        for route in routes(type_name, source.code)
    )


def _addresses(type_name: str, parameter: Parameter, modifier: str) -> Builder:
    """`id`, `Type/id`, `Type/id/_history/v` or a whole address; for canonicals `url` or `url|version`."""
    name = f"{parameter.code}:{modifier}" if modifier else parameter.code
    targets = parameter.targets & {modifier} if modifier else parameter.targets
    if not targets:
        raise grammar.bad_modifier(name)
    found_in = sources(type_name, parameter.code)
    has_ids = has_references(type_name, parameter.code)

    def build(value: str, context: Context) -> Criterion:
        terms: list[str] = []
        for text in grammar.alternatives(name, value):
            address = _relative(grammar.unescape(text), context.base)
            for source in found_in:
                allowed = targets if source.target is None else targets & {source.target}
                wanted = _wanted(address, allowed, has_ids=has_ids)
                terms += [f"{type_name}.{source.code}={target}" for target in wanted]
        return TermCriterion(tuple(terms))

    return build


def _relative(address: str, base: str) -> str:
    return address.removeprefix(f"{base}/") if base else address


def _wanted(address: str, allowed: frozenset[str], *, has_ids: bool) -> list[str]:
    """What the terms of an address end with; nothing if it cannot be one of the allowed types."""
    if has_ids and _ID.fullmatch(address):
        return [f"{target}/{address}" for target in sorted(allowed)]
    literal = literals.parse(address)
    if literal is not None and literal.type not in allowed:
        return []
    return [address]


def _text(name: str, prefixes: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        texts = [token_query.normal_text(name, text) for text in grammar.alternatives(name, value)]
        matches = [StringMatch(f"{prefix}:text", text, "starts") for text in texts for prefix in prefixes]
        return StringCriterion(tuple(matches))

    return build


def pointing_codes(found_in: tuple[Source, ...], target: str) -> tuple[str, ...]:
    """The codes of refs entries that can point to the type."""
    return tuple(source.code for source in found_in if source.target in (None, target))
