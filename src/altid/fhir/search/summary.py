"""Which elements `_summary=true` keeps, and which every part keeps (R4 search.html#summary)."""

from __future__ import annotations

import functools

from altid.fhir import definitions


@functools.cache
def summary_elements(type_name: str) -> frozenset[str]:
    """JSON names of the top-level elements that the definitions mark as summary."""
    elements = definitions.type_definition(type_name).elements.values()
    return frozenset(name for element in elements if element.is_summary for name in element.json_names())


@functools.cache
def mandatory_elements(type_name: str) -> frozenset[str]:
    """JSON names of the top-level elements without which the resource would be invalid."""
    elements = definitions.type_definition(type_name).elements.values()
    return frozenset(name for element in elements if element.minimum > 0 for name in element.json_names())
