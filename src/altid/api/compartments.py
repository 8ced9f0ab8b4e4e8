"""Compartments: what belongs to a patient, an encounter, … (R4 compartmentdefinition.html)."""

from __future__ import annotations

from functools import cache

from altid.api import errors
from altid.api.reading import check_id
from altid.fhir.definitions import resource_types
from altid.fhir.search.criteria import AnyOf, Criterion, IdCriterion, TermCriterion
from altid.fhir.search.parameters import compartments, reference_terms


def compartment_restriction(compartment: str, id_: str, type_: str | None) -> tuple[Criterion, ...]:
    """The criterion that keeps a search inside one compartment, of one type or of all."""
    types = compartments().get(compartment)
    if types is None or (type_ is not None and type_ not in types):
        raise errors.not_found()
    terms = _terms(compartment, check_id(id_), [type_] if type_ else list(types))
    inside: Criterion = TermCriterion(terms)
    if type_ == compartment:
        return (AnyOf((inside, IdCriterion((id_,)))),)
    return (inside,)


def everything_terms(patient: str) -> tuple[str, ...]:
    """The terms of which every resource of this patient's compartment has at least one."""
    return _terms("Patient", patient, list(compartments()["Patient"]))


@cache
def types_outside() -> tuple[str, ...]:
    """Types that belong to no patient: staff, places, drugs, definitions."""
    inside = {type_ for type_, codes in compartments()["Patient"].items() if codes}
    return tuple(sorted(set(resource_types()) - inside - {"Patient"}))


def _terms(compartment: str, id_: str, types: list[str]) -> tuple[str, ...]:
    codes = compartments()[compartment]
    return tuple(
        term
        for type_ in types
        for code in codes.get(type_, ())
        for term in reference_terms(type_, code, compartment, id_)
    )
