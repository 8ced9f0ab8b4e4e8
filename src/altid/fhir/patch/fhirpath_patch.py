"""FHIRPath Patch (R4 fhirpatch §3.1.4): add, insert, delete, replace and move at places that paths name.

Each path must name one element (of `delete` at most one). Places are found anew for every operation, so each
sees what those before it did.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from altid.fhir.json import DEPTH_MAX
from altid.fhir.patch import places
from altid.fhir.patch.content import add_to, build, no_such_element
from altid.fhir.patch.elements import Slot, find_home, find_slot, own_type
from altid.fhir.patch.identity import require_same_identity
from altid.fhir.patch.operation import Operation, Value, failed, read_operations
from altid.fhir.patch.prune import Container, prune
from altid.fhir.path import Location, PathError, locate, parse

_LIST_PATH = re.compile(r"(?P<parent>.+)\.(?P<name>[A-Za-z][A-Za-z0-9]*)", re.DOTALL)
"""A path that ends with the plain name of an element: the form in which lists are named."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands: under `key` of `owner`, as item `index` if that is a list."""

    owner: dict[str, Any]
    slot: Slot
    key: str
    index: int | None


def apply_fhirpath_patch(resource: dict[str, Any], parameters: Any) -> dict[str, Any]:
    """Return `resource` as changed by the operations of `parameters`; neither of the two is modified.

    Raises `FhirError`: 400 if `parameters` is no FHIRPath Patch, 422 if an operation can't be applied. Each
    names its operation, counting from 0.
    """
    patched = copy.deepcopy(resource)
    emptied: list[Container] = []
    for operation in read_operations(parameters):
        _apply(patched, operation, emptied)
        _require_bounded_depth(patched, operation.number)
    require_same_identity(resource, patched)
    prune(patched, emptied)
    return patched


def _apply(resource: dict[str, Any], operation: Operation, emptied: list[Container]) -> None:
    match operation:
        case Operation(type="add", name=str(name), value=Value() as value):
            _add(resource, operation, name, value)
        case Operation(type="replace", value=Value() as value):
            _replace(resource, operation, value)
        case Operation(type="delete"):
            _delete(resource, operation, emptied)
        case Operation(type="insert", index=int(index), value=Value() as value):
            _insert(resource, operation, index, value)
        case Operation(type="move", source=int(source), destination=int(destination)):
            _move(resource, operation, source, destination)


def _add(resource: dict[str, Any], operation: Operation, name: str, value: Value) -> None:
    location = _the_one(_locations(resource, operation, operation.path), operation)
    container = location.value
    if isinstance(container, dict):
        add_to(operation.number, container, own_type(container, location.type), name, value)
        return
    _add_beside(_place(resource, operation, location), operation, name, value)


def _add_beside(place: _Place, operation: Operation, name: str, value: Value) -> None:
    """Add to a primitive: its id or an extension, which JSON keeps in an object beside it."""
    if place.index is None:
        beside = place.owner.get("_" + place.key)
    else:
        beside = places.extension_of_item(place.owner, place.key, place.index)
    beside = beside if isinstance(beside, dict) else {}
    add_to(operation.number, beside, "Element", name, value)
    if place.index is None:
        place.owner["_" + place.key] = beside
    else:
        places.extend_item(place.owner, place.key, place.index, beside)


def _replace(resource: dict[str, Any], operation: Operation, value: Value) -> None:
    place = _place(resource, operation, _the_one(_locations(resource, operation, operation.path), operation))
    content = build(operation.number, place.slot, value)
    if place.index is not None:
        places.replace_item(place.owner, place.key, place.index, content.value, content.extension)
        return
    if content.key != place.key:  # a choice changes its type, and with it its name
        places.remove(place.owner, place.key)
    places.put(place.owner, content.key, content.value, content.extension)


