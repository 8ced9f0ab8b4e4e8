"""Any resource that R4 allows, made at random from the definitions: what a page must be able to show."""

from __future__ import annotations

import base64
from random import Random
from typing import Any

from altid.fhir import definitions
from altid.fhir.definitions import ElementDefinition
from altid.fhir.json import Decimal

DEPTH_MAX = 5
_OPTIONAL = 0.45
"""How likely an optional element is there, near the root."""

TEXTS = (
    "Æble",
    "  ",
    "<script>alert(1)</script>",
    "x" * 300,
    "'\"&<>",
    "{{ 7 * 7 }}",
    "\u202eabc",
    "1\n2",
    "-",
)
DATES = ("0001", "9999", "1948-03", "2026-02-28", "2024-02-29", "9999-12-31", "0001-01-01")
TIMES = (
    "2026-11-17T10:00:00+01:00",
    "2016-12-31T23:59:60Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-12:00",
    "1999-01-01T24:00:00Z",
)
SYSTEMS = (
    "http://loinc.org",
    "http://www.whocc.no/atc",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "urn:oid:1.2.208.176.1.2",
    "http://unitsofmeasure.org",
)
CODES = (
    "8480-6",
    "8462-4",
    "laboratory",
    "vital-signs",
    "H",
    "LL",
    "N02BE01",
    "mg",
    "ug",
    "{score}",
    "1",
    "BID",
)
REFERENCES = (
    "Patient/p",
    "#c",
    "Location/l",
    "Medication/m",
    "http://elsewhere.org/fhir/Location/1",
    "urn:uuid:1",
)


def any_resource(random: Random, kind: str) -> dict[str, Any]:
    """A resource of that type with an id."""
    resource = {"resourceType": kind, **_object(random, kind, DEPTH_MAX)}
    return resource | {"id": f"{kind.lower()}-{random.randrange(10**6)}"}


def _object(random: Random, type_name: str, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for element in definitions.type_definition(type_name).elements.values():
        wanted = element.minimum > 0 or (depth > 0 and random.random() < _OPTIONAL * depth / DEPTH_MAX)
        if wanted and element.name not in ("extension", "contained", "text"):
            made |= _element(random, element, depth - 1)
    return made


def _element(random: Random, element: ElementDefinition, depth: int) -> dict[str, Any]:
    name, kind = random.choice(sorted(element.json_names().items()))
    if not element.is_list:
        return {name: _value(random, element, kind, depth)}
    values = [_value(random, element, kind, depth) for _ in range(random.choice((1, 1, 2, 3)))]
    if definitions.type_definition(kind).kind == "primitive" and random.random() < 0.2:
        values.append(None)
        return {name: values, f"_{name}": [None] * (len(values) - 1) + [{"id": "x"}]}
    return {name: values}


def _value(random: Random, element: ElementDefinition, kind: str, depth: int) -> Any:
    if definitions.type_definition(kind).kind != "primitive":
        return _complex(random, kind, depth)
    listed = definitions.value_set(element.binding) if element.binding else None
    if listed:
        return random.choice(sorted(code for codes in listed.values() for code in codes))
    return _primitive(random, kind)


def _complex(random: Random, kind: str, depth: int) -> dict[str, Any]:
    if kind == "Reference":
        display = {"display": random.choice(TEXTS)} if random.random() < 0.5 else {}
        return {"reference": random.choice(REFERENCES), **display}
    if kind == "Coding" and random.random() < 0.7:
        return {"system": random.choice(SYSTEMS), "code": random.choice(CODES)}
    return _object(random, kind, depth)


def _primitive(random: Random, kind: str) -> Any:
    match kind:
        case "boolean":
            return random.random() < 0.5
        case "integer" | "positiveInt" | "unsignedInt":
            return random.choice((1, 2, 60, 2_147_483_647))
        case "decimal":
            written = random.choice(
                ("0", "-0.00", "7.40", "1E3", "1e-9", "98.6666666666666", "123456789012345678")
            )
            return Decimal(written)
        case "date":
            return random.choice(DATES)
        case "dateTime":
            return random.choice(DATES + TIMES)
        case "instant":
            return random.choice(TIMES)
        case "time":
            return random.choice(("08:00:00", "23:59:60"))
        case "base64Binary":
            return base64.b64encode(random.choice(TEXTS).encode()).decode()
        case "code":
            return random.choice(CODES)
        case "uri" | "url" | "canonical":
            return random.choice(SYSTEMS)
        case _:
            return random.choice(TEXTS)
