"""The definitions compiled to checks: for each type one function over one dictionary of what may stand where.

A type is compiled at its first use, so recursive types need no special care: `shape("Extension")` hands out a
function at once, and its table is filled when that function first meets a value. A check takes the JSON value
and the scope in which it stands, and returns the faults; without faults it builds nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..definitions import ElementDefinition, TypeDefinition, resource_types, type_definition, value_set
from . import contained
from .faults import (
    DOM_2,
    ELE_1,
    EMPTY_ARRAY,
    EXT_1,
    FAULTS_MAX,
    NO_FAULTS,
    NO_RESOURCE_TYPE,
    NOT_ARRAY,
    NOT_OBJECT,
    NOT_SINGLE,
    NULL,
    REQUIRED,
    TWO_CHOICES,
    UNKNOWN_ELEMENT,
    UNKNOWN_RESOURCE_TYPE,
    Fault,
    Faults,
    fault,
    within,
)
from .pairs import Paired, check_pairs
from .primitives import CHECKS, Check
from .rules import Scope, code_rule, concept_rule, reference_rule

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_ONLY_ID = frozenset({"id"})


@dataclass(slots=True)
class _Table:
    """A compiled type. `rules` is keyed by JSON name; `paired` has the primitives that may come with `_name`.

    `choices` and `required_choices` hold (name without [x], JSON names).
    """

    name: str
    rules: dict[str, Check] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    paired: dict[str, Paired] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    choices: tuple[tuple[str, frozenset[str]], ...] = ()
    required_choices: tuple[tuple[str, frozenset[str]], ...] = ()
    choice_names: frozenset[str] = frozenset()


@functools.cache
def shape(name: str) -> Check:
    """The check of a resource, data type, backbone or primitive. Raises `KeyError` for an unknown name."""
    if name in CHECKS:
        return CHECKS[name]
    if name == "Resource":
        return check_resource
    return _object_check(type_definition(name))


def check_resource(value: Any, scope: Scope) -> Faults:
    """Check a resource that stands for itself: the root, a Bundle's entry, a parameter."""
    if found := _type_faults(value):
        return found
    inner = Scope(contained.types_by_id(value), scope.in_transaction)
    faults: Faults = shape(value["resourceType"])(value, inner)
    if "contained" in value and not faults:
        faults = contained.check_invariants(value)
    return faults


def _check_contained(value: Any, scope: Scope) -> Faults:
    """Check a contained resource: references see the container's contained resources (R4 §2.3.0.4)."""
    if found := _type_faults(value):
        return found
    if "contained" in value:
        return fault(DOM_2, "contained")
    return shape(value["resourceType"])(value, scope)


def _type_faults(value: Any) -> Faults:
    if type(value) is not dict:
        return _A_NON_OBJECT
    if "resourceType" not in value:
        return fault(NO_RESOURCE_TYPE)
    name = value["resourceType"]
    if type(name) is not str or name not in resource_types():
        return fault(UNKNOWN_RESOURCE_TYPE)
    return NO_FAULTS


_A_NON_OBJECT = fault(NOT_OBJECT)


def _object_check(definition: TypeDefinition) -> Check:
    table = _Table(definition.name)
    is_extension = definition.name == "Extension"

    def check(value: Any, scope: Any) -> Faults:
        if type(value) is not dict:
            return _A_NON_OBJECT
        if not table.rules:
            _fill(table, definition)
        faults = NO_FAULTS
        rules = table.rules
        has_pairs = False
        for name, child in value.items():
            if name in rules:
                found = rules[name](child, scope)
                if not found or "_" + name in value:
                    continue
                faults += within(table.paths[name], _said_plainly(child, found))
            elif name[:1] == "_" and name[1:] in table.paired:
                has_pairs = True
                continue
            else:
                faults += _unknown(table, name)
            if len(faults) >= FAULTS_MAX:
                return faults
        if has_pairs:
            faults += check_pairs(table.paired, value, scope, shape("Element"))
        if not table.required <= value.keys():
            faults += tuple(_missing(table, value))
        if table.choices and (
            has_pairs or table.required_choices or len(table.choice_names.intersection(value)) > 1
        ):
            faults += tuple(_wrong_choices(table, value))
        if len(value) <= 1 and value.keys() <= _ONLY_ID:
            faults += fault(ELE_1)
        if is_extension and ("extension" in value) == _has_value(value):
            faults += fault(EXT_1)
        return faults

    return check


