"""SMART on FHIR v2 scopes (SMART App Launch 2.2 §3.0.2), as text: `system/Observation.rs`.

What a scope lets one do is decided where records are read; here is only which scopes there are and which
one covers which. Scopes with a query (`?category=...`) are not offered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

LETTERS = "cruds"
PEOPLES = ("patient", "user")
"""What an application may be given by somebody who uses it."""
PATIENT_CONTEXT = "launch/patient"
STAYS = "online_access"
"""The application may go on with a refresh token as long as the person's own session goes on."""
LOGS_ON, NAMES_USER = "openid", "fhirUser"
FEED, FEED_WARD, FEED_REVOKED = "system/feed", "system/feed-ward", "system/feed-revoked"
"""Ours, for places that keep a copy (docs/lookup.md): of everything; of the ward that the system belongs to;
and of nothing any more, which the place must hear from us. They open nothing below /fhir."""
FEEDS = (FEED, FEED_WARD, FEED_REVOKED)
SPECIAL = (PATIENT_CONTEXT, STAYS, LOGS_ON, NAMES_USER)
"""They open no record; every application may ask for them."""
_CONTEXTS = ("patient", "user", "system")
_FORM = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?)", re.ASCII)


class Scope(NamedTuple):
    """`resource` is a type or `*`; `letters` some of create, read, update, delete, search."""

    context: str
    resource: str
    letters: str


def parse(text: str) -> Scope | None:
    match = _FORM.fullmatch(text)
    return Scope(*match.groups()) if match and match[3] else None


def is_scope(text: str) -> bool:
    return text in FEEDS or parse(text) is not None


def covered(asked: str, held: Sequence[str]) -> bool:
    """Whoever holds `held` may be given `asked`: every letter of it by one of them."""
    if asked in FEEDS:
        return asked in held
    wanted = parse(asked)
    if wanted is None:
        return False
    fitting = [
        scope
        for scope in map(parse, held)
        if scope and scope.context == wanted.context and scope.resource in ("*", wanted.resource)
    ]
    return set(wanted.letters) <= {letter for scope in fitting for letter in scope.letters}


def of_record(scopes: Sequence[str], *contexts: str) -> tuple[str, ...]:
    """Those that open something of the record; with contexts, only theirs."""
    return tuple(text for text in scopes if _context(text) in (contexts or _CONTEXTS))


def _context(text: str) -> str:
    """Empty for what is no scope of the record."""
    if text in FEEDS:
        return "system"
    scope = parse(text)
    return scope.context if scope else ""
