"""What validation can find wrong, as data: a message with its place.

A check returns a tuple of faults, empty when all is well. Places are built from the inside out, so a resource
without faults never pays for one: each level puts its own step in front of what it was given (`within`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..outcome import Issue

FAULTS_MAX = 100
"""Faults reported for one resource; nobody reads more, and a hostile body must not make a huge answer."""


class Message(NamedTuple):
    """A text in English and Danish with its code from the value set issue-type."""

    code: str
    text_en: str
    text_da: str


_NO_DATA: Mapping[str, object] = MappingProxyType({})


class Fault(NamedTuple):
    """`path` is relative to whoever returned it: `""` the value itself, `[2].code`, `name.family`."""

    message: Message
    path: str = ""
    data: Mapping[str, object] = _NO_DATA


Faults = tuple[Fault, ...]

NO_FAULTS: Faults = ()


def fault(message: Message, path: str = "", **data: object) -> Faults:
    """The common case of one fault. `data` holds facts of the standard, never a value that was sent."""
    return (Fault(message, path, data),)


def within(step: str, faults: Faults) -> Faults:
    """The faults as seen from one level further out, where `step` is an element's name or `[index]`."""
    return tuple(fault._replace(path=_join(step, fault.path)) for fault in faults)


def to_issue(root: str | None, found: Fault) -> Issue:
    """The fault as an `Issue` whose expression starts at `root` (`Patient`); without root it has none."""
    message = found.message
    expression = _join(root, found.path) if root is not None else None
    return Issue(message.code, message.text_en, message.text_da, found.data, expression)


def _join(step: str, path: str) -> str:
    if path == "" or path.startswith("["):
        return step + path
    return f"{step}.{path}"


# Shape of the JSON (R4 §2.6.2)
NOT_OBJECT = Message("structure", "A JSON object is expected here.", "Her ventes et JSON-objekt.")
NOT_ARRAY = Message(
    "structure",
    "This element may repeat, so a JSON array is expected.",
    "Elementet kan gentages, så her ventes en JSON-liste.",
)
NOT_SINGLE = Message(
    "structure",
    "This element does not repeat; no array is allowed.",
    "Elementet kan ikke gentages; ingen liste.",
)
NOT_STRING = Message(
    "structure", "A {type} is written as a JSON string.", "En {type} skrives som en tekststreng i JSON."
)
NOT_NUMBER = Message(
    "structure", "A {type} is written as a JSON number.", "En {type} skrives som et tal i JSON."
)
NOT_BOOLEAN = Message(
    "structure", "A boolean is written as true or false.", "En boolean skrives som true eller false."
)
NULL = Message(
    "structure",
    "null is allowed only inside the array of a repeating primitive, beside its extension.",
    "null er kun tilladt i listen for en gentaget primitiv, ved siden af dens udvidelse.",
)
EMPTY_ARRAY = Message("structure", "An array may not be empty.", "En liste må ikke være tom.")
MISALIGNED = Message(
    "structure",
    "The arrays {name} and _{name} must have the same length.",
    "Listerne {name} og _{name} skal være lige lange.",
)
UNKNOWN_ELEMENT = Message(
    "structure",
    "{type} has no element with this name: {name}.",
    "{type} har intet element med dette navn: {name}.",
)

# Resources
NO_RESOURCE_TYPE = Message("structure", "resourceType is missing.", "resourceType mangler.")
UNKNOWN_RESOURCE_TYPE = Message(
    "structure", "This is not a resource type of R4.", "Dette er ikke en ressourcetype i R4."
)
UNEXPECTED_TYPE = Message(
    "invalid", "The resource must be of type {type}.", "Ressourcen skal være af typen {type}."
)

