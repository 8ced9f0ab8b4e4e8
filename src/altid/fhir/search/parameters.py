"""The search parameters of each type, and which index entries answer them (R4 searchparameter-registry.html).

Many parameters say the same as others: `Observation.patient` is `subject` restricted to patients,
`combo-code` is `code` or `component-code`. Such an *alias* has no index entries; its `sources` do.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from altid.fhir import definitions, path

ParameterType = Literal[
    "token", "string", "reference", "date", "number", "quantity", "uri", "composite", "special"
]


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a composite; the expression starts at what the composite's expression selects."""

    code: str
    type: ParameterType
    expression: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of one type. `targets` (of references only) are all types that it can point to."""

    code: str
    type: ParameterType
    url: str
    expression: str
    targets: frozenset[str] = frozenset()
    components: tuple[Component, ...] = ()


class Source(NamedTuple):
    """A parameter that has index entries; `target` restricts an alias to references to this type."""

    code: str
    target: str | None = None


_COLUMNS = frozenset({"_id", "_lastUpdated"})
"""Parameters that are answered by the row itself and need no index."""

_COMPONENTS_MAX = 2
"""Composites of three (MolecularSequence only) would need an index of their own."""

_PHONETIC = "phonetic"
"""No algorithm is named by the standard, and a search that only spells would pretend to be one."""


@functools.cache
def search_parameters(type_name: str) -> Mapping[str, Parameter]:
    """Code -> parameter, of all that can be searched by. Raises `KeyError` for an unknown type."""
    return {code: parameter for code, parameter in _parameters(type_name).items() if _is_supported(parameter)}


@functools.cache
def unsupported(type_name: str) -> frozenset[str]:
    """Codes of the standard's parameters of the type that this server refuses."""
    return frozenset(_parameters(type_name).keys() - search_parameters(type_name).keys())


@functools.cache
def sources(type_name: str, code: str) -> tuple[Source, ...]:
    """Where the entries of a parameter are: under its own code, or under those that it is an alias of."""
    return _aliases(type_name).get(code, (Source(code),))


def is_alias(type_name: str, code: str) -> bool:
    """Whether the parameter has no index entries of its own."""
    return code in _aliases(type_name)


@functools.cache
def reference_codes(type_name: str) -> tuple[str, ...]:
    """The codes that refs entries of the type can have."""
    aliases = _aliases(type_name)
    parameters = search_parameters(type_name)
    return tuple(
        sorted(code for code, p in parameters.items() if p.type == "reference" and code not in aliases)
    )


def reference_terms(type_name: str, code: str, target: str, id_: str) -> tuple[str, ...]:
    """The terms of resources that refer by `code` to `target/id_`; none if the type has no such code."""
    parameter = search_parameters(type_name).get(code)
    if parameter is None or target not in parameter.targets:
        return ()
    return tuple(
        f"{type_name}.{source.code}={target}/{id_}"
        for source in sources(type_name, code)
        if source.target in (None, target)
    )


@functools.cache
def compartments() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Compartment -> type -> codes of the reference parameters that put a resource into it."""
    table = definitions.load_table("compartments.json")
    return {
        compartment: {name: tuple(codes) for name, codes in members.items()}
        for compartment, members in table.items()
    }


@functools.cache
def routes(type_name: str, code: str) -> tuple[path.Route, ...]:
    """The routes of the parameter's expression."""
    return path.routes(path.parse(_parameters(type_name)[code].expression), type_name)


@functools.cache
def _table() -> Mapping[str, Mapping[str, dict[str, object]]]:
    table: dict[str, dict[str, dict[str, object]]] = definitions.load_table("search_parameters.json")
    return table


@functools.cache
def _parameters(type_name: str) -> Mapping[str, Parameter]:
    rows = _table()[type_name]
    return {code: _parameter(code, row, rows) for code, row in rows.items()}


def _parameter(code: str, row: dict[str, object], rows: Mapping[str, dict[str, object]]) -> Parameter:
    kind: ParameterType = row["type"]  # type: ignore[assignment]
    targets: frozenset[str] = frozenset()
    if kind == "reference":
        named: list[str] = row.get("targets", [])  # type: ignore[assignment]
        targets = frozenset(named) or definitions.resource_types()
    parts: list[dict[str, str]] = row.get("components", [])  # type: ignore[assignment]
    components = tuple(
        Component(part["code"], rows[part["code"]]["type"], part["expression"])  # type: ignore[arg-type]
        for part in parts
    )
    return Parameter(code, kind, str(row["url"]), str(row["expression"]), targets, components)


def _is_supported(parameter: Parameter) -> bool:
    return (
        parameter.type != "special"
        and parameter.code != _PHONETIC
        and len(parameter.components) <= _COMPONENTS_MAX
    )


@functools.cache
def _aliases(type_name: str) -> Mapping[str, tuple[Source, ...]]:
    """Code -> sources of every alias: first the unions of others, then the restrictions to a target."""
    known = {
        code: frozenset(_bare(route) for route in routes(type_name, code))
        for code, parameter in search_parameters(type_name).items()
        if parameter.type != "composite" and code not in _COLUMNS
    }
    aliases: dict[str, tuple[Source, ...]] = {}
    real: list[str] = []
    for code in sorted(known, key=lambda code: (len(known[code]), code)):
        kind = search_parameters(type_name)[code].type
        parts = [r for r in real if known[r] <= known[code] and search_parameters(type_name)[r].type == kind]
        if parts and frozenset().union(*(known[part] for part in parts)) == known[code]:
            aliases[code] = tuple(Source(part) for part in parts)
        else:
            real.append(code)
    for code in real:
        if (restricted := _restriction(type_name, code)) is not None:
            base, target = restricted
            for other in real:
                if known[other] == base and search_parameters(type_name)[other].type == "reference":
                    aliases[code] = (Source(other, target),)
    return aliases


def _bare(route: path.Route) -> path.Route:
    return route._replace(binding=None)


def _restriction(type_name: str, code: str) -> tuple[frozenset[path.Route], str] | None:
    """(routes without their end, target) if every route ends with `where(resolve() is target)`."""
    found: set[tuple[path.Route, str]] = set()
    for route in routes(type_name, code):
        last = route.steps[-1] if route.steps else None
        if not isinstance(last, path.Test) or (target := path.resolved_type(last.source)) is None:
            return None
        found.add((_bare(route._replace(steps=route.steps[:-1])), target))
    targets = {target for _, target in found}
    return (frozenset(base for base, _ in found), targets.pop()) if len(targets) == 1 else None
