"""Reading the elements that every FHIR resource is built of (R4 datatypes.html).

Primitive arrays may hold null where only an extension is known (R4 json.html#primitive), so every reader here
passes over what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from altid.screen.views.moments import Moment, moment_of

Resource = dict[str, Any]

HL7 = "http://terminology.hl7.org/CodeSystem"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ACCOUNT = "https://altid.dk/fhir/NamingSystem/account"
"""Of the accounts that people log on with, where one of them did something."""


def elements(value: object) -> list[Resource]:
    """The objects of an array that may be missing."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def element(value: object) -> Resource:
    """An object that may be missing."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """The non-empty strings of an array that may be missing."""
    return [item.strip() for item in value if text(item)] if isinstance(value, list) else []


def text(value: object) -> str | None:
    """A string with something to see in it."""
    return value.strip() or None if isinstance(value, str) else None


def codings(concept: object) -> Iterator[tuple[str, str, str | None]]:
    """(system, code, display) of a CodeableConcept; "" for what is missing."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    for coding in listed if isinstance(listed, list) else ():  # asked a thousand times for each page
        if isinstance(coding, dict):
            yield coding.get("system") or "", coding.get("code") or "", text(coding.get("display"))


def codes(concept: object, system: str) -> set[str]:
    """The concept's codes in one code system."""
    return {code for its_system, code, _ in codings(concept) if its_system == system and code}


def code_in(concept: object, system: str) -> str | None:
    """The first code in one code system."""
    return next((code for its_system, code, _ in codings(concept) if its_system == system and code), None)


def concept_text(concept: object) -> str | None:
    """What its author wrote, else a display, else the bare code; None if it says nothing."""
    written = text(element(concept).get("text"))
    if written:
        return written
    known = list(codings(concept))
    displays = (display for _, _, display in known if display)
    return next(displays, None) or next((code for _, code, _ in known if code), None)


def concepts_text(concepts: object) -> list[str]:
    """The texts of an array of concepts, each once."""
    found = (concept_text(concept) for concept in elements(concepts))
    return list(dict.fromkeys(name for name in found if name))


def reference_key(reference: object) -> str | None:
    """`Type/id` of a literal reference, without version and base."""
    target = text(element(reference).get("reference"))
    if target is None:
        return None
    parts = target.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 else target


def reference_text(reference: object) -> str | None:
    """What the reference itself says that it points to."""
    return text(element(reference).get("display")) or text(
        element(element(reference).get("identifier")).get("value")
    )


def period(value: object) -> tuple[Moment | None, Moment | None]:
    """Start and end of a Period."""
    span = element(value)
    return moment_of(span.get("start")), moment_of(span.get("end"))


def choice(resource: Resource, name: str, *kinds: str) -> tuple[str, Any]:
    """Type and value of a choice element such as value[x]; ("", None) when it has none of `kinds`."""
    for kind in kinds:
        value = resource.get(name + kind)
        if value is not None:
            return kind, value
    return "", None


def first_moment(resource: Resource, *names: str) -> Moment | None:
    """The first of these elements that holds a date, dateTime, instant, or a Period with a start."""
    for name in names:
        value = resource.get(name)
        moment = (period(value)[0] or period(value)[1]) if isinstance(value, dict) else moment_of(value)
        if moment:
            return moment
    return None


def extension(resource: object, url: str) -> Resource:
    """The first extension of that URL; empty if there is none."""
    found = (item for item in elements(element(resource).get("extension")) if item.get("url") == url)
    return next(found, {})


def is_changed_in_meaning(resource: Resource) -> bool:
    """Has a modifier extension, which nobody here understands: the reader is told (R4 extensibility.html)."""
    return bool(resource.get("modifierExtension") or resource.get("implicitRules"))


def not_in_error(resources: Iterable[Resource], *, element_name: str = "status") -> list[Resource]:
    """Without those that were entered in error."""
    return [resource for resource in resources if resource.get(element_name) != "entered-in-error"]
