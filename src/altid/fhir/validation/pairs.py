"""Primitives with an id or extensions of their own: `name` and `_name` side by side (R4 §2.6.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .faults import (
    EMPTY_ARRAY,
    FAULTS_MAX,
    MISALIGNED,
    NO_FAULTS,
    NOT_ARRAY,
    NULL,
    Faults,
    fault,
    within,
)
from .primitives import Check, check_string

_ABSENT = object()


class Paired(NamedTuple):
    """A primitive element: its name in paths, the check of one value, and whether it repeats."""

    path: str
    check: Check
    is_list: bool


def check_pairs(paired: Mapping[str, Paired], value: dict[str, Any], scope: Any, element: Check) -> Faults:
    """Check every `_name` of the object together with its `name`; `element` checks an Element."""
    faults = NO_FAULTS
    for key, extra in value.items():
        name = key[1:]
        if key[:1] != "_" or name not in paired:
            continue
        path, check, is_list = paired[name]
        primitive = value.get(name, _ABSENT)
        if is_list:
            found = _check_lists(check, primitive, extra, scope, element, name)
        else:
            found = _check_pair(check, primitive, extra, scope, element)
        faults += within(path, found)
    return faults


def _check_pair(check: Check, primitive: Any, extra: Any, scope: Any, element: Check) -> Faults:
    if primitive is None or extra is None:
        return fault(NULL)
    if primitive is _ABSENT:
        return element(extra, scope)
    return check(primitive, scope) + _check_beside_value(extra, scope, element)


def _check_beside_value(extra: Any, scope: Any, element: Check) -> Faults:
    """Beside a value an id alone is enough to say (ele-1 counts the value)."""
    if type(extra) is dict and extra.keys() == {"id"}:
        return within("id", check_string(extra["id"], scope))
    return element(extra, scope)


def _check_lists(check: Check, primitives: Any, extras: Any, scope: Any, element: Check, name: str) -> Faults:
    """Two arrays of one length, with null where only the other has something to say."""
    if type(extras) is not list or (primitives is not _ABSENT and type(primitives) is not list):
        return fault(NOT_ARRAY)
    if not extras:
        return fault(EMPTY_ARRAY)
    if primitives is _ABSENT:
        primitives = [None] * len(extras)
    if len(primitives) != len(extras):
        return fault(MISALIGNED, name=name)
    faults = NO_FAULTS
    for index, (primitive, extra) in enumerate(zip(primitives, extras, strict=True)):
        faults += within(f"[{index}]", _check_item(check, primitive, extra, scope, element))
        if len(faults) >= FAULTS_MAX:
            break
    return faults


def _check_item(check: Check, primitive: Any, extra: Any, scope: Any, element: Check) -> Faults:
    if extra is None:
        return fault(NULL) if primitive is None else check(primitive, scope)
    return _check_pair(check, _ABSENT if primitive is None else primitive, extra, scope, element)
