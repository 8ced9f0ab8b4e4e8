"""The text of search parameters: names with modifiers and chains, values with alternatives (R4 search.html).

Errors are `FhirError`s with status 400 that name the parameter, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from altid.fhir.outcome import FhirError, refuse
from altid.fhir.search.criteria import Criterion, Prefix

ALTERNATIVES_MAX = 1000
"""Comma-separated alternatives of one parameter; each is a look-up of its own."""

VALUE_LENGTH_MAX = 65_536
"""Characters of one value; a thousand references fit."""

NAME_SHOWN_MAX = 64
"""Characters of a parameter's name that an error repeats."""

_SPLIT = {separator: re.compile(rf"(?<!\\)((?:\\\\)*)[{separator}]") for separator in ",$|"}
_ESCAPED = re.compile(r"\\([\\,$|])")
_PREFIXES = frozenset(Prefix)


@dataclass(frozen=True, slots=True)
class Context:
    """What a search depends on: this server's base address, and the time from which `ap` is measured."""

    base: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


Builder = Callable[[str, Context], Criterion]
"""Makes the criterion of one parameter from its value."""


def alternatives(name: str, value: str) -> list[str]:
    """The comma-separated alternatives, escapes and all. Raises for an empty one and for too many."""
    if len(value) > VALUE_LENGTH_MAX or not _is_storable(value):
        raise bad_value(name)
    found = split(value, ",")
    if len(found) > ALTERNATIVES_MAX:
        raise refuse(
            400,
            "too-costly",
            "The search parameter {name} has more than {limit} alternatives.",
            "Søgeparameteren {name} har mere end {limit} alternativer.",
            name=shown(name),
            limit=ALTERNATIVES_MAX,
        )
    if "" in found:
        raise refuse(
            400,
            "invalid",
            "The search parameter {name} has no value.",
            "Søgeparameteren {name} har ingen værdi.",
            name=shown(name),
        )
    return found


def _is_storable(text: str) -> bool:
    """Whether a stored text could contain this one: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or text == text.encode("utf-8", "ignore").decode("utf-8"))


def split(text: str, separator: str) -> list[str]:
    """Split at each separator that no backslash escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts, start = [], 0
    for match in _SPLIT[separator].finditer(text):
        parts.append(text[start : match.end() - 1])
        start = match.end()
    return [*parts, text[start:]]


def unescape(text: str) -> str:
    """Without the backslashes before `\\`, `,`, `$` and `|`."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def token(text: str) -> tuple[str | None, str]:
    """(system, code): None without a `|`, "" for `|code`; the code is "" for `system|`."""
    parts = split(text, "|")
    if len(parts) == 1:
        return None, unescape(text)
    return unescape(parts[0]), unescape("|".join(parts[1:]))


def prefix(text: str) -> tuple[Prefix, str]:
    """(prefix, the rest): `ge2024` → (ge, 2024); no prefix means eq."""
    if text[:2] in _PREFIXES:
        return Prefix(text[:2]), text[2:]
    return Prefix.EQUAL, text


def shown(name: str) -> str:
    """The name as an error may show it."""
    return name[:NAME_SHOWN_MAX]


def bad_value(name: str) -> FhirError:
    """The value is not of the parameter's type."""
    return refuse(
        400,
        "invalid",
        "The value of the search parameter {name} is not of the right form.",
        "Værdien af søgeparameteren {name} har ikke den rigtige form.",
        name=shown(name),
    )


def bad_modifier(name: str) -> FhirError:
    """The modifier does not exist for this kind of parameter."""
    return refuse(
        400,
        "not-supported",
        "The search parameter {name} does not have this modifier.",
        "Søgeparameteren {name} har ikke denne modifikator.",
        name=shown(name),
    )


def not_supported(name: str) -> FhirError:
    """The standard has it, this server does not."""
    return refuse(
        400,
        "not-supported",
        "The search parameter {name} is not supported here.",
        "Søgeparameteren {name} understøttes ikke her.",
        name=shown(name),
    )
