"""Criteria on composite parameters: `first$second` (R4 search.html#composite)."""

from __future__ import annotations

from collections.abc import Callable

from altid.fhir.search import composites, grammar, token_query, value_query
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    DateCriterion,
    MissingCriterion,
    QuantityCriterion,
    StringCriterion,
    StringMatch,
    TermCriterion,
)
from altid.fhir.search.grammar import Builder, Context
from altid.fhir.search.parameters import Component, Parameter, search_parameters

BuilderOf = Callable[[str, Parameter, str], Builder]
"""(type, parameter, modifier) -> builder: how the parameters of the resource itself are read."""


def builder(type_name: str, parameter: Parameter, builder_of: BuilderOf) -> Builder:
    """What reads the values of the parameter."""
    ways: list[Callable[[list[str], Context], Criterion]] = []
    if (codes := composites.outer(type_name, parameter.code)) is not None:
        ways.append(_outer([builder_of(type_name, search_parameters(type_name)[code], "") for code in codes]))
    if (code := composites.inner(type_name, parameter.code)) is not None:
        ways.append(_inner(type_name, search_parameters(type_name)[code]))

    def build(value: str, context: Context) -> Criterion:
        found = []
        for text in grammar.alternatives(parameter.code, value):
            parts = grammar.split(text, "$")
            if len(parts) != len(parameter.components) or "" in parts:
                raise grammar.bad_value(parameter.code)
            found += [way(parts, context) for way in ways]
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    return build


def missing(type_name: str, parameter: Parameter, *, is_missing: bool) -> Criterion:
    """Whether no (or some) element has all components."""
    codes = composites.outer(type_name, parameter.code)
    inner = composites.inner(type_name, parameter.code)
    ways: list[Criterion] = [] if inner is None else [MissingCriterion((inner,), is_missing)]
    if codes is not None:
        components = tuple(MissingCriterion((code,), is_missing) for code in codes)
        ways.append(AnyOf(components) if is_missing else AllOf(components))
    if len(ways) == 1:
        return ways[0]
    return AllOf(tuple(ways)) if is_missing else AnyOf(tuple(ways))


def _outer(builders: list[Builder]) -> Callable[[list[str], Context], Criterion]:
    def build(parts: list[str], context: Context) -> Criterion:
        criteria = [build(part, context) for build, part in zip(builders, parts, strict=True)]
        return AllOf(tuple(criteria))

    return build


def _inner(type_name: str, parameter: Parameter) -> Callable[[list[str], Context], Criterion]:
    first, second = parameter.components
    name = parameter.code

    def build(parts: list[str], context: Context) -> Criterion:
        key = f"{type_name}.{name}={_head(name, first, parts[0], context)}"
        return _tail(name, second, key, parts[1], context)

    return build


def _head(name: str, component: Component, text: str, context: Context) -> str:
    if component.type == "reference":
        return grammar.unescape(text).removeprefix(f"{context.base}/" if context.base else "")
    return _form(name, text)


def _form(name: str, text: str) -> str:
    """How a code is part of a composite's term or key; "any code of a system" is not indexed there."""
    system, code = grammar.token(text)
    if not code:
        raise grammar.bad_value(name)
    return code if system is None else f"{system}|{code}"


def _tail(name: str, component: Component, key: str, text: str, context: Context) -> Criterion:
    match component.type:
        case "token":
            return TermCriterion((f"{key}${_form(name, text)}",))
        case "quantity":
            return QuantityCriterion((value_query.quantity_match(name, key, text),))
        case "date":
            return DateCriterion((value_query.date_match(name, key, text, context),))
        case "string":
            return StringCriterion((StringMatch(key, token_query.normal_text(name, text), "starts"),))
    raise grammar.not_supported(name)
