"""What the Danish core profiles ask of a Patient and a RelatedPerson (hl7.fhir.dk.core 3, HL7 Denmark, CC0).

From dk-core-patient, dk-core-related-person, the profiles of their identifiers (dk-core-cpr-identifier,
dk-core-x-ecpr-identifier, dk-core-d-ecpr-identifier) and the two extensions of addresses. The profile need
not be declared in `meta.profile`. References, extensible bindings and must-support are not checked.

A CPR number is judged by its form and its day only. It is never held against modulus 11, which numbers given
out since 1 October 2007 need not fulfil, and neither sex nor birth date is read from it or compared with it.
dk-core admits 29 February in every year; here the year must be able to leap. A day raised by 60, which CPR
advises for replacement numbers outside its register, breaks dk-core but is only warned of: hospitals
have given such numbers to patients who had no other.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .outcome import Issue

CPR_SYSTEM = "urn:oid:1.2.208.176.1.2"
X_ECPR_SYSTEM = "urn:oid:1.2.208.176.1.6.1.1"
"""National replacement numbers."""

D_ECPR_SYSTEMS = frozenset(
    {"urn:oid:1.2.208.176.1.6.1.3"}
    | {f"urn:oid:1.2.208.176.1.6.1.3.{region}" for region in (177, 179, 181, 183, 187)}
)
"""Regional replacement numbers: the general system and one per region; unique only within their own."""

_MUNICIPALITY_URL = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-municipalityCodes"
_REGION_URL = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-RegionalSubDivisionCodes"
_OFFICIAL_ADDRESS_URL = "http://hl7.org/fhir/StructureDefinition/address-official"

_CODES = "http://hl7.dk/fhir/core/CodeSystem/dk-core-"
_MUNICIPALITIES = """
    0101 0147 0151 0153 0155 0157 0159 0161 0163 0165 0167 0169 0173 0175 0183 0185 0187 0190 0201 0210
    0217 0219 0223 0230 0240 0250 0253 0259 0260 0265 0269 0270 0306 0316 0320 0326 0329 0330 0336 0340
    0350 0360 0370 0376 0390 0400 0410 0411 0420 0430 0440 0450 0461 0479 0480 0482 0492 0510 0530 0540
    0550 0561 0563 0573 0575 0580 0607 0615 0621 0630 0657 0661 0665 0671 0706 0707 0710 0727 0730 0740
    0741 0746 0751 0756 0760 0766 0773 0779 0787 0791 0810 0813 0820 0825 0840 0846 0849 0851 0860
