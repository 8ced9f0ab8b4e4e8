"""FHIRPath, as far as the R4 search parameters and FHIRPath Patch need it (hl7.org/fhirpath/N1).

A path is parsed to a plain tree once. The definitions say which types each of its steps can meet, so
`Observation.value` falls apart into one *route* per type of value, and a route is only keys to look up
(`valueQuantity`) and conditions to test. Routes serve three uses: index extraction merges them into one walk
over the resource, `evaluate` lists the values, and `locate` the places where the values stand, for patch.

Supported: names, `[n]`, `first()`, `last()`, `where()`, `exists()`, `empty()`, `not()`, `as` and `ofType`,
`is`, `resolve() is Type`, `extension(url)`, `|`, `=`, `!=`, `and`, `or`, literals, `$this`. Anything else
is a `PathError`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from altid.fhir import definitions, references
from altid.fhir.path_syntax import (
    Binary,
    Call,
    Expression,
    Index,
    Is,
    Literal,
    Member,
    Name,
    OfType,
    PathError,
    Where,
    parse,
)

__all__ = ["Key", "Location", "PathError", "Pick", "Route", "Test", "evaluate", "locate", "parse", "routes"]

Evaluator = Callable[[Any, Any], list[Any]]
"""(item, root resource) -> collection."""

RESOURCE = "Resource"


@dataclass(frozen=True, slots=True)
class Key:
    """Go to a member of a JSON object; a list means each of its items."""

    name: str


@dataclass(frozen=True, slots=True)
class Test:
    """Keep the items for which the condition is true. Equal source, equal test."""

    source: Expression
    type: str
    holds: Callable[[Any, Any], bool] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Pick:
    """Keep the item at this position of the collection; -1 is the last."""

    position: int


@dataclass(frozen=True, slots=True)
class Compute:
    """Replace the item by the values of an expression, such as a truth value."""

    source: Expression
    type: str
    values: Evaluator = field(compare=False)


Step = Key | Test | Pick | Compute


class Route(NamedTuple):
    """Steps from the start to values of one declared type."""

    type: str
    steps: tuple[Step, ...]
    binding: str | None = None
    """The required value set of the element, if it has one."""


class Location(NamedTuple):
    """Where a value stands: `parent[key]`. The resource itself stands in a list of its own."""

    parent: Any
    key: str | int
    type: str
    """The declared type of the value."""

    @property
    def value(self) -> Any:
        return self.parent[self.key]


def evaluate(expression: Expression, resource: dict[str, Any], type_name: str) -> list[Any]:
    """The values that the path selects, in order. Raises `PathError` for a path unfit for the type."""
    return _compiled(expression, type_name)(resource, resource)


def locate(expression: Expression, resource: dict[str, Any], type_name: str) -> list[Location]:
    """The places that the path selects. Raises `PathError`, also for a path to computed values."""
    found = []
    for route in routes(expression, type_name):
        locations = [Location([resource], 0, route.type)]
        for step in route.steps:
            locations = _follow(step, locations, resource, route.type)
        found += locations
    return found


def resolved_type(condition: Expression) -> str | None:
    """The type of a condition `resolve() is Type`, else None."""
    match condition:
        case Is(Call(Name("$this"), "resolve"), type_name):
            return type_name
        case _:
            return None


def _follow(step: Step, locations: list[Location], root: Any, type_name: str) -> list[Location]:
    match step:
        case Key(name):
            return [place for location in locations for place in _places(location.value, name, type_name)]
        case Test():
            return [location for location in locations if step.holds(location.value, root)]
        case Pick(position):
            return _pick(locations, position)
        case Compute():
            raise PathError("The path gives a computed value, not a place in the resource.")


def _places(value: Any, name: str, type_name: str) -> list[Location]:
    child = value.get(name) if isinstance(value, dict) else None
    if isinstance(child, list):
        return [Location(child, index, type_name) for index, item in enumerate(child) if item is not None]
    return [] if child is None else [Location(value, name, type_name)]


def _pick(items: list[Any], position: int) -> list[Any]:
    return items[position:][:1]


@functools.lru_cache(maxsize=4096)
def _compiled(expression: Expression, type_name: str) -> Evaluator:
    match expression:
        case Literal(value):
            return lambda item, root: [value]
        case Binary(operator, left, right) if operator != "|":
            return _operation(operator, _compiled(left, type_name), _compiled(right, type_name))
        case Call(target, name):
            return _call(name, _compiled(target, type_name))
        case Is(target, wanted):
            return _is(target, wanted, type_name)
        case _:
            return _along(routes(expression, type_name))


def along(route: Route) -> Evaluator:
    """What lists the values of one route, given an item and the resource that it is in."""
    return _along((route,))


def _along(ways: tuple[Route, ...]) -> Evaluator:
    compiled = [[_movement(step) for step in way.steps] for way in ways]

    def values(item: Any, root: Any) -> list[Any]:
        found: list[Any] = []
        for movements in compiled:
            items = [item]
            for move in movements:
                if not items:
                    break
                items = move(items, root)
            found += items
        return found

    return values


def _movement(step: Step) -> Callable[[list[Any], Any], list[Any]]:
    """The step as a function from a collection to the next."""
    match step:
        case Key(name):
            return lambda items, root: [value for item in items for value in members(item, name)]
        case Test(holds=holds):
            return lambda items, root: [item for item in items if holds(item, root)]
        case Pick(position):
            return lambda items, root: _pick(items, position)
        case Compute(values=values):
            return lambda items, root: [value for item in items for value in values(item, root)]


def members(item: Any, name: str) -> list[Any]:
    """The values of a member of a JSON object; the gaps in a list of primitives are no values."""
    child = item.get(name) if isinstance(item, dict) else None
    if isinstance(child, list):
        return [value for value in child if value is not None]
    return [] if child is None else [child]


def _operation(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    def compare(item: Any, root: Any) -> list[Any]:
        one, other = left(item, root), right(item, root)
        if not one or not other:
            return []
        return [(one == other) is (operator == "=")]

    def combine(item: Any, root: Any) -> list[Any]:
        truths = (_truth(left(item, root)), _truth(right(item, root)))
        decisive = operator == "or"
        if decisive in truths:
            return [decisive]
        return [] if None in truths else [not decisive]

    return combine if operator in ("and", "or") else compare


def _truth(values: list[Any]) -> bool | None:
    """The truth of a collection: empty is unknown, a single value that is no boolean counts as true."""
    if not values:
        return None
    return values[0] is not False


def _call(name: str, target: Evaluator) -> Evaluator:
    match name:
        case "exists":
            return lambda item, root: [bool(target(item, root))]
        case "empty":
            return lambda item, root: [not target(item, root)]
        case _:
            return lambda item, root: [value is False for value in target(item, root)[:1]]


def _is(target: Expression, wanted: str, type_name: str) -> Evaluator:
    if isinstance(target, Call) and target.name == "resolve":
        found = _compiled(target.target, type_name)
        return lambda item, root: [
            references.target_type(value, root) == wanted for value in found(item, root)
        ]
    named = _type_named(wanted)
    ways = [(along(way), _is_kind(way.type, named)) for way in routes(target, type_name)]
    return lambda item, root: [fits for values, fits in ways for _ in values(item, root)]


@functools.lru_cache(maxsize=4096)
def routes(expression: Expression, type_name: str) -> tuple[Route, ...]:
    """All routes from a value of the type. Raises `PathError` if the type has no such element."""
    match expression:
        case Name("$this"):
            return (Route(type_name, ()),)
        case Name(name):
            if _is_kind(type_name, name):
                return (Route(type_name, ()),)
            return _step_to(name, (Route(type_name, ()),))
        case Member(target, name):
            return _step_to(name, routes(target, type_name))
        case Index(target, position):
            return _append(routes(target, type_name), lambda _: Pick(position))
        case Where(target, condition):
            return _append(routes(target, type_name), lambda kind: _test(condition, kind))
        case OfType(target, wanted):
            return _of_type(routes(target, type_name), _type_named(wanted))
        case Binary("|", left, right):
            return tuple(dict.fromkeys(routes(left, type_name) + routes(right, type_name)))
        case Call(_, "resolve"):
            raise PathError("resolve() is understood only in `resolve() is Type`.")
        case _:
            compute = Compute(expression, type_name, _compiled(expression, type_name))
            return (Route("boolean", (compute,)),)


def _append(ways: tuple[Route, ...], step: Callable[[str], Step]) -> tuple[Route, ...]:
    return tuple(way._replace(steps=(*way.steps, step(way.type))) for way in ways)


def _test(condition: Expression, type_name: str) -> Test:
    evaluator = _compiled(condition, type_name)
    return Test(condition, type_name, lambda item, root: _truth(evaluator(item, root)) is True)


def _step_to(name: str, ways: tuple[Route, ...]) -> tuple[Route, ...]:
    found: list[Route] = []
    for way in ways:
        element = definitions.type_definition(way.type).elements.get(name)
        if element is not None:
            keys = element.json_names().items()
            found += [Route(kind, (*way.steps, Key(key)), element.binding) for key, kind in keys]
    if not found:
        raise PathError(f"{ways[0].type if ways else 'Nothing'} has no element {name[:64]}.")
    return tuple(found)


def _of_type(ways: tuple[Route, ...], wanted: str) -> tuple[Route, ...]:
    found = []
    for way in ways:
        if _is_kind(way.type, wanted):
            found.append(way)
        elif _is_kind(wanted, way.type):
            found.append(Route(wanted, (*way.steps, _type_test(wanted))))
    if not found:
        raise PathError(f"No value there can be of the type {wanted}.")
    return tuple(found)


def _type_test(wanted: str) -> Test:
    """Tells contained resources apart: the only values that say themselves what they are."""
    return Test(
        Name(wanted),
        RESOURCE,
        lambda item, root: isinstance(item, dict) and item.get("resourceType") == wanted,
    )


def _type_named(name: str) -> str:
    """The type as the definitions spell it; HL7's own expressions write `DateTime` for dateTime."""
    for spelling in (name, name[:1].lower() + name[1:]):
        with contextlib.suppress(KeyError):
            return definitions.type_definition(spelling).name
    raise PathError(f"There is no type {name[:64]}.")


def _is_kind(name: str, wanted: str) -> bool:
    """Whether the type is `wanted` or derived from it."""
    kind: str | None = name
    while kind is not None:
        if kind == wanted:
            return True
        kind = definitions.type_definition(kind).base
    return False
