"""What somebody writes into the search field, as FHIR search parameters for Patient.

One field takes names, CPR numbers and dates of birth in any order, since that is what stands on a wristband.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

SEARCH_CHARACTERS_MAX = 200
WORDS_MAX = 8
"""Each word is a condition that the database must weigh; nobody needs more to find a patient."""

Parameter = tuple[str, str]

_NUMBER = re.compile(r"\b(\d{6})[- ]?(\d[0-9A-Za-z]{3})\b", re.ASCII)
"""CPR, or a replacement number, which has letters among its last three."""
_WRITTEN_DATE = re.compile(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b", re.ASCII)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b", re.ASCII)
_DIGITS = re.compile(r"\d{8}|\d{6}|\d{4}", re.ASCII)
_YEAR_MIN = 1880


class SearchError(ValueError):
    """The text is too long or has too many words. The message does not quote it."""


def find(text: str, today: date) -> list[Parameter]:
    """The conditions, all of which must hold; none for a text without words. Raises `SearchError`."""
    if len(text) > SEARCH_CHARACTERS_MAX:
        raise SearchError(f"A search has at most {SEARCH_CHARACTERS_MAX} characters.")
    found: list[Parameter] = []

    def dated(match: re.Match[str], day: str, month: str, year: str) -> str:
        born = _date(day, month, year, today)
        if born is None:
            return match.group()
        found.append(("birthdate", born))
        return " "

    def numbered(match: re.Match[str]) -> str:
        eight_digit_date = match.group().isdigit() and len(match.group()) != len("DDMMYYXXXX")
        if eight_digit_date:
            return match.group()
        found.append(("identifier", match[1] + match[2].upper()))
        return " "

    rest = _ISO_DATE.sub(lambda match: dated(match, match[3], match[2], match[1]), text)
    rest = _WRITTEN_DATE.sub(lambda match: dated(match, match[1], match[2], match[3]), rest)
    rest = _NUMBER.sub(numbered, rest)
    found += (_of_word(word, today) for word in _words(rest))
    if len(found) > WORDS_MAX:
        raise SearchError(f"A search has at most {WORDS_MAX} words.")
    return found


def _words(text: str) -> Iterator[str]:
    """Parted by white space, commas and what can't be seen; without letter and digit it is no word."""
    seen = "".join(character if character.isprintable() else " " for character in text)
    return (word for word in re.split(r"[\s,;]+", seen) if any(map(str.isalnum, word)))


def _of_word(word: str, today: date) -> Parameter:
    if _DIGITS.fullmatch(word):
        born = _digits_date(word, today)
        if born:
            return "birthdate", born
    return "name", _escaped(word)


def _digits_date(digits: str, today: date) -> str | None:
    """DDMMYYYY, DDMMYY (of either century), or a year."""
    if len(digits) == 4:
        return digits if _YEAR_MIN <= int(digits) <= today.year else None
    day, month, year = digits[:2], digits[2:4], digits[4:]
    years = [year] if len(year) == 4 else [f"19{year}", f"20{year}"]
    born = [written for each in years if (written := _date(day, month, each, today))]
    return ",".join(born) or None


def _date(day: str, month: str, year: str, today: date) -> str | None:
    """As FHIR writes it; None for a day that does not exist or has not come."""
    try:
        born = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return born.isoformat() if born.year >= _YEAR_MIN and born <= today else None


def _escaped(word: str) -> str:
    """`\\`, `,`, `$` and `|` mean something in a search value (R4 search.html#escaping)."""
    return re.sub(r"([\\,$|])", r"\\\1", word)
