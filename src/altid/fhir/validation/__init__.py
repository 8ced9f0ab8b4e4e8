"""Is this a valid R4 resource? Structure, types, cardinality, formats, required codes, references (R4 §2.26).

Checked are also the invariants that hold everywhere: ele-1, ext-1, ref-1, txt-1, txt-2 and dom-2 to dom-5.
Profiles, other invariants and codes that R4 itself does not list are not this module's business.
"""

from __future__ import annotations

from typing import Any

from ..definitions import resource_types
from ..outcome import Issue
from .faults import FAULTS_MAX, MORE_FAULTS, UNEXPECTED_TYPE, fault, to_issue
from .rules import Scope
from .shapes import check_resource

__all__ = ["FAULTS_MAX", "validate"]


def validate(resource: Any, *, expected_type: str | None = None, in_transaction: bool = False) -> list[Issue]:
    """Issues of a resource as parsed from JSON, none if it is valid; at most `FAULTS_MAX` and a note of more.

    `expected_type` is the type that the request was about. Conditional references (`Patient?identifier=...`)
    are allowed inside a Bundle, and with `in_transaction` in an entry that is checked by itself; whoever
    processes the transaction replaces them (R4 §3.1.0.11.2).
    """
    type_name = resource.get("resourceType") if type(resource) is dict else None
    if type(type_name) is str and expected_type not in (None, type_name):
        faults = fault(UNEXPECTED_TYPE, type=expected_type)
    else:
        faults = check_resource(resource, _SCOPES[in_transaction or type_name == "Bundle"])
    if not faults:
        return []
    root = type_name if type(type_name) is str and type_name in resource_types() else None
    if len(faults) >= FAULTS_MAX:
        faults = faults[:FAULTS_MAX] + fault(MORE_FAULTS, limit=FAULTS_MAX)
    return [to_issue(root, found) for found in faults]


_SCOPES = (Scope({}), Scope({}, in_transaction=True))
