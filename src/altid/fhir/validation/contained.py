"""Contained resources (R4 §2.3.0.4): what only the whole container can tell (dom-3 to dom-5, unique ids)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from .faults import DOM_3, DOM_4, DOM_5, FAULTS_MAX, NO_FAULTS, SAME_CONTAINED_ID, Faults, fault, within

_CONTAINER = "#"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def types_by_id(resource: dict[str, Any]) -> Mapping[str, str]:
    """id -> type of the contained resources, with `""` for the container; of a resource not yet checked."""
    found = resource.get("contained")
    if type(found) is not list:
        return _NOTHING
    types = {"": str(resource["resourceType"])}
    for item in found:
        if type(item) is dict and type(item.get("id")) is str:
            types[item["id"]] = str(item.get("resourceType"))
    return types


def check_invariants(resource: dict[str, Any]) -> Faults:
    """Faults of a resource whose parts are all in order by themselves."""
    faults = NO_FAULTS
    mentioned = set(_fragments(resource))
    seen: set[str] = set()
    for index, item in enumerate(resource["contained"]):
        faults += within(f"contained[{index}]", _check_item(item, mentioned, seen))
        seen.add(item.get("id"))
        if len(faults) >= FAULTS_MAX:
            break
    return faults


def _check_item(item: dict[str, Any], mentioned: set[str], seen: set[str]) -> Faults:
    faults = NO_FAULTS
    if item.get("id") in seen:
        faults += fault(SAME_CONTAINED_ID, "id")
    if f"#{item.get('id')}" not in mentioned and _CONTAINER not in _fragments(item):
        faults += fault(DOM_3)
    meta = item.get("meta", {})
    if "versionId" in meta or "lastUpdated" in meta:
        faults += fault(DOM_4, "meta")
    if "security" in meta:
        faults += fault(DOM_5, "meta.security")
    return faults


def _fragments(value: Any) -> Iterator[str]:
    """Every string that starts with `#`: references, but also canonical URLs and URIs count for dom-3."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            waiting.extend(item.values())
        elif type(item) is list:
            waiting.extend(item)
        elif type(item) is str and item.startswith("#"):
            yield item
