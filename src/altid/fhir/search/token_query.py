"""Criteria on token parameters (R4 search.html#token)."""

from __future__ import annotations

from collections.abc import Callable

from altid.fhir import definitions
from altid.fhir.search import grammar
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    MissingCriterion,
    StringCriterion,
    StringMatch,
    TermCriterion,
    ValueSetCriterion,
)
from altid.fhir.search.grammar import Builder, Context
from altid.fhir.search.normal import normalise
from altid.fhir.search.parameters import Parameter, routes, sources
from altid.fhir.search.tokens import is_bare, systems

_BOOLEAN_SYSTEM = "http://terminology.hl7.org/CodeSystem/special-values"
"""The system that true and false are in (R4 search.html#token)."""

Terms = Callable[[str], list[str]]
"""The terms of one alternative, any of which makes it true."""


def builder(type_name: str, parameter: Parameter, modifier: str) -> Builder:
    """What reads the values of the parameter. Raises `FhirError` for a modifier that it does not have."""
    name = f"{parameter.code}:{modifier}" if modifier else parameter.code
    prefixes = [f"{type_name}.{source.code}" for source in sources(type_name, parameter.code)]
    match modifier:
        case "" | "not":
            return _codes(type_name, parameter, name, negated=modifier == "not")
        case "text":
            return _text(name, prefixes)
        case "of-type" if "Identifier" in _value_types(type_name, parameter.code):
            return _of_type(name, prefixes)
        case "in" | "not-in":
            is_alone = is_bare(type_name, parameter.code)
            return _in(name, prefixes, is_alone=is_alone, negated=modifier == "not-in")
    raise grammar.bad_modifier(name)


def identifier_builder(name: str, prefixes: list[str]) -> Builder:
    """For `reference:identifier`: the token terms of the identifiers within references."""
    terms_of = _coded([f"{prefix}:identifier=" for prefix in prefixes])

    def build(value: str, _: Context) -> Criterion:
        found = [term for text in grammar.alternatives(name, value) for term in terms_of(text)]
        return TermCriterion(tuple(found))

    return build


def _value_types(type_name: str, code: str) -> frozenset[str]:
    return frozenset(
        route.type for source in sources(type_name, code) for route in routes(type_name, source.code)
    )


def _codes(type_name: str, parameter: Parameter, name: str, *, negated: bool) -> Builder:
    found_in = sources(type_name, parameter.code)
    prefixes = [f"{type_name}.{source.code}=" for source in found_in]
    if is_bare(type_name, parameter.code):
        return _bare(name, prefixes, tuple(s.code for s in found_in), _systems(type_name, parameter), negated)
    folds = "ContactPoint" in _value_types(type_name, parameter.code)
    terms_of = _coded(prefixes, folds=folds)

    def build(value: str, _: Context) -> Criterion:
        found = [term for text in grammar.alternatives(name, value) for term in terms_of(text)]
        return TermCriterion(tuple(found), negated)

    return build


def _coded(prefixes: list[str], *, folds: bool = False) -> Terms:
    def terms_of(text: str) -> list[str]:
        system, code = grammar.token(text)
        if folds:
            code = code.casefold()
        wanted = code if system is None else f"{system}|{code}"
        return [prefix + wanted for prefix in prefixes]

    return terms_of


def _systems(type_name: str, parameter: Parameter) -> frozenset[str]:
    if "boolean" in _value_types(type_name, parameter.code):
        return frozenset({_BOOLEAN_SYSTEM})
    return systems(type_name, parameter.code)


def _bare(
    name: str, prefixes: list[str], codes: tuple[str, ...], known: frozenset[str], negated: bool
) -> Builder:
    """Primitives: a system that the definitions do not give them matches nothing."""

    def build(value: str, _: Context) -> Criterion:
        terms, criteria = [], []
        for text in grammar.alternatives(name, value):
            system, code = grammar.token(text)
            if not system or system in known:
                if code:
                    terms += [prefix + code for prefix in prefixes]
                elif system:
                    criteria.append(MissingCriterion(codes, missing=negated))
        if terms or not criteria:
            criteria.append(TermCriterion(tuple(terms), negated))  # type: ignore[arg-type]
        if len(criteria) == 1:
            return criteria[0]
        return AllOf(tuple(criteria)) if negated else AnyOf(tuple(criteria))

    return build


def _text(name: str, prefixes: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        return StringCriterion(
            tuple(
                StringMatch(f"{prefix}:text", wanted, "starts")
                for text in grammar.alternatives(name, value)
                for wanted in [normal_text(name, text)]
                for prefix in prefixes
            )
        )

    return build


def normal_text(name: str, text: str) -> str:
    """The normalised text. Raises `FhirError` if nothing is left of it."""
    wanted = normalise(grammar.unescape(text))
    if not wanted:
        raise grammar.bad_value(name)
    return wanted


def _of_type(name: str, prefixes: list[str]) -> Builder:
    def build(value: str, _: Context) -> Criterion:
        found = []
        for text in grammar.alternatives(name, value):
            parts = [grammar.unescape(part) for part in grammar.split(text, "|")]
            if len(parts) != 3 or not parts[1] or not parts[2]:
                raise grammar.bad_value(name)
            found += [f"{prefix}:of-type={'|'.join(parts)}" for prefix in prefixes]
        return TermCriterion(tuple(found))

    return build


def _in(name: str, prefixes: list[str], *, is_alone: bool, negated: bool) -> Builder:
    """Value sets of the standard are expanded here, others by the record that holds them."""
    starts = tuple(f"{prefix}=" for prefix in prefixes)

    def one(url: str) -> Criterion:
        known = definitions.value_set(url.partition("|")[0])
        stored = ValueSetCriterion(starts, is_alone, url, negated)
        if known is None:
            return stored
        listed = [(system, code) for system, codes in sorted(known.items()) for code in sorted(codes)]
        return TermCriterion(value_set_terms(stored, listed), negated)

    def build(value: str, _: Context) -> Criterion:
        urls = [grammar.unescape(text) for text in grammar.alternatives(name, value)]
        criteria = tuple(one(url) for url in urls)
        if len(criteria) == 1:
            return criteria[0]
        return AllOf(criteria) if negated else AnyOf(criteria)

    return build


def value_set_terms(criterion: ValueSetCriterion, listed: list[tuple[str, str]]) -> tuple[str, ...]:
    """The terms that stand for the (system, code) pairs of a value set."""
    return tuple(
        prefix + (code if criterion.bare else f"{system}|{code}")
        for prefix in criterion.prefixes
        for system, code in listed
    )