"""
_GREENLAND = "0955 0956 0957 0959 0960"
_REGIONS = "DK-81 DK-82 DK-83 DK-84 DK-85"

_ADDRESS_CODES = {
    _MUNICIPALITY_URL: frozenset(
        [(f"{_CODES}municipality-codes", code) for code in _MUNICIPALITIES.split()]
        + [(f"{_CODES}municipality-codes-greenland", code) for code in _GREENLAND.split()]
    ),
    _REGION_URL: frozenset((f"{_CODES}regional-subdivision-codes", code) for code in _REGIONS.split()),
}

_MARITAL_STATUS = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
_REPLACEMENT_DAYS = 60
_SOME_LEAP_YEAR = 2000


class _Number(NamedTuple):
    """A kind of personal number: what messages call it, its pattern after the date, and its fixed `use`."""

    name: str
    form: re.Pattern[str]
    use: str


_CPR = _Number("CPR", re.compile(r"[0-9]{10}"), "official")
_X_ECPR = _Number("X-eCPR", re.compile(r"[0-9]{6}[17][A-Z]{2}[0-9]"), "temp")
_D_ECPR = _Number("D-eCPR", re.compile(r"[0-9]{6}[056][A-Z]{2}[0-9]"), "temp")


def validate_danish(resource: dict[str, Any]) -> list[Issue]:
    """Issues of a resource that `altid.fhir.validation.validate` has found valid; other types have none.

    A warning is no reason to refuse the resource.
    """
    check = _CHECKS.get(resource["resourceType"])
    return list(check(resource)) if check is not None else []


def _check_patient(patient: dict[str, Any]) -> Iterator[Issue]:
    if "identifier" not in patient:
        yield _issue("required", _IDENTIFIER_REQUIRED, "Patient.identifier")
    yield from _check_person(patient)
    for index, address in enumerate(patient.get("address", ())):
        yield from _check_address(address, f"Patient.address[{index}]")
    if {"P", "A"} <= set(_codes(patient.get("maritalStatus", {}), _MARITAL_STATUS)):
        yield _issue("invariant", _MARITAL_STATUS_UNKNOWN, "Patient.maritalStatus", severity="warning")


def _check_person(person: dict[str, Any]) -> Iterator[Issue]:
    """What Patient and RelatedPerson have in common: personal numbers and the official name."""
    root = person["resourceType"]
    seen: set[_Number] = set()
    for index, identifier in enumerate(person.get("identifier", ())):
        number = _number(identifier.get("system"))
        if number is None:
            continue
        place = f"{root}.identifier[{index}]"
        if number in seen:
            yield _issue("structure", _ONE_NUMBER, place, name=number.name)
        seen.add(number)
        yield from _check_identifier(identifier, number, place)
    yield from _check_names(person.get("name", ()), root)


_CHECKS: dict[str, Callable[[dict[str, Any]], Iterator[Issue]]] = {
    "Patient": _check_patient,
    "RelatedPerson": _check_person,
}


def _number(system: str | None) -> _Number | None:
    if system == CPR_SYSTEM:
        return _CPR
    if system == X_ECPR_SYSTEM:
        return _X_ECPR
    return _D_ECPR if system in D_ECPR_SYSTEMS else None


def _check_identifier(identifier: dict[str, Any], number: _Number, place: str) -> Iterator[Issue]:
    if identifier.get("use", number.use) != number.use:
        yield _issue("value", _FIXED_USE, f"{place}.use", name=number.name, use=number.use)
    value = identifier.get("value")
    if value is None:
        yield _issue("required", _VALUE_REQUIRED, f"{place}.value", name=number.name)
    elif number.form.fullmatch(value) is None:
        yield _issue("value", _CPR_FORM if number is _CPR else _ECPR_FORM, f"{place}.value", name=number.name)
    elif not _day_is_possible(value):
        if number is _CPR and _day_is_possible(value, _REPLACEMENT_DAYS):
            yield _issue("business-rule", _OLD_REPLACEMENT, f"{place}.value", severity="warning")
        else:
            yield _issue("value", _NO_SUCH_DAY, f"{place}.value", name=number.name)


def _day_is_possible(value: str, offset_days: int = 0) -> bool:
    """Whether DDMMYY is a day in some century: a year of two digits can leap if they divide by four."""
    day, month, year = int(value[:2]) - offset_days, int(value[2:4]), int(value[4:6])
    if not 1 <= month <= 12:
        return False
    if month == 2 and day == 29:
        return year % 4 == 0
    return 1 <= day <= calendar.monthrange(_SOME_LEAP_YEAR, month)[1]


def _check_names(names: list[dict[str, Any]], root: str) -> Iterator[Issue]:
    official = [index for index, name in enumerate(names) if name.get("use") == "official"]
    for index in official:
        if "family" not in names[index] and "_family" not in names[index]:
            yield _issue("required", _FAMILY_REQUIRED, f"{root}.name[{index}].family")
    for index in official[1:]:
        yield _issue("structure", _ONE_OFFICIAL_NAME, f"{root}.name[{index}]")


def _check_address(address: dict[str, Any], place: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, extension in enumerate(address.get("extension", ())):
        url = extension["url"]
        if url not in _ADDRESS_CODES and url != _OFFICIAL_ADDRESS_URL:
            continue
        here = f"{place}.extension[{index}]"
        if url in seen:
            yield _issue("structure", _ONE_EXTENSION, here)
        seen.add(url)
        if url in _ADDRESS_CODES and not _is_coded(extension, url):
            yield _issue("code-invalid", _ADDRESS_CODE, f"{here}.value")


def _is_coded(extension: dict[str, Any], url: str) -> bool:
    concept = extension.get("valueCodeableConcept")
    if concept is None:
        return False
    given = {(coding.get("system"), coding.get("code")) for coding in concept.get("coding", ())}
    return given <= _ADDRESS_CODES[url]


def _codes(concept: dict[str, Any], system: str) -> Iterator[str]:
    for coding in concept.get("coding", ()):
        if coding.get("system") == system and "code" in coding:
            yield coding["code"]


def _issue(
    code: str, text: tuple[str, str], expression: str, severity: Any = "error", **data: object
) -> Issue:
    return Issue(code, text[0], text[1], data, expression, severity)


# Texts in English and Danish
_IDENTIFIER_REQUIRED = (
    "A patient has at least one identifier (dk-core-patient).",
    "En patient har mindst én identifikation (dk-core-patient).",
)
_ONE_NUMBER = ("A person has at most one {name} number.", "En person har højst ét {name}-nummer.")
_FIXED_USE = (
    "The use of a {name} number is {use}, if it is given.",
    "use for et {name}-nummer er {use}, hvis det er angivet.",
)
_VALUE_REQUIRED = ("A {name} identifier has a value.", "En {name}-identifikation har en værdi.")
_CPR_FORM = (
    "A CPR number is ten digits without hyphen or space.",
    "Et CPR-nummer er ti cifre uden bindestreg og mellemrum.",
)
_ECPR_FORM = (
    "This is not the form of a {name} number (dk-core).",
    "Dette er ikke formen af et {name}-nummer (dk-core).",
)
_NO_SUCH_DAY = (
    "A {name} number starts with a day of the calendar, DDMMYY.",
    "Et {name}-nummer begynder med en dag i kalenderen, DDMMÅÅ.",
)
_OLD_REPLACEMENT = (
    "The day is raised by 60, as in older replacement numbers; these belong under X-eCPR or D-eCPR.",
    "Dagen er forhøjet med 60 som i ældre erstatningsnumre; de hører til under X-eCPR eller D-eCPR.",
)
_FAMILY_REQUIRED = (
    "An official name has a family name (dk-core).",
    "Et officielt navn har et efternavn (dk-core).",
)
_ONE_OFFICIAL_NAME = (
    "A person has at most one official name (dk-core).",
    "En person har højst ét officielt navn (dk-core).",
)
_ONE_EXTENSION = (
    "This extension occurs at most once in an address (dk-core).",
    "Denne udvidelse findes højst én gang i en adresse (dk-core).",
)
_ADDRESS_CODE = (
    "This extension holds a CodeableConcept whose codes are all from its Danish code system (dk-core).",
    "Denne udvidelse har en CodeableConcept, hvis koder alle er fra dens danske kodesystem (dk-core).",
)
_MARITAL_STATUS_UNKNOWN = (
    "The codes P and A for marital status exclude each other in Denmark (marital-status-unknown-usage).",
    "Koderne P og A for civilstand udelukker hinanden i Danmark (marital-status-unknown-usage).",
)
