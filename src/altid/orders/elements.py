"""Reading FHIR content: the code systems that orders know, and the shapes that are read everywhere.

What is read here has passed validation (`altid.fhir.validation`), so elements have their types.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]

ATC = "http://www.whocc.no/atc"
HL7 = "http://terminology.hl7.org/CodeSystem"
NPU = "urn:oid:1.2.208.176.2.1"
NPU_DK_CORE = "http://npu-terminology.org"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ALTID = "https://altid.dk/fhir"


def codes(concept: Resource | None, *systems: str) -> Iterator[str]:
    """The codes of a CodeableConcept in any of these systems."""
    for coding in (concept or {}).get("coding", ()):
        if coding.get("system") in systems and "code" in coding:
            yield coding["code"]


def is_said(concept: Resource | None) -> bool:
    """Whether a CodeableConcept has a code or words."""
    return concept is not None and bool(concept.get("text") or concept.get("coding"))


def target(reference: Resource | None) -> str | None:
    """`Type/id` that a Reference points to, whatever server or version it names; `#id` of a contained one."""
    written: str = (reference or {}).get("reference", "")
    if written.startswith("#") or not written:
        return written or None
    parts = written.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def contained(resource: Resource, reference: str) -> Resource | None:
    """The contained resource that `#id` names."""
    return next(
        (inner for inner in resource.get("contained", ()) if f"#{inner.get('id')}" == reference), None
    )


def name(resource: Resource) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource.get('id', '')}"
