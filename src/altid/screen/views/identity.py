"""Who the patient is: the banner on top of every page (NHS Common User Interface, "Patient Banner")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from altid.screen.views.elements import HL7, Resource, codes, element, elements, text, texts
from altid.screen.views.moments import Moment, moment_of

CPR = "urn:oid:1.2.208.176.1.2"
X_ECPR = "urn:oid:1.2.208.176.1.6.1.1"
D_ECPR = "urn:oid:1.2.208.176.1.6.1.3"
"""Of one region; a further arc names the region."""

_ECPR_FORM = re.compile(r"[0-9A-Za-z]{10}", re.ASCII)
_SPECIAL_PROTECTION = {"R", "V"}
"""v3-Confidentiality: restricted, very restricted. dk-core marks a protected patient with the label R."""


class NumberKind(StrEnum):
    """What sort of number identifies the patient, the best first."""

    CPR = "cpr"
    X_ECPR = "x-ecpr"
    D_ECPR = "d-ecpr"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PersonNumber:
    """`value` as it is shown, `DDMMÅÅ-XXXX` where it has ten characters."""

    kind: NumberKind
    value: str


@dataclass(frozen=True, slots=True)
class Identity:
    """None is what nobody has said. `deceased` is a time, or True where only the fact is known."""

    id: str
    family: str | None
    given: str | None
    written_name: str | None
    """The name as a whole, where it is not told apart."""
    born: Moment | None
    sex: str | None
    number: PersonNumber | None
    deceased: Moment | bool
    is_protected: bool
    is_retired: bool
    """No longer in use: marked inactive, or replaced by another patient's record."""
    synthetic: bool


def identity_of(patient: Resource) -> Identity:
    """Of a Patient resource."""
    family, given, written = _name(elements(patient.get("name")))
    deceased = moment_of(patient.get("deceasedDateTime")) or bool(
        patient.get("deceasedBoolean") or patient.get("deceasedDateTime")
    )
    return Identity(
        id=str(patient.get("id", "")),
        family=family,
        given=given,
        written_name=written,
        born=moment_of(patient.get("birthDate")),
        sex=text(patient.get("gender")),
        number=person_number(patient),
        deceased=deceased,
        is_protected=_is_protected(patient),
        is_retired=patient.get("active") is False
        or any(link.get("type") == "replaced-by" for link in elements(patient.get("link"))),
        synthetic=any(
            tag.get("code") == "synthetic" for tag in elements(element(patient.get("meta")).get("tag"))
        ),
    )


def person_number(patient: Resource) -> PersonNumber | None:
    """The CPR number, else a replacement number, else any identifier that the patient has."""
    found: dict[NumberKind, str] = {}
    for identifier in elements(patient.get("identifier")):
        value = text(identifier.get("value"))
        if value and identifier.get("use") != "old":
            found.setdefault(_kind(text(identifier.get("system")) or ""), value)
    for kind in NumberKind:
        if kind in found:
            return PersonNumber(kind, _hyphened(found[kind]))
    return None


_DANISH = str.maketrans({"å": "\u00f9", "ä": "æ", "ö": "ø"})
"""After these changes code points are in the order of the Danish alphabet, which ends in æ, ø, å."""


def name_order(identity: Identity) -> tuple[str, str, str]:
    """For sorting by family name and given names; those without come last."""
    family = identity.family or identity.written_name or "\uffff"
    return family.casefold().translate(_DANISH), (identity.given or "").casefold(), identity.id


def age_day(identity: Identity, today: date) -> date:
    """The day that the age is told for: today, or the day of death."""
    if isinstance(identity.deceased, Moment):
        return identity.deceased.at.date()
    return today


def _kind(system: str) -> NumberKind:
    if system == CPR:
        return NumberKind.CPR
    if system == X_ECPR:
        return NumberKind.X_ECPR
    return NumberKind.D_ECPR if system.startswith(D_ECPR) else NumberKind.OTHER


def _hyphened(value: str) -> str:
    return f"{value[:6]}-{value[6:]}" if _ECPR_FORM.fullmatch(value) else value


_USES = ("official", "usual", None, "temp", "nickname", "anonymous")
"""Which of several names is shown; old and maiden names never are."""


def _name(names: list[Resource]) -> tuple[str | None, str | None, str | None]:
    """Family name, given names, and the whole name where only that is given."""
    shown = [name for name in names if name.get("use") in _USES]
    shown.sort(key=lambda name: _USES.index(name.get("use")))
    for name in shown:
        family, given = text(name.get("family")), " ".join(texts(name.get("given"))) or None
        if family or given:
            return family, given, None
        if text(name.get("text")):
            return None, None, text(name.get("text"))
    return None, None, None


def _is_protected(patient: Resource) -> bool:
    """Name and address protection (*navne- og adressebeskyttelse*)."""
    security = {"coding": element(patient.get("meta")).get("security")}
    labels = codes(security, f"{HL7}/v3-Confidentiality") | codes(security, "") | codes(security, _OLD_SYSTEM)
    return bool(labels & _SPECIAL_PROTECTION)


_OLD_SYSTEM = "http://hl7.org/fhir/v3/Confidentiality"
