"""Whom a resource is about: the patients that it names as its subject, not all whom it mentions.

What a patient has said of another, or done for another, is in the compartment of both by the standard
(`Observation.performer`); it is about the other alone. So where a type has the search parameter `patient`,
that decides, and the compartment's parameters only where it has none (R4 compartmentdefinition-patient.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from altid.fhir.search.extract import extract
from altid.fhir.search.parameters import compartments, search_parameters, sources

PATIENT = "Patient"


@cache
def about_codes(type_name: str) -> tuple[str, ...]:
    """The codes of refs entries ("code=Patient/id") that say whom a resource of this type is about."""
    parameters = search_parameters(type_name)
    own = parameters.get("patient")
    is_own = own is not None and PATIENT in own.targets
    codes = ("patient",) if is_own else compartments()[PATIENT].get(type_name, ())
    found = {
        source.code
        for code in codes
        if code in parameters
        for source in sources(type_name, code)
        if source.target in (None, PATIENT)
    }
    return tuple(sorted(found))


@cache
def about_prefixes(type_name: str) -> tuple[str, ...]:
    """How those refs entries begin: "code=Patient/"."""
    return tuple(f"{code}={PATIENT}/" for code in about_codes(type_name))


def patients_about(type_name: str, id_: str, refs: Iterable[str]) -> frozenset[str]:
    """Ids of the patients whom a resource with these refs entries is about; a patient is about itself."""
    if type_name == PATIENT:
        return frozenset((id_,))
    prefixes = about_prefixes(type_name)
    if not prefixes:
        return _NONE
    return frozenset([ref.partition("/")[2] for ref in refs if ref.startswith(prefixes)])


def patients_in(resource: dict[str, Any]) -> frozenset[str]:
    """The same of a resource's content. Raises `KeyError` if it has no known `resourceType`."""
    type_name = resource["resourceType"]
    refs = extract(resource, about_codes(type_name)).refs
    return patients_about(type_name, str(resource.get("id", "")), refs)


_NONE: frozenset[str] = frozenset()
