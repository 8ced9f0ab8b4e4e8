"""The small shapes that every resource is made of: codings, concepts, references, quantities."""

from __future__ import annotations

from typing import Any

from altid.fhir.json import Decimal

Resource = dict[str, Any]

BASE = "https://sample.altid.dk/fhir"
"""Where the resources are said to live, so that `fullUrl` and the references between them fit together."""

ALTID = "https://altid.dk/fhir/CodeSystem"
ATC = "http://www.whocc.no/atc"
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
MEDCOM = "http://medcomfhir.dk/ig/terminology/CodeSystem"
NPU = "urn:oid:1.2.208.176.2.1"
"""NPU as MedCom names it; dk-core names the same codes `NPU_DK_CORE`. Laboratory results carry both."""
NPU_DK_CORE = "http://npu-terminology.org"
SKS = "urn:oid:1.2.208.176.2.4"
SKS_DIAGNOSES = "urn:oid:1.2.208.176.2.4.12"
"""The D part of SKS alone, as dk-core slices `Condition.code`."""
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

DK_CORE = "http://hl7.dk/fhir/core/StructureDefinition"
DK_CORE_CODES = "http://hl7.dk/fhir/core/CodeSystem"

PROFILES = {
    "Condition": f"{DK_CORE}/dk-core-condition",
    "Encounter": f"{DK_CORE}/dk-core-encounter",
    "Location": f"{DK_CORE}/dk-core-location",
    "Observation": f"{DK_CORE}/dk-core-observation",
    "Organization": f"{DK_CORE}/dk-core-organization",
    "Patient": f"{DK_CORE}/dk-core-patient",
    "Practitioner": f"{DK_CORE}/dk-core-practitioner",
    "PractitionerRole": f"{DK_CORE}/dk-core-practitioner-role",
    "ServiceRequest": f"{DK_CORE}/dk-core-person-servicerequest",
}
"""What each type claims to follow, unless its maker says something narrower."""


def made(kind: str, identity: str, elements: Resource, profile: str | None = None) -> Resource:
    """A resource with its id, its claim of profile and the mark that says it is made up."""
    meta: Resource = {"tag": [synthetic()]}
    claim = profile or PROFILES.get(kind)
    if claim:
        meta = {"profile": [claim], **meta}
    return {"resourceType": kind, "id": identity, "meta": meta, **elements}


def synthetic() -> Resource:
    """The tag on everything of the sample region."""
    return {"system": f"{ALTID}/data", "code": "synthetic", "display": "Syntetisk"}


def coding(system: str, code: str, display: str = "") -> Resource:
    return (
        {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}
    )


def concept(text: str, *codings: Resource) -> Resource:
    return {"coding": list(codings), "text": text} if codings else {"text": text}


def coded(system: str, code: str, display: str = "") -> Resource:
    """A concept of one coding and no text."""
    return {"coding": [coding(system, code, display)]}


def reference(to: str, display: str = "") -> Resource:
    """To `Type/id`."""
    return {"reference": to, "display": display} if display else {"reference": to}


def number(value: float, digits: int) -> int | Decimal:
    """`value` with exactly that many decimals, as a laboratory prints it: 7.4 with two is 7.40."""
    return Decimal(f"{value:.{digits}f}") if digits else round(value)


def plain(value: float) -> int | Decimal:
    """`value` with no more decimals than it has: 40, 37.5."""
    return int(value) if value == int(value) else Decimal(f"{value:g}")


def quantity(value: float | Decimal, unit: str, code: str) -> Resource:
    """In UCUM; `unit` is what people read, and is left out where there is none."""
    if not unit:
        return {"value": value, "system": UCUM, "code": code}
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def danish(value: float) -> str:
    """A number as Danes write it: 37,5."""
    return f"{value:g}".replace(".", ",")
