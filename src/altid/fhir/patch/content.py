"""Building the JSON of a patch's value for the element that it is meant for."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from altid.fhir.outcome import FhirError
from altid.fhir.patch import places
from altid.fhir.patch.elements import Slot, find_slot, is_primitive
from altid.fhir.patch.operation import Value, failed, shorten

_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})


class Content(NamedTuple):
    """A value ready to be put under the JSON name `key`."""

    key: str
    value: Any
    extension: Any = None


def build(number: int, slot: Slot, value: Value) -> Content:
    """The JSON of `value` as the element `slot`. Raises `FhirError` 422 if its type does not belong there."""
    if value.resource is not None:
        if "Resource" not in slot.types:
            raise _wrong_type(number, slot)
        return Content(slot.name, copy.deepcopy(value.resource))
    if value.parts is not None:
        return _build_from_parts(number, slot, value.parts)
    type_ = _fitting_type(number, slot, value)
    if not _has_form(type_, value):
        raise failed(
            number, 400, "structure", "the value has not its type's form.", "værdien har ikke sin types form."
        )
    return Content(slot.key(type_), copy.deepcopy(value.content), copy.deepcopy(value.extension))


def add_to(number: int, container: dict[str, Any], type_: str, name: str, value: Value) -> None:
    """Add the element `name` to `container`, an object of `type_`; a list grows at its end."""
    slot = find_slot(type_, name)
    if slot is None or name == "resourceType":
        raise no_such_element(number, name)
    content = build(number, slot, value)
    if slot.is_list:
        end = places.count(container, content.key)
        places.insert_item(container, content.key, end, content.value, content.extension)
        return
    whole = find_slot(type_, slot.name) or slot
    if whole.keys_present(container):
        raise failed(
            number,
            422,
            "duplicate",
            "the element '{name}' is there already and does not repeat.",
            "elementet '{name}' er der allerede og kan ikke gentages.",
            name=slot.name,
        )
    places.put(container, content.key, content.value, content.extension)


def no_such_element(number: int, name: str) -> FhirError:
    return failed(
        number,
        422,
        "not-found",
        "there is no element '{name}' there.",
        "der findes intet element '{name}' der.",
        name=shorten(name),
    )


def _build_from_parts(number: int, slot: Slot, parts: tuple[tuple[str, Value], ...]) -> Content:
    complex_types = [type_ for type_ in slot.types if not is_primitive(type_) and type_ != "Resource"]
    if len(complex_types) != 1 or not parts:
        raise _wrong_type(number, slot)
    built: dict[str, Any] = {}
    for name, value in parts:
        add_to(number, built, complex_types[0], name, value)
    return Content(slot.key(complex_types[0]), built)


def _fitting_type(number: int, slot: Slot, value: Value) -> str:
    """The type of `slot` that the value is for.

    A parameter may only be of some types, and writers use the nearest (`valueString` for a URI, say).
    So where there is no choice any primitive of the same JSON form will do: the validation judges it later.
    """
    for type_ in slot.types:
        if value.type == type_[:1].upper() + type_[1:]:
            return type_
    if len(slot.types) == 1 and _is_near(value.type or "", slot.types[0]):
        return slot.types[0]
    raise _wrong_type(number, slot)


def _has_form(type_: str, value: Value) -> bool:
    if is_primitive(type_):
        is_plain = not isinstance(value.content, dict | list)
        return is_plain and (value.content is not None or value.extension is not None)
    return isinstance(value.content, dict) and value.extension is None


def _is_near(sent: str, wanted: str) -> bool:
    sent = sent[:1].lower() + sent[1:]
    parameter_value = find_slot("Parameters.parameter", "value")
    if parameter_value is None or sent not in parameter_value.types or not is_primitive(wanted):
        return False
    return is_primitive(sent) and _json_form(sent) == _json_form(wanted)


def _json_form(type_: str) -> str:
    if type_ == "boolean":
        return "boolean"
    return "number" if type_ in _NUMBERS else "string"


def _wrong_type(number: int, slot: Slot) -> FhirError:
    return failed(
        number,
        422,
        "value",
        "the element '{name}' must be of type {types}.",
        "elementet '{name}' skal være af typen {types}.",
        name=slot.name,
        types=", ".join(slot.types),
    )
