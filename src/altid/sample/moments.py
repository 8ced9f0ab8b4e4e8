"""Danish time, and the moment that the region is seen from.

The rule of the European Union for summer time is written out here, so that the same bytes come from a machine
without a time zone database.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

_WINTER = timedelta(hours=1)
_SUMMER = timedelta(hours=2)
_ZERO = timedelta(0)
_ONE_HOUR = timedelta(hours=1)


class _DanishTime(tzinfo):
    """Central European Time: summer from the last Sunday of March to the last of October (2000/84/EC)."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return _WINTER + self.dst(moment)

    def dst(self, moment: datetime | None) -> timedelta:
        if moment is None:
            return _ZERO
        begins, ends = _summer(moment.year)
        wall = moment.replace(tzinfo=None, fold=0)
        if begins <= wall < ends - _ONE_HOUR:
            return _ONE_HOUR
        in_the_hour_that_comes_twice = ends - _ONE_HOUR <= wall < ends
        return _ONE_HOUR if in_the_hour_that_comes_twice and not moment.fold else _ZERO

    def tzname(self, moment: datetime | None) -> str:
        return "CEST" if self.dst(moment) else "CET"


@lru_cache(maxsize=256)
def _summer(year: int) -> tuple[datetime, datetime]:
    """Wall clock when summer time begins (02:00 is skipped) and when it ends (02:00 to 03:00 comes twice)."""
    march, october = date(year, 3, 31), date(year, 10, 31)
    begins = march - timedelta(days=(march.weekday() + 1) % 7)
    ends = october - timedelta(days=(october.weekday() + 1) % 7)
    return (
        datetime(year, 3, begins.day, 2, tzinfo=UTC).replace(tzinfo=None),
        datetime(year, 10, ends.day, 3, tzinfo=UTC).replace(tzinfo=None),
    )


DANISH_TIME = _DanishTime()

REFERENCE = datetime(2026, 11, 17, 10, 0, tzinfo=DANISH_TIME)
"""The moment the region is seen from unless another is given: a Tuesday at ten, just after the ward round."""

REFERENCE_MIN = datetime(1970, 1, 1, tzinfo=UTC)
REFERENCE_MAX = datetime(2036, 12, 31, tzinfo=UTC)
"""Between these the made-up CPR numbers stay impossible (see `cpr`)."""


def moment(at: datetime) -> datetime:
    """`at` as Danish wall time in whole seconds. Raises `ValueError` without a zone, or out of range."""
    if at.tzinfo is None:
        raise ValueError("The reference moment needs a time zone.")
    if not REFERENCE_MIN <= at <= REFERENCE_MAX:
        raise ValueError("The reference moment must lie from 1970 to 2036.")
    return at.astimezone(DANISH_TIME).replace(microsecond=0)


def stamp(at: datetime) -> str:
    """FHIR `dateTime` or `instant` with seconds and offset: `2026-11-17T10:00:00+01:00`."""
    return at.isoformat(timespec="seconds")


def clock(day: datetime, hour: int, minute: int = 0) -> datetime:
    """That day at that time."""
    return day.replace(hour=hour, minute=minute, second=0)


def weekday(day: datetime) -> datetime:
    """That moment, or the same time on Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def days(count: float) -> timedelta:
    """That many days, to the whole minute: people chart in minutes."""
    return timedelta(minutes=round(count * 1440))


def years_between(born: date, day: date) -> int:
    """Whole years lived on that day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
