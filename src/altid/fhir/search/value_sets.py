"""The codes of a ValueSet resource, for `:in` with a value set of the record's own (R4 valueset.html)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from altid.fhir.outcome import FhirError, refuse
from altid.fhir.search.criteria import ValueSetCriterion
from altid.fhir.search.token_query import value_set_terms

CODES_MAX = 10_000
"""Codes of a value set that a search looks up; each costs an index look-up."""

Code = tuple[str, str]
"""(system, code)."""


def codes(value_set: dict[str, Any]) -> list[Code]:
    """The codes that the resource itself lists, by its expansion or else by its composition.

    Raises `FhirError` (not-supported) for a value set that needs a terminology server: whole code systems,
    filters, other value sets.
    """
    expansion = value_set.get("expansion")
    if expansion is not None:
        listed = list(_contained(expansion.get("contains", ())))
    else:
        compose = value_set.get("compose", {})
        included = _composed(compose.get("include", ()))
        excluded = frozenset(_composed(compose.get("exclude", ())))
        listed = [code for code in included if code not in excluded]
    if len(listed) > CODES_MAX:
        raise _too_large()
    return list(dict.fromkeys(listed))


def terms_of(criterion: ValueSetCriterion, listed: Iterable[Code]) -> tuple[str, ...]:
    """The terms of which a resource in (or, negated, not in) the value set has one."""
    return value_set_terms(criterion, list(listed))


def _contained(concepts: Iterable[dict[str, Any]]) -> Iterator[Code]:
    waiting = list(concepts)
    while waiting:
        concept = waiting.pop(0)
        if "code" in concept and not concept.get("abstract"):
            yield concept.get("system", ""), concept["code"]
        waiting += concept.get("contains", ())


def _composed(parts: Iterable[dict[str, Any]]) -> list[Code]:
    listed = []
    for part in parts:
        if "concept" not in part or "valueSet" in part or "filter" in part:
            raise _needs_terminology()
        listed += [(part.get("system", ""), concept["code"]) for concept in part["concept"]]
    return listed


def _needs_terminology() -> FhirError:
    return refuse(
        400,
        "not-supported",
        "The value set does not list its codes, so it cannot be searched by.",
        "Værdisættet opregner ikke sine koder, så der kan ikke søges med det.",
    )


def _too_large() -> FhirError:
    return refuse(
        400,
        "too-costly",
        "The value set has more than {limit} codes.",
        "Værdisættet har mere end {limit} koder.",
        limit=CODES_MAX,
    )
