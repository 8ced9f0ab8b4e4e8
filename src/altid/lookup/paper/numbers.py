"""Numbers of paper forms that cannot collide: `B12-04QX-0017-K`.

The place's prefix, which no other place has; a series, begun anew whenever the counter is (a rebuilt copy has
lost it); the counter; and a check character (ISO/IEC 7064, MOD 37,36), which finds every wrong character and
every two that were swapped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SHEETS_MAX = 200
"""At once: more is a mistake of whoever asks."""
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SERIES_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SERIES_S, _SERIES_CHARACTERS = 600, 4
"""Ten minutes: four characters last for 31 years."""
_FORM = re.compile(r"([A-Z0-9]{2,6})-([A-Z0-9]{4})-(\d{4,9})-([A-Z0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Given:
    """For whom a sheet was numbered; `patient` None for a blank one."""

    number: str
    kind: str
    patient: str | None
    made: datetime
    made_by: str


def give(
    connection: Any,
    prefix: str,
    kind: str,
    patients: Sequence[str | None],
    now: datetime,
    made_by: str,
) -> list[str]:
    """A number for each sheet. In the transaction of the connection: what was given once is never given
    again, also if nothing is printed then."""
    if len(patients) > SHEETS_MAX:
        raise ValueError(f"at most {SHEETS_MAX} sheets at once")
    row = connection.execute("SELECT series, next FROM number WHERE prefix = ?", (prefix,)).fetchone()
    series, first = row or (series_of(now), 1)
    numbers = [number_of(prefix, series, first + place) for place in range(len(patients))]
    connection.execute(
        "INSERT INTO number (prefix, series, next) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (prefix) DO UPDATE SET next = ?3",
        (prefix, series, first + len(patients)),
    )
    connection.executemany(
        "INSERT INTO form (number, kind, patient, made, made_by) VALUES (?, ?, ?, ?, ?)",
        [
            (number, kind, patient, now.isoformat(), made_by)
            for number, patient in zip(numbers, patients, strict=True)
        ],
    )
    return numbers


def number_of(prefix: str, series: str, count: int) -> str:
    said = f"{prefix}-{series}-{count:04d}"
    return f"{said}-{check_character(said)}"


def series_of(now: datetime) -> str:
    """Of a counter that begins now."""
    left = max(0, int((now - _SERIES_BEGIN).total_seconds()) // _SERIES_S)
    written = ""
    for _ in range(_SERIES_CHARACTERS):
        left, digit = divmod(left, len(_LETTERS))
        written = _LETTERS[digit] + written
    return written


def is_number(text: str) -> bool:
    """Whether somebody has copied it without a mistake."""
    found = _FORM.fullmatch(text)
    return found is not None and check_character(text[: found.start(4) - 1]) == found[4]


def check_character(text: str) -> str:
    """ISO/IEC 7064 MOD 37,36 of the letters and digits; dashes don't count."""
    modulus = len(_LETTERS)
    carried = modulus
    for character in text.replace("-", ""):
        carried = (carried + _LETTERS.index(character)) % modulus or modulus
        carried = carried * 2 % (modulus + 1)
    return _LETTERS[(modulus + 1 - carried) % modulus]
