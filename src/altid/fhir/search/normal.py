"""Strings as searches compare them: without case, accents and extra white space (R4 search.html#string)."""

from __future__ import annotations

import unicodedata

from altid.fhir.search.entries import STRING_LENGTH_MAX


def normalise(text: str) -> str:
    """Folded to lower case, without accents, words separated by one space, cut to what an entry holds."""
    if text.isascii():
        folded = text[:_READ_MAX].lower()
    else:
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text[:_READ_MAX]).casefold())
        folded = "".join(character for character in parts if not unicodedata.combining(character))
    return " ".join(folded.split())[:STRING_LENGTH_MAX].rstrip()


_READ_MAX = 16 * STRING_LENGTH_MAX
"""Characters looked at: white space and accents shorten a text, but prose need not be read to its end."""
