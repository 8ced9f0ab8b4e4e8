"""JSON Patch (RFC 6902) on a resource (R4 http §3.1.0.6).

Numbers are compared by value, as RFC 6902 §4.6 asks, and keep the digits that they were written with.
Members that a `remove` or `move` leaves without content are dropped, since FHIR knows no empty ones.
"""

from __future__ import annotations

import copy
from typing import Any

from jsonpatch import InvalidJsonPatch, JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointer, JsonPointerException

from altid.fhir.json import DEPTH_MAX
from altid.fhir.outcome import FhirError, refuse
from altid.fhir.patch.identity import require_same_identity
from altid.fhir.patch.prune import Container, prune

OPERATIONS_MAX = 500
"""Operations in one patch: more than a person's edit needs, few enough to be applied within milliseconds."""

COPIED_NODES_MAX = 100_000
"""Values that all `copy` operations of a patch may make: repeated copies of a whole double it each time."""

_POINTERS_OF_OPERATION = {
    "add": ("path",),
    "remove": ("path",),
    "replace": ("path",),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path",),
}
_OPERATIONS_WITH_VALUE = frozenset({"add", "replace", "test"})


def apply_json_patch(resource: dict[str, Any], patch: Any) -> dict[str, Any]:
    """Return `resource` as changed by the JSON Patch document `patch`; neither of the two is modified.

    Raises `FhirError`: 400 if `patch` is no JSON Patch, 422 if it can't be applied (a location that is not
    there, a `test` that fails, another id or resourceType, a result that is no object or too large).
    """
    operations = _require_operations(patch)
    document: Any = copy.deepcopy(resource)
    emptied: list[Container] = []
    copies_left = COPIED_NODES_MAX
    for index, operation in enumerate(operations):
        copies_left -= _check_growth(document, operation, index, copies_left)
        emptied += _containers_losing(document, operation)
        document = _apply_one(document, operation, index)
    require_same_identity(resource, document)
    prune(document, emptied)
    return document  # type: ignore[no-any-return]  # it is an object: require_same_identity


def _require_operations(patch: Any) -> list[dict[str, Any]]:
    if not isinstance(patch, list):
        raise refuse(
            400,
            "structure",
            "A JSON Patch is an array of operations.",
            "En JSON Patch er en liste af operationer.",
        )
    if len(patch) > OPERATIONS_MAX:
        raise refuse(
            422,
            "too-costly",
            "A patch may hold at most {limit} operations.",
            "En patch må højst rumme {limit} operationer.",
            limit=OPERATIONS_MAX,
        )
    for index, operation in enumerate(patch):
        _require_operation(operation, index)
    return patch


def _require_operation(operation: Any, index: int) -> None:
    if not isinstance(operation, dict):
        raise _malformed(index)
    op = operation.get("op")
    pointers = _POINTERS_OF_OPERATION.get(op) if isinstance(op, str) else None
    if pointers is None:
        raise refuse(
            400,
            "value",
            "Patch operation {index}: 'op' must be one of {known}.",
            "Patch-operation {index}: 'op' skal være en af {known}.",
            index=index,
            known=", ".join(_POINTERS_OF_OPERATION),
        )
    for member in pointers:
        _require_pointer(operation.get(member), member, index)
    if op in _OPERATIONS_WITH_VALUE and "value" not in operation:
        raise refuse(
            400,
            "required",
            "Patch operation {index}: 'value' is missing.",
            "Patch-operation {index}: 'value' mangler.",
            index=index,
        )


def _require_pointer(text: Any, member: str, index: int) -> None:
    try:
        if isinstance(text, str):
            JsonPointer(text)
            return
    except JsonPointerException:
        pass
    raise refuse(
        400,
        "value",
        "Patch operation {index}: '{member}' must be a JSON Pointer (RFC 6901).",
        "Patch-operation {index}: '{member}' skal være en JSON Pointer (RFC 6901).",
        index=index,
        member=member,
    )


def _apply_one(document: Any, operation: dict[str, Any], index: int) -> Any:
    try:
        return JsonPatch([operation]).apply(document, in_place=True)
    except JsonPatchTestFailed:
        raise refuse(
            422,
            "processing",
            "Patch operation {index}: the test failed, so nothing is changed.",
            "Patch-operation {index}: testen fejlede, så intet er ændret.",
            index=index,
        ) from None
    except InvalidJsonPatch:
        raise _malformed(index) from None
    except (JsonPatchException, JsonPointerException):
        raise refuse(
            422,
            "processing",
            "Patch operation {index}: there is no such location in the resource.",
            "Patch-operation {index}: stedet findes ikke i ressourcen.",
            index=index,
        ) from None


def _malformed(index: int) -> FhirError:
    return refuse(
        400,
        "structure",
        "Patch operation {index} is not an operation of JSON Patch.",
        "Patch-operation {index} er ikke en operation i JSON Patch.",
        index=index,
    )


def _check_growth(document: Any, operation: dict[str, Any], index: int, copies_left: int) -> int:
    """Number of values that the operation copies; refuses a result that is too deep or copies too much."""
    op = operation["op"]
    if op in ("remove", "test"):
        return 0
    value = operation["value"] if op in ("add", "replace") else _resolve(document, operation["from"])
    nodes, depth = _size(value)
    too_much = op == "copy" and nodes > copies_left
    if too_much or len(JsonPointer(operation["path"]).parts) + depth > DEPTH_MAX:
        raise refuse(
            422,
            "too-costly",
            "Patch operation {index} makes the resource too large or too deep.",
            "Patch-operation {index} gør ressourcen for stor eller for dyb.",
            index=index,
        )
    return nodes if op == "copy" else 0


def _containers_losing(document: Any, operation: dict[str, Any]) -> list[Container]:
    """The container that the operation takes something out of, if any."""
    if operation["op"] not in ("remove", "move"):
        return []
    pointer = JsonPointer(operation["path" if operation["op"] == "remove" else "from"])
    parent = _resolve(document, pointer.from_parts(pointer.parts[:-1]).path)
    return [parent] if isinstance(parent, dict | list) else []


def _resolve(document: Any, pointer: str) -> Any:
    try:
        return JsonPointer(pointer).resolve(document)
    except JsonPointerException:
        return None


def _size(value: Any) -> tuple[int, int]:
    """Number of values in `value`, itself included, and levels of nesting; without recursion."""
    nodes, depth, level = 0, 0, [value]
    while level:
        nodes += len(level)
        depth += any(isinstance(item, dict | list) for item in level)
        level = [child for item in level for child in _children(item)]
    return nodes, depth


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
