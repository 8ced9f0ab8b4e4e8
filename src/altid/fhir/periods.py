"""Dates as half-open periods [low, high) in UTC: the precision of a date is meaning (R4 search.html#date).

"2024-05" is the whole month, "2024-05-01T10:00:00Z" one second. An end that is not said is `EARLIEST` or
`LATEST`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, tzinfo
from typing import Any

Period = tuple[datetime, datetime]

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Before every time: a period without a start."""

LATEST = datetime.max.replace(tzinfo=UTC)
"""After every time: a period without an end."""

ZONE: tzinfo = UTC
"""Where a date without a zone is read. UTC is the same at both sites and in every season, so an index
never depends on a server's clock settings; R4 leaves the choice to the server (search.html#date)."""

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):\d\d(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_MICROSECOND_DIGITS = 6
_LEAP_SECOND = 60
_SECOND = timedelta(seconds=1)
_MARKS = ("-", "-", "T", ":", ":")
_WHOLE_SECOND_LENGTHS = (len("YYYY-MM-DDThh:mm:ssZ"), len("YYYY-MM-DDThh:mm:ss+hh:mm"))


class PeriodError(ValueError):
    """The text is no date. The message does not quote it."""


def parse_period(text: str) -> Period:
    """The period of a date, dateTime or instant; seconds and zone may be missing, as searches write it.

    Raises `PeriodError`.
    """
    if len(text) in _WHOLE_SECOND_LENGTHS and (quick := _whole_second(text)) is not None:
        return quick
    match = _FORM.fullmatch(text)
    if match is None:
        raise PeriodError("A date is written YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone.")
    year, month, day, hour, second, fraction, zone = match.groups()
    try:
        if hour is not None:
            return _of_time(text, second, fraction, zone)
        if day is not None:
            low = datetime(int(year), int(month), int(day), tzinfo=ZONE)
            return _utc(low), _utc_after(low, timedelta(days=1))
        if month is not None:
            return _months(int(year), int(month), 1)
        return _months(int(year), 1, 12)
    except ValueError:
        raise PeriodError("A date names a day or a time that does not exist.") from None


def of_period(period: dict[str, Any]) -> Period | None:
    """The period of a Period (R4 datatypes.html#Period), None if it says nothing. Raises `PeriodError`."""
    start, end = period.get("start"), period.get("end")
    if start is None and end is None:
        return None
    return parse_period(start)[0] if start else EARLIEST, parse_period(end)[1] if end else LATEST


def of_timing(timing: dict[str, Any]) -> Period | None:
    """The outer limits of a Timing, as searches take it (R4 search.html#date). Raises `PeriodError`."""
    periods = [parse_period(event) for event in timing.get("event", ()) if event is not None]
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    if bounds is not None and (period := of_period(bounds)):
        periods.append(period)
    return _hull(periods) if periods else None


def _hull(periods: Iterable[Period]) -> Period:
    lows, highs = zip(*periods, strict=True)
    return min(lows), max(highs)


def _of_time(text: str, second: str | None, fraction: str | None, zone: str | None) -> Period:
    if second is None:
        low, length = datetime.fromisoformat(text), timedelta(minutes=1)
    else:
        low, length = _to_the_second(text, second, fraction, zone)
    if zone is None:
        low = low.replace(tzinfo=ZONE)
    return _utc(low), _utc_after(low, length)


def _whole_second(text: str) -> Period | None:
    """The commonest forms without the regular expression, None if the text is not of them after all."""
    if (text[4], text[7], text[10], text[13], text[16]) != _MARKS or text[19] not in "Z+-":
        return None
    try:
        low = datetime.fromisoformat(text).astimezone(UTC)
        return low, low + _SECOND
    except (ValueError, OverflowError):
        return None


def _to_the_second(
    text: str, second: str, fraction: str | None, zone: str | None
) -> tuple[datetime, timedelta]:
    digits = min(len(fraction), _MICROSECOND_DIGITS) if fraction else 0
    length = timedelta(microseconds=10 ** (_MICROSECOND_DIGITS - digits))
    if int(second) != _LEAP_SECOND:
        return datetime.fromisoformat(text), length
    before = datetime.fromisoformat(f"{text[:16]}:59{zone or ''}")
    return before + timedelta(seconds=1), length


def _months(year: int, month: int, count: int) -> Period:
    low = datetime(year, month, 1, tzinfo=ZONE)
    following = year * 12 + month - 1 + count
    if following >= (MAXYEAR + 1) * 12:
        return _utc(low), LATEST
    return _utc(low), _utc(datetime(following // 12, following % 12 + 1, 1, tzinfo=ZONE))


def _utc(moment: datetime) -> datetime:
    """In UTC; zones can push the first and the last day beyond what a datetime holds."""
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST if moment.year == MINYEAR else LATEST


def _utc_after(low: datetime, length: timedelta) -> datetime:
    try:
        return _utc(low + length)
    except OverflowError:
        return LATEST
