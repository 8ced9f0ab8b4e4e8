"""What people type at this place, in the spelling that is kept; or why it can't be taken."""

from __future__ import annotations

import unicodedata

from altid.access.glass import REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.access.refusal import Code, Refusal

NAME_CHARACTERS_MIN, NAME_CHARACTERS_MAX = 3, 120


def username_of(typed: str) -> str:
    """The one spelling of a user name (as `altid.access.accounts.username_of`). It may be nobody's."""
    return unicodedata.normalize("NFKC", typed[:256]).strip().lower()


def said_name(typed: str) -> str | Refusal:
    """Who says they are somebody: the whole name."""
    return _said(typed, NAME_CHARACTERS_MIN, NAME_CHARACTERS_MAX, _NAME)


def said_reason(typed: str) -> str | Refusal:
    return _said(typed, REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX, _REASON)


def _said(typed: str, least: int, most: int, otherwise: Refusal) -> str | Refusal:
    kept = " ".join(typed.split())
    return kept if least <= len(kept) <= most and kept.isprintable() else otherwise


_NAME = Refusal(
    Code.NEEDS_REASON,
    422,
    f"Write your whole name, in {NAME_CHARACTERS_MIN} to {NAME_CHARACTERS_MAX} characters: it is kept in the "
    "log.",
    f"Skriv dit fulde navn med {NAME_CHARACTERS_MIN} til {NAME_CHARACTERS_MAX} tegn: det skrives i loggen.",
)
_REASON = Refusal(
    Code.NEEDS_REASON,
    422,
    f"Write a reason of {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} characters.",
    f"Skriv en begrundelse på {REASON_CHARACTERS_MIN} til {REASON_CHARACTERS_MAX} tegn.",
)
