"""Composite parameters: two values of the same element (R4 search.html#composite).

Where the element is the resource itself, such as `Observation.code-value-quantity`, the components' own
parameters say as much, since each occurs once. For inner elements, such as `Observation.component`, the
code that comes first is made part of the term or key: `T.p=SYSTEM|CODE$OTHER`, or a range entry with the
key `T.p=SYSTEM|CODE`. Quantities are found there by number and coded unit, not by the unit's human name:
that would add half as many entries again.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from altid.fhir import path
from altid.fhir.search import tokens, values
from altid.fhir.search.collector import Collector
from altid.fhir.search.normal import normalise
from altid.fhir.search.parameters import Component, Parameter, routes, search_parameters
from altid.fhir.search.references import local
from altid.fhir.search.walk import Leaf


@functools.cache
def inner(type_name: str, code: str) -> str | None:
    """The composite that has the entries of this one's inner elements, None if there are no inner ones.

    `combo-code-value-quantity` is the resource's own code and value, or those of a component, which
    `component-code-value-quantity` has indexed already.
    """
    wanted = {route for route in routes(type_name, code) if route.steps}
    if not wanted:
        return None
    parameter = search_parameters(type_name)[code]
    expressions = [component.expression for component in parameter.components]
    for other, candidate in sorted(search_parameters(type_name).items()):
        same = [component.expression for component in candidate.components] == expressions
        if candidate.type == "composite" and same and set(routes(type_name, other)) == wanted:
            return other
    return code


@functools.cache
def outer(type_name: str, code: str) -> tuple[str, ...] | None:
    """The parameters that together say it of the resource itself, None if only inner elements are meant."""
    if all(route.steps for route in routes(type_name, code)):
        return None
    parameter = search_parameters(type_name)[code]
    return tuple(_equivalent(type_name, component) for component in parameter.components)


def _equivalent(type_name: str, component: Component) -> str:
    """The narrowest parameter of the component's type that covers what the component is about."""
    wanted = {(r.type, r.steps) for r in path.routes(path.parse(component.expression), type_name)}
    found = []
    for code, parameter in search_parameters(type_name).items():
        if parameter.type == component.type:
            covered = {(r.type, r.steps) for r in routes(type_name, code)}
            if wanted <= covered:
                found.append((len(covered), code))
    return min(found)[1]


def leaf(type_name: str, parameter: Parameter, route: path.Route) -> Leaf | None:
    """What indexes an inner element; None for the resource itself and where another composite does it."""
    if not route.steps or inner(type_name, parameter.code) != parameter.code:
        return None
    code, key = parameter.code, f"{type_name}.{parameter.code}"
    first, second = parameter.components
    heads_of = _heads(first, route.type)
    add_tails = _tails(second, route.type)

    def index(element: Any, found: Collector) -> None:
        keys = [f"{key}={head}" for head in heads_of(element)]
        if keys and add_tails(element, found, keys):
            found.present[code] = None

    return index


def forms(system: str, code: str) -> tuple[str, str]:
    """The two ways in which a code is part of a composite."""
    return f"{system}|{code}", code


def _selected(component: Component, element_type: str) -> Callable[[Any], Iterator[tuple[Any, str]]]:
    """The values of the component in an element, each with its type."""
    ways = [
        (route.type, path.along(route))
        for route in path.routes(path.parse(component.expression), element_type)
    ]

    def select(element: Any) -> Iterator[tuple[Any, str]]:
        for kind, values_of in ways:
            for value in values_of(element, element):
                yield value, kind

    return select


def _heads(component: Component, element_type: str) -> Callable[[Any], Iterator[str]]:
    select = _selected(component, element_type)

    def heads(element: Any) -> Iterator[str]:
        for value, kind in select(element):
            if component.type == "reference":
                target = value.get("reference", "")
                yield local(target) or target
            else:
                for system, code in tokens.pairs(value, kind):
                    yield from forms(system, code)

    return heads


def _tails(component: Component, element_type: str) -> Callable[[Any, Collector, list[str]], bool]:
    """What adds the component's entries under each of some keys, and says whether there was a value."""
    select = _selected(component, element_type)

    def add(element: Any, found: Collector, keys: list[str]) -> bool:
        selected = list(select(element))
        for value, kind in selected:
            _add_tail(component.type, value, kind, found, keys)
        return bool(selected)

    return add


def _add_tail(component_type: str, value: Any, kind: str, found: Collector, keys: list[str]) -> None:
    match component_type:
        case "quantity":
            rows = list(values.quantity_rows(itertools.islice(values.quantities(value, kind), 1)))
            for key in keys:
                for suffix, low, high, system, unit in rows:
                    found.quantities[key + suffix, low, high, system, unit] = None
        case "token":
            tails = [form for coding in tokens.pairs(value, kind) for form in forms(*coding)]
            found.terms.update((f"{key}${tail}", None) for key in keys for tail in tails)
        case "date":
            if (meant := values.period(value, kind)) is not None:
                found.dates.update(((key, *meant), None) for key in keys)
        case "string":
            texts = [normalise(text) for text in values.texts(value, kind)]
            found.strings.update(((key, text), None) for key in keys for text in texts)
