"""The R4 4.0.1 StructureDefinitions as HL7 published them.

The package mends and extends `profiles-*.json` for its own server (Meta.project, Binary.url, parts of R5),
but `dataelements.json`, where HL7 repeats the definition of each single element, is left as published. So
each element is taken from there, and an element that it does not know is dropped. It lists no `id`, no
extensions and no backbones: those stand as they are, a backbone if it has any known element below it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from .fetch import Definitions

VERSION = "4.0.1"
RESOURCE_TYPES_URL = "http://hl7.org/fhir/resource-types"
BASE = "http://hl7.org/fhir/StructureDefinition/"

RESOURCE_TYPES = 148
"""Codes of the official code system resource-types, the abstract Resource and DomainResource included."""

_KINDS = ("resource", "complex-type", "primitive-type")
_BACKBONES = ("BackboneElement", "Element")
_ON_EVERY_ELEMENT = ("id", "extension", "modifierExtension")

_REPEATED_LENGTH_MAX = 64 - len("de-")
"""Longest path, in characters, that `dataelements.json` can hold: it becomes the id of a resource."""

_MENDED = {"EvidenceVariable.characteristic": {"min": 1}}
"""Backbones that the package changed, as R4 has them."""

Definition = dict[str, Any]


def structures(definitions: Definitions) -> Iterator[Definition]:
    """The official StructureDefinitions of types, with official elements only."""
    published = _published(definitions)
    for structure in _candidates(definitions):
        if structure["kind"] == "primitive-type" or structure.get("derivation") == "constraint":
            yield structure
        else:
            yield structure | {"snapshot": {"element": list(_official(structure, published))}}


@functools.cache
def resource_types(definitions: Definitions) -> frozenset[str]:
    """The official names. Raises `ValueError` if they are not `RESOURCE_TYPES` many."""
    for resource in definitions.resources("valuesets.json"):
        if resource["resourceType"] == "CodeSystem" and resource["url"] == RESOURCE_TYPES_URL:
            codes = frozenset(concept["code"] for concept in resource["concept"])
            if len(codes) == RESOURCE_TYPES:
                return codes
    raise ValueError(f"valuesets.json does not list the {RESOURCE_TYPES} resource types")


def is_backbone(element: Definition) -> bool:
    """Whether the element has elements of its own in the same snapshot."""
    types = element.get("type", [])
    return "." in element["path"] and len(types) == 1 and types[0]["code"] in _BACKBONES


def _candidates(definitions: Definitions) -> Iterator[Definition]:
    official_types = resource_types(definitions)
    for file_name in ("profiles-types.json", "profiles-resources.json"):
        for resource in definitions.resources(file_name):
            if resource["resourceType"] != "StructureDefinition" or resource["kind"] not in _KINDS:
                continue
            if resource["kind"] == "resource" and resource["name"] not in official_types:
                continue
            if resource.get("version") == VERSION and resource["url"].startswith(BASE):
                yield resource


def _published(definitions: Definitions) -> dict[str, Definition]:
    elements: dict[str, Definition] = {}
    for resource in definitions.resources("dataelements.json"):
        if resource["version"] == VERSION:
            for element in resource["snapshot"]["element"]:
                elements.setdefault(element["path"], element)
    return elements


def _official(structure: Definition, published: dict[str, Definition]) -> Iterator[Definition]:
    given = {element["path"]: element for element in structure["snapshot"]["element"]}
    own = {path: element for path, element in published.items() if path.startswith(structure["name"] + ".")}
    for path in given | own:
        if path in own:
            yield own[path]
        elif _stands(given[path], published):
            yield given[path] | _MENDED.get(path, {})


def _stands(element: Definition, published: dict[str, Definition]) -> bool:
    path = element["path"]
    parent, _, name = path.rpartition(".")
    if parent == "" or name in _ON_EVERY_ELEMENT or len(path) > _REPEATED_LENGTH_MAX:
        return True
    if is_backbone(element):
        return any(known.startswith(path + ".") for known in published)
    if "contentReference" in element:
        return True
    inherited = element["base"]["path"]
    return inherited != path and inherited in published
