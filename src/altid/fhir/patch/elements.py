"""Elements of a type as a patch sees them: their JSON names, and where a container stands in a resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from altid.fhir import definitions

_BESIDE = "Element"


class Slot(NamedTuple):
    """An element that a container may have. `types` are those that a value may be of, here and now."""

    name: str
    types: tuple[str, ...]
    is_list: bool
    is_choice: bool

    def key(self, type_: str) -> str:
        """JSON name of the element when its value is of `type_`."""
        return self.name + type_[:1].upper() + type_[1:] if self.is_choice else self.name

    def keys_present(self, container: dict[str, Any]) -> list[str]:
        """JSON names under which the element stands in `container`, extensions alone included."""
        keys = (self.key(type_) for type_ in self.types)
        return [key for key in keys if key in container or "_" + key in container]


class Home(NamedTuple):
    """A container and what it is: an object of `type`, or the list `key` of such an object."""

    owner: dict[str, Any]
    type: str
    key: str | None


def find_slot(type_: str, name: str) -> Slot | None:
    """The element `name` of `type_`; a choice is called `value`, `value[x]` or, narrowed, `valueString`."""
    elements = _elements(type_)
    element = elements.get(name.removesuffix("[x]"))
    if element is not None and (element.is_choice or not name.endswith("[x]")):
        return Slot(element.name, element.types, element.is_list, element.is_choice)
    for choice in elements.values():
        if choice.is_choice and name.startswith(choice.name) and name in choice.json_names():
            return Slot(choice.name, (choice.json_names()[name],), choice.is_list, True)
    return None


def is_primitive(type_: str) -> bool:
    """Whether `type_` is written in JSON as a plain value."""
    return definitions.type_definition(type_).kind == "primitive"


def own_type(value: dict[str, Any], type_: str) -> str:
    """The type of an object that is declared as `type_`: a resource says itself which it is."""
    named = value.get("resourceType")
    if type_ == "Resource" and isinstance(named, str) and named in definitions.resource_types():
        return named
    return type_


def _elements(type_: str) -> Mapping[str, definitions.ElementDefinition]:
    return definitions.type_definition(type_).elements


def find_home(resource: dict[str, Any], container: Any) -> Home | None:
    """Where in `resource` the very object or list `container` stands."""
    for owner, type_ in _objects(resource):
        if owner is container:
            return Home(owner, type_, None)
        for key, value in owner.items():
            if value is container and isinstance(value, list):
                return Home(owner, type_, key)
    return None


def _objects(resource: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each object in `resource` with its type, outer before inner."""
    waiting: list[tuple[Any, str]] = [(resource, "Resource")]
    while waiting:
        value, type_ = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, type_) for item in value]
        elif isinstance(value, dict):
            type_ = own_type(value, type_)
            yield value, type_
            waiting += [(child, _type_below(type_, key)) for key, child in value.items()]


def _type_below(type_: str, key: str) -> str:
    """The type of what stands under `key`; beside a primitive (`_birthDate`) stand extensions only."""
    slot = find_slot(type_, key)
    return slot.types[0] if slot is not None else _BESIDE
