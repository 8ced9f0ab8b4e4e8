"""Rules that an element adds to the type of its value: required codes, and where a reference may point.

Each takes the check of the type and gives the check of the element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import literals
from ..definitions import resource_types
from .faults import (
    BAD_REFERENCE,
    NO_FAULTS,
    NOT_IN_VALUE_SET,
    REF_1,
    WRONG_TARGET,
    Faults,
    fault,
)
from .primitives import Check, is_id


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a value stands: what `#id` can point to, and whether references may be conditional.

    `contained` is id -> type of the contained resources of the resource around the value, with `""` for that
    resource itself; it is empty if nothing is contained.
    """

    contained: Mapping[str, str]
    in_transaction: bool = False


def code_rule(base: Check, codes: Mapping[str, frozenset[str]], url: str) -> Check:
    """A code of the value set `url`; its system is implied (R4 §4.1.5)."""
    known = frozenset(code for of_system in codes.values() for code in of_system)
    unknown = fault(NOT_IN_VALUE_SET, value_set=url)

    def check(value: Any, scope: Any) -> Faults:
        if type(value) is str and value in known:
            return NO_FAULTS
        return base(value, scope) or unknown

    return check


def concept_rule(base: Check, codes: Mapping[str, frozenset[str]], url: str) -> Check:
    """A CodeableConcept with at least one coding of the value set, or an extension instead of codings."""
    unknown = fault(NOT_IN_VALUE_SET, value_set=url)

    def check(value: Any, scope: Any) -> Faults:
        if found := base(value, scope):
            return found
        for coding in value.get("coding", ()):
            if coding.get("code") in codes.get(coding.get("system"), ()):
                return NO_FAULTS
        return NO_FAULTS if "coding" not in value and "extension" in value else unknown

    return check


def reference_rule(base: Check, targets: frozenset[str] | None) -> Check:
    """A reference in one of R4's forms (§2.3.0.1), to a type of `targets` as far as the type can be seen."""
    allowed = targets or resource_types()
    wrong_target = fault(WRONG_TARGET, "reference", types=", ".join(sorted(allowed)))

    def check(value: Any, scope: Scope) -> Faults:
        if found := base(value, scope):
            return found
        reference = value.get("reference")
        if reference is None:
            return NO_FAULTS
        type_name, _, rest = reference.partition("/")
        if type_name in allowed and is_id(rest):
            return NO_FAULTS
        return _judge(reference, scope, allowed, wrong_target)

    return check


def _judge(reference: str, scope: Scope, allowed: frozenset[str], wrong_target: Faults) -> Faults:
    """The less common forms; where the type is known from the text, it must be allowed."""
    target: str | None = None
    if reference.startswith("#"):
        target = scope.contained.get(reference[1:])
        if target is None:
            return fault(REF_1, "reference")
    elif literal := literals.parse(reference):
        target = literal.type
    elif scope.in_transaction and (conditional := literals.conditional_type(reference)):
        target = conditional
    elif not literals.is_absolute(reference):
        return fault(BAD_REFERENCE, "reference")
    return NO_FAULTS if target is None or target in allowed else wrong_target
