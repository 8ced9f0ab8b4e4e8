"""`types.json`: every R4 type with its elements, from the official StructureDefinitions.

type name -> {"kind", "base", "abstract"?, "elements" | "pattern"}
kind: resource, complex, primitive, backbone
element name -> {"types", "min", "max" (null = *), "choice"?, "targets"?, "binding"?, "profile"?, "summary"?}

Inherited elements are written out. A backbone element is a type of its own named by its path
(`Observation.component`). `profile` names a constrained form that a value of its base type must have; in R4
that is only SimpleQuantity, for Quantity. `summary` marks what `_summary=true` keeps (R4 §3.1.1.5.8).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from . import official
from .fetch import Definitions
from .official import BASE, Definition, is_backbone
from .rows import rows

_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = BASE + "structuredefinition-fhir-type"
_REGEX = BASE + "regex"
_KINDS = {"resource": "resource", "complex-type": "complex", "primitive-type": "primitive"}


def build(definitions: Definitions) -> bytes:
    """The bytes of `types.json`."""
    return rows(types(definitions))


@functools.cache
def types(definitions: Definitions) -> dict[str, Definition]:
    """The table. Raises `ValueError` if its resource types are not the official ones."""
    table: dict[str, Definition] = {}
    for structure in official.structures(definitions):
        table.update(_types_of(structure))
    found = {name for name, definition in table.items() if definition["kind"] == "resource"}
    if found != official.resource_types(definitions):
        raise ValueError(f"the resource types differ: {sorted(found ^ official.resource_types(definitions))}")
    return table


def _types_of(structure: Definition) -> Iterator[tuple[str, Definition]]:
    name, kind = structure["name"], _KINDS[structure["kind"]]
    head: Definition = {"kind": kind}
    if "baseDefinition" in structure:
        head["base"] = structure["baseDefinition"].removeprefix(BASE)
    if structure.get("abstract"):
        head["abstract"] = True
    if kind == "primitive":
        yield name, head | {"pattern": _pattern(structure)}
        return
    root = structure["type"]
    snapshot = structure["snapshot"]["element"]
    elements = _elements(snapshot, root)
    if kind == "resource":
        elements["id"]["types"] = ["id"]  # Resource.id (R4 §2.27.3); the snapshots say string
    yield name, head | {"elements": elements}
    for element in snapshot:
        if is_backbone(element):
            path = element["path"]
            base = element["type"][0]["code"]
            yield path, {"kind": "backbone", "base": base, "elements": _elements(snapshot, path)}


def _pattern(structure: Definition) -> str:
    """The regular expression that the standard gives for the whole value; xhtml has none."""
    for element in structure["snapshot"]["element"]:
        if element["path"].endswith(".value"):
            return str(_extension(element["type"][0], _REGEX, "valueString") or "")
    raise ValueError(f"{structure['name']} has no value")


def _elements(snapshot: list[Definition], parent: str) -> Definition:
    elements = {}
    for element in snapshot:
        path, _, name = element["path"].rpartition(".")
        if path == parent and element["max"] != "0":
            elements[name.removesuffix("[x]")] = _element(element, name)
    return elements


def _element(element: Definition, name: str) -> Definition:
    made: Definition = {
        "types": _type_names(element),
        "min": element["min"],
        "max": None if element["max"] == "*" else int(element["max"]),
    }
    if name.endswith("[x]"):
        made["choice"] = True
    if element.get("isSummary"):
        made["summary"] = True
    made |= _targets(element) | _binding(element)
    for kind in element.get("type", []):
        if kind.get("profile"):
            made["profile"] = kind["profile"][0].removeprefix(BASE)
    return made


def _type_names(element: Definition) -> list[str]:
    if "contentReference" in element:
        return [element["contentReference"].rpartition("#")[2]]
    if is_backbone(element):
        return [element["path"]]
    return [_type_name(kind) for kind in element["type"]]


def _type_name(kind: Definition) -> str:
    """R4 writes a few types in FHIRPath's terms; an extension says which FHIR type is meant."""
    code = str(kind["code"])
    if not code.startswith(_SYSTEM):
        return code
    return _extension(kind, _FHIR_TYPE, "valueUrl") or "string"


def _targets(element: Definition) -> Definition:
    targets = [
        profile.removeprefix(BASE)
        for kind in element.get("type", [])
        if kind["code"] == "Reference"
        for profile in kind.get("targetProfile", [])
        if profile.startswith(BASE)
    ]
    return {"targets": targets} if targets and "Resource" not in targets else {}


def _binding(element: Definition) -> Definition:
    binding = element.get("binding", {})
    if binding.get("strength") != "required" or "valueSet" not in binding:
        return {}
    return {"binding": binding["valueSet"].partition("|")[0]}


def _extension(element: Definition, url: str, value: str) -> str | None:
    for extension in element.get("extension", []):
        if extension["url"] == url:
            return str(extension[value])
    return None
