"""From what a provider says of somebody to whom we would let in: pure, and default deny."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from altid.access.federation.limits import TEXT_CHARACTERS_MAX, VALUES_MAX
from altid.access.federation.provider import Reading
from altid.access.identity import Level, Role

SUBJECT_CHARACTERS_MAX = 255
"""OpenID Connect Core §2; SAML allows 256 in persistent ids."""

_ORGANISATION = re.compile(r"[A-Za-z0-9.:-]{1,64}", re.ASCII)
_PRACTITIONER = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_NAME_CHARACTERS_MAX = 120

Claims: TypeAlias = Mapping[str, tuple[str, ...]]
"""Every claim as a list of texts, as SAML has it."""


class Lack(StrEnum):
    """Why somebody whom the provider knows is not let in. For the log and the audit."""

    SUBJECT = "no subject"
    ROLE = "no role that is mapped"
    ORGANISATION = "no place of work"
    LEVEL = "level too low"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider has proved, in our terms."""

    authority: str
    subject: str = field(repr=False)
    username: str
    name: str
    roles: tuple[Role, ...]
    organisations: tuple[str, ...]
    level: Level
    practitioner: str | None = None


def texts(value: Any) -> tuple[str, ...]:
    """A JSON claim as texts. Objects, and what is too long to be one of our values, are left out."""
    values = value if isinstance(value, list) else [value]
    return tuple(filter(None, map(_text, values[:VALUES_MAX])))


def person(authority: str, subject: str, claims: Claims, reading: Reading) -> Person | Lack:
    """Who it is, or what is lacking. `subject` is the protocol's own, used where the file names no claim."""
    if reading.subject is not None:
        subject = _first(claims, reading.subject)
    if not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX or not subject.isprintable():
        return Lack.SUBJECT
    roles = _known(claims.get(reading.roles, ()), reading.role_of)
    if not roles:
        return Lack.ROLE
    organisations = _organisations(claims.get(reading.organisations, ()), reading)
    if not organisations:
        return Lack.ORGANISATION
    level = _level(claims.get(reading.level, ()), reading)
    if level.rank < reading.level_min.rank:
        return Lack.LEVEL
    username = _first(claims, reading.username)
    name = _name(_first(claims, reading.name)) or _name(username) or "?"
    return Person(
        authority,
        subject,
        username,
        name,
        tuple(dict.fromkeys(roles)),
        organisations,
        level,
        _practitioner(claims, reading),
    )


def _organisations(values: Iterable[str], reading: Reading) -> tuple[str, ...]:
    if reading.organisation_of:
        return tuple(dict.fromkeys(_known(values, reading.organisation_of)))
    return tuple(dict.fromkeys(value for value in values if _ORGANISATION.fullmatch(value)))


def _level(values: tuple[str, ...], reading: Reading) -> Level:
    """The highest is not guessed: several values are worth the least of them."""
    known = [reading.level_of.get(value, Level.LOW) for value in values]
    return min(known, key=lambda level: level.rank, default=Level.LOW)


def _known(values: Iterable[str], table: Mapping[str, Any]) -> list[Any]:
    """In the order of the table, so that the first role of an account is the one that the file puts first."""
    given = set(values)
    return [meaning for value, meaning in table.items() if value in given]


def _practitioner(claims: Claims, reading: Reading) -> str | None:
    value = _first(claims, reading.practitioner) if reading.practitioner else ""
    value = value.removeprefix("Practitioner/")
    return f"Practitioner/{value}" if _PRACTITIONER.fullmatch(value) else None


def _first(claims: Claims, name: str) -> str:
    return next(iter(claims.get(name, ())), "")


def _name(text: str) -> str:
    shown = "".join(character for character in unicodedata.normalize("NFC", text) if character.isprintable())
    return " ".join(shown.split())[:_NAME_CHARACTERS_MAX].strip()


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return text if len(text) <= TEXT_CHARACTERS_MAX else ""