# Elements
REQUIRED = Message("required", "{type}.{name} is required.", "{type}.{name} er påkrævet.")
TWO_CHOICES = Message(
    "structure", "Only one form of {name}[x] is allowed.", "Kun én form af {name}[x] er tilladt."
)
ELE_1 = Message(
    "invariant",
    "An element must have a value or children (ele-1).",
    "Et element skal have en værdi eller underelementer (ele-1).",
)
EXT_1 = Message(
    "invariant",
    "An extension has either a value or extensions, not both (ext-1).",
    "En udvidelse har enten en værdi eller udvidelser, ikke begge dele (ext-1).",
)
NOT_IN_VALUE_SET = Message(
    "code-invalid",
    "The code is not in the required value set {value_set}.",
    "Koden findes ikke i det påkrævede værdisæt {value_set}.",
)

# Primitives (R4 §2.24.0.1)
EMPTY_STRING = Message("value", "A string may not be empty.", "En tekst må ikke være tom.")
TOO_LONG = Message("value", "A {type} has at most {limit} characters.", "En {type} har højst {limit} tegn.")
CONTROL_CHARACTER = Message(
    "value",
    "Control characters other than tab, line feed and carriage return are not allowed.",
    "Kontroltegn er ikke tilladt, bortset fra tabulator og linjeskift.",
)
BAD_FORMAT = Message("value", "This is not a valid {type}.", "Dette er ikke en gyldig {type}.")
NO_SUCH_DAY = Message(
    "value", "This day does not exist in the calendar.", "Denne dag findes ikke i kalenderen."
)
OUT_OF_RANGE = Message(
    "value",
    "A {type} lies between {minimum} and {maximum}.",
    "En {type} ligger mellem {minimum} og {maximum}.",
)

# References (R4 §2.3) and contained resources (R4 §2.3.0.4)
BAD_REFERENCE = Message(
    "value",
    "A reference is written as Type/id, as an absolute URL, as a urn or as #id.",
    "En reference skrives som Type/id, som en absolut URL, som en urn eller som #id.",
)
WRONG_TARGET = Message(
    "structure", "This reference may only point to: {types}.", "Denne reference må kun pege på: {types}."
)
REF_1 = Message(
    "invariant",
    "The reference points to no contained resource of this resource (ref-1).",
    "Referencen peger ikke på en indlejret ressource i denne ressource (ref-1).",
)
DOM_2 = Message(
    "invariant",
    "A contained resource may not contain others (dom-2).",
    "En indlejret ressource må ikke selv indlejre andre (dom-2).",
)
DOM_3 = Message(
    "invariant",
    "A contained resource must be referred to, or refer to its container (dom-3).",
    "En indlejret ressource skal være refereret eller selv referere til sin beholder (dom-3).",
)
DOM_4 = Message(
    "invariant",
    "A contained resource has no meta.versionId and no meta.lastUpdated (dom-4).",
    "En indlejret ressource har hverken meta.versionId eller meta.lastUpdated (dom-4).",
)
DOM_5 = Message(
    "invariant",
    "A contained resource has no security label (dom-5).",
    "En indlejret ressource har ingen sikkerhedsmærkning (dom-5).",
)
SAME_CONTAINED_ID = Message(
    "structure",
    "Two contained resources have the same id.",
    "To indlejrede ressourcer har samme id.",
)

# Narrative (R4 §2.4.1)
NOT_XHTML = Message(
    "value",
    "The narrative must be one well-formed div of XHTML, without doctype and own entities.",
    "Den læsbare tekst skal være én velformet div i XHTML uden doctype og egne entiteter.",
)
XHTML_NOT_ALLOWED = Message(
    "invariant",
    "The narrative holds an element, an attribute or a link that is not allowed (txt-1).",
    "Den læsbare tekst har et element, en attribut eller et link, som ikke er tilladt (txt-1).",
)
XHTML_EMPTY = Message(
    "invariant", "The narrative has no content (txt-2).", "Den læsbare tekst er tom (txt-2)."
)

MORE_FAULTS = Message(
    "too-costly",
    "Only the first {limit} faults are listed.",
    "Kun de første {limit} fejl er vist.",
)