def _fill(table: _Table, definition: TypeDefinition) -> None:
    """Compile the definition; the rules are set last, since a table with rules counts as filled."""
    rules: dict[str, Check] = {}
    for element in definition.elements.values():
        for name, kind in element.json_names().items():
            check = _rule(element, kind)
            rules[name] = _list_check(check) if element.is_list else check
            table.paths[name] = element.name
            if _has_pair(definition, element, kind):
                table.paired[name] = Paired(element.name, check, element.is_list)
    required = frozenset(e.name for e in definition.elements.values() if e.minimum > 0)
    table.choices = tuple(
        (e.name, frozenset(e.json_names())) for e in definition.elements.values() if e.is_choice
    )
    table.choice_names = frozenset(name for _, names in table.choices for name in names)
    table.required_choices = tuple(choice for choice in table.choices if choice[0] in required)
    table.required = required - {name for name, _ in table.choices}
    if definition.kind == "resource":
        rules["resourceType"] = _accept
    table.rules = rules


def _rule(element: ElementDefinition, kind: str) -> Check:
    """The check of one value of the element, as the type `kind`, without its repetition."""
    if kind == "Resource" and element.name == "contained":
        return _check_contained
    if kind == "Reference":
        return reference_rule(shape(kind), element.targets)
    if element.profile is not None and type_definition(element.profile).base == kind:
        return shape(element.profile)
    codes = value_set(element.binding) if element.binding is not None else None
    if codes is None or element.binding is None:
        return shape(kind)
    make = code_rule if kind == "code" else concept_rule
    return make(shape(kind), codes, element.binding)


def _has_pair(definition: TypeDefinition, element: ElementDefinition, kind: str) -> bool:
    """Whether the primitive can have an id or extensions of its own; what XML writes as attribute cannot."""
    if kind not in CHECKS or kind == "xhtml":
        return False
    if element.name == "id":
        return definition.kind == "resource"
    return not (definition.name == "Extension" and element.name == "url")


def _accept(_value: Any, _scope: Any) -> Faults:
    return NO_FAULTS


def _list_check(check: Check) -> Check:
    def check_all(value: Any, scope: Any) -> Faults:
        if type(value) is not list:
            return _A_NON_ARRAY
        if not value:
            return _AN_EMPTY_ARRAY
        faults = NO_FAULTS
        for index, child in enumerate(value):
            if found := check(child, scope):
                faults += within(f"[{index}]", _said_plainly(child, found))
                if len(faults) >= FAULTS_MAX:
                    break
        return faults

    return check_all


_A_NON_ARRAY = fault(NOT_ARRAY)
_AN_EMPTY_ARRAY = fault(EMPTY_ARRAY)


def _said_plainly(value: Any, found: Faults) -> Faults:
    """null and stray arrays get a message of their own instead of the one about the expected type."""
    if value is None:
        return fault(NULL)
    if type(value) is list and found[0].path == "" and found[0].message != EMPTY_ARRAY:
        return fault(NOT_SINGLE)
    return found


def _unknown(table: _Table, name: str) -> Faults:
    """A name is told only if it looks like one; anything else may be data in the wrong place."""
    if _NAME.fullmatch(name) is None:
        return fault(UNKNOWN_ELEMENT, type=table.name, name="?")
    return fault(UNKNOWN_ELEMENT, name.removeprefix("_"), type=table.name, name=name)


def _missing(table: _Table, value: dict[str, Any]) -> Iterator[Fault]:
    for name in sorted(table.required - value.keys()):
        if "_" + name not in value or name not in table.paired:
            yield from fault(REQUIRED, name, type=table.name, name=name)


def _wrong_choices(table: _Table, value: dict[str, Any]) -> Iterator[Fault]:
    given = {name.removeprefix("_") for name in value}
    for name, forms in table.choices:
        if len(forms & given) > 1:
            yield from fault(TWO_CHOICES, name, name=name)
    for name, forms in table.required_choices:
        if not forms & given:
            yield from fault(REQUIRED, name, type=table.name, name=f"{name}[x]")


def _has_value(extension: dict[str, Any]) -> bool:
    return any(name.startswith(("value", "_value")) for name in extension)
