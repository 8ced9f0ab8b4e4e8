"""Times as FHIR writes them, with their precision, on the Danish clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Copenhagen")
"""The wall clock of the wards."""

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


class Precision(IntEnum):
    """How much of a time is known."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    MINUTE = 4


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """`at` is the earliest moment meant, with the Danish zone; seconds are never shown."""

    at: datetime
    precision: Precision


def moment_of(text: object) -> Moment | None:
    """Of a FHIR date, dateTime or instant (R4 datatypes.html#dateTime); None if it is no such thing."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, zone = match.groups()
    try:
        if hour is None:
            at = datetime(int(year), int(month or 1), int(day or 1), tzinfo=ZONE)
            return Moment(at, Precision(1 + (month is not None) + (day is not None)))
        offset = {"Z": "+00:00", None: ""}.get(zone, zone or "")
        at = datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}{offset}")
        at = at.astimezone(ZONE) if zone else at.replace(tzinfo=ZONE)
    except (ValueError, OverflowError):
        return None
    return Moment(at, Precision.MINUTE)


def moment_at(at: datetime) -> Moment:
    """Of a moment in time, to the minute."""
    return Moment(at.astimezone(ZONE), Precision.MINUTE)


LONG_AGO = datetime.min.replace(tzinfo=UTC)


def sort_key(moment: Moment | None) -> datetime:
    """For sorting with the unknown as the oldest."""
    return moment.at if moment else LONG_AGO


def whole_years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def whole_months(born: date, day: date) -> int:
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
