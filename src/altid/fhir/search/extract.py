"""From a resource to its index entries (R4 search.html).

Each type's parameters are compiled once, at its first resource, into one walk over the resource. Values that
are not as the standard wants them are passed over: validation is where they are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from typing import Any

from altid.fhir import path
from altid.fhir.search import composites, references, tokens, values
from altid.fhir.search.collector import Collector
from altid.fhir.search.entries import Entries
from altid.fhir.search.parameters import Parameter, is_alias, routes, search_parameters, sources
from altid.fhir.search.walk import Leaf, Node, tree, walk

_COLUMNS = frozenset({"_id", "_lastUpdated"})


def extract(resource: dict[str, Any], codes: Collection[str] | None = None) -> Entries:
    """The entries of a valid resource; of these parameters alone where `codes` names some, which is quicker.
    Raises `KeyError` if it has no known `resourceType`."""
    collector = Collector(resource)
    wanted = None if codes is None else frozenset(codes)
    walk(_tree(resource["resourceType"], wanted), resource, resource, collector)
    return collector.entries()


@functools.cache
def _tree(type_name: str, codes: frozenset[str] | None = None) -> Node:
    return tree(_leaves(type_name, codes))


def _leaves(type_name: str, codes: frozenset[str] | None) -> Iterator[tuple[path.Route, Leaf]]:
    for code, parameter in search_parameters(type_name).items():
        if code in _COLUMNS or is_alias(type_name, code) or (codes is not None and code not in codes):
            continue
        for route in routes(type_name, code):
            leaf = _leaf(type_name, parameter, route)
            if leaf is not None:
                yield route, leaf


def _leaf(type_name: str, parameter: Parameter, route: path.Route) -> Leaf | None:
    match parameter.type:
        case "token":
            return tokens.leaf(type_name, parameter, route.type)
        case "reference":
            return references.leaf(type_name, parameter.code, route.type, _restrictions(type_name, parameter))
        case "composite":
            return composites.leaf(type_name, parameter, route)
        case _:
            return values.leaf(type_name, parameter, route.type)


def _restrictions(type_name: str, parameter: Parameter) -> dict[str, str]:
    """Target type -> code of the alias that is present when a reference is to this type."""
    return {
        source.target: code
        for code in search_parameters(type_name)
        if is_alias(type_name, code)
        for source in sources(type_name, code)
        if source.code == parameter.code and source.target is not None
    }