def _delete(resource: dict[str, Any], operation: Operation, emptied: list[Container]) -> None:
    locations = _locations(resource, operation, operation.path)
    if not locations:
        return
    place = _place(resource, operation, _the_one(locations, operation))
    if place.index is None:
        places.remove(place.owner, place.key)
    else:
        places.remove_item(place.owner, place.key, place.index)
    emptied.append(place.owner)


def _insert(resource: dict[str, Any], operation: Operation, index: int, value: Value) -> None:
    owner, slot = _list(resource, operation)
    content = build(operation.number, slot, value)
    length = places.count(owner, content.key)
    _require_index(operation, "index", index, length)
    places.insert_item(owner, content.key, index, content.value, content.extension)


def _move(resource: dict[str, Any], operation: Operation, source: int, destination: int) -> None:
    owner, slot = _list(resource, operation)
    last = places.count(owner, slot.name) - 1
    _require_index(operation, "source", source, last)
    _require_index(operation, "destination", destination, last)
    places.move_item(owner, slot.name, source, destination)


def _locations(resource: dict[str, Any], operation: Operation, path: str) -> list[Location]:
    type_ = own_type(resource, "Resource")
    try:
        return locate(parse(path), resource, type_)
    except PathError:
        raise failed(
            operation.number,
            422,
            "invalid",
            "the path is no FHIRPath to an element of {type}.",
            "stien er ikke en FHIRPath til et element i {type}.",
            type=type_,
        ) from None


def _the_one(locations: list[Location], operation: Operation) -> Location:
    if len(locations) == 1:
        return locations[0]
    raise failed(
        operation.number,
        422,
        "multiple-matches" if locations else "not-found",
        "the path must name one element, and names {count}.",
        "stien skal pege på ét element, men peger på {count}.",
        count=len(locations),
    )


def _place(resource: dict[str, Any], operation: Operation, location: Location) -> _Place:
    home = find_home(resource, location.parent)
    if home is None:
        raise failed(
            operation.number,
            422,
            "business-rule",
            "the whole resource can't be replaced or deleted by a patch.",
            "hele ressourcen kan ikke erstattes eller slettes med en patch.",
        )
    index = location.key if isinstance(location.key, int) else None
    key = home.key or str(location.key)
    slot = find_slot(home.type, key)
    if slot is None:
        raise no_such_element(operation.number, key)
    return _Place(home.owner, find_slot(home.type, slot.name) or slot, key, index)


def _list(resource: dict[str, Any], operation: Operation) -> tuple[dict[str, Any], Slot]:
    """The object that has, or may have, the list that the path names, and the list's element."""
    match = _LIST_PATH.fullmatch(operation.path.strip())
    if match is not None:
        location = _the_one(_locations(resource, operation, match["parent"]), operation)
        if isinstance(location.value, dict):
            slot = find_slot(own_type(location.value, location.type), match["name"])
            if slot is not None and slot.is_list:
                return location.value, slot
    raise failed(
        operation.number,
        422,
        "invalid",
        "the path must name a list by its element's name.",
        "stien skal pege på en liste med elementets navn.",
    )


def _require_index(operation: Operation, name: str, index: int, most: int) -> None:
    if index > most:
        raise failed(
            operation.number,
            422,
            "value",
            "'{name}' is beyond the end of the list.",
            "'{name}' ligger efter listens slutning.",
            name=name,
        )


def _require_bounded_depth(resource: dict[str, Any], number: int) -> None:
    """Refuse a resource that has become deeper than JSON is read; without recursion."""
    level: list[Any] = [resource]
    for _ in range(DEPTH_MAX):
        level = [child for item in level for child in _containers_in(item)]
        if not level:
            return
    raise failed(
        number,
        422,
        "too-costly",
        "the resource becomes nested too deeply.",
        "ressourcen bliver for dybt indlejret.",
    )


def _containers_in(container: Container) -> list[Container]:
    children = container.values() if isinstance(container, dict) else container
    return [child for child in children if isinstance(child, dict | list)]
