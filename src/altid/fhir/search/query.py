"""Reads a search: (name, value) pairs to a `Query` (R4 search.html)."""

from __future__ import annotations

from collections.abc import Iterable

from altid.fhir import definitions
from altid.fhir.outcome import refuse
from altid.fhir.search import grammar, results
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    MissingCriterion,
    Query,
    TermCriterion,
    ValueSetCriterion,
)
from altid.fhir.search.grammar import Context
from altid.fhir.search.resolution import resolve

__all__ = ["PARAMETERS_MAX", "Query", "parse"]

PARAMETERS_MAX = 100
"""Parameters of one search; each is a condition that the database must weigh."""

Parameters = Iterable[tuple[str, str]]


def parse(type_name: str | None, parameters: Parameters, context: Context | None = None) -> Query:
    """Read a search of one type, or of the whole system (None), whose `_type` may name types.

    Names and values are percent-decoded already. Raises `FhirError` (400) for what cannot be understood or
    is not supported; parameters that mean nothing here are left out and named in `unknown`.
    """
    pairs = list(parameters)
    if len(pairs) > PARAMETERS_MAX:
        raise refuse(
            400,
            "too-costly",
            "A search has at most {limit} parameters.",
            "En søgning har højst {limit} parametre.",
            limit=PARAMETERS_MAX,
        )
    context = context or Context()
    if type_name is None:
        types, pairs = _types(pairs)
    else:
        types = (type_name,)
    shape: results.Shape = {}
    criteria: list[Criterion] = []
    unknown: list[str] = []
    for name, value in pairs:
        criterion = _criterion(types, name, value, context)
        if criterion is not None:
            criteria.append(criterion)
        elif not results.read(name, value, types, shape):
            unknown.append(grammar.shown(name))
    return Query(types, tuple(criteria), unknown=tuple(unknown), **shape)


def _types(pairs: list[tuple[str, str]]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The types that `_type` names, () for all, and the other parameters."""
    names = [name for key, value in pairs if key == "_type" for name in value.split(",")]
    if any(name not in definitions.resource_types() for name in names):
        raise grammar.bad_value("_type")
    return tuple(dict.fromkeys(names)), [pair for pair in pairs if pair[0] != "_type"]


def _criterion(types: tuple[str, ...], name: str, value: str, context: Context) -> Criterion | None:
    if len(types) == 1:
        builder = resolve(types[0], name)
        return builder(value, context) if builder is not None else None
    builders = [resolve(type_name, name) for type_name in types or sorted(definitions.resource_types())]
    if None in builders:
        return None
    return _merge([builder(value, context) for builder in builders if builder is not None])


def _merge(criteria: list[Criterion]) -> Criterion:
    """One criterion for rows of several types: terms and keys name their type, so each row meets its own."""
    distinct = list(dict.fromkeys(criteria))
    if len(distinct) == 1:
        return distinct[0]
    terms = [criterion for criterion in distinct if isinstance(criterion, TermCriterion)]
    if len(terms) == len(distinct):
        return TermCriterion(tuple(term for part in terms for term in part.terms), terms[0].negated)
    return AllOf(tuple(distinct)) if all(map(_is_negative, distinct)) else AnyOf(tuple(distinct))


def _is_negative(criterion: Criterion) -> bool:
    """Whether the criterion is true of every row of another type."""
    match criterion:
        case MissingCriterion(missing=negated) | ValueSetCriterion(negated=negated):
            return negated
        case TermCriterion(negated=negated):
            return negated
        case _:
            return False
