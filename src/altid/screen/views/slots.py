"""When the next dose of a drug is due, from its schedule and from when it was last given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from altid.screen.views.dosage import Dosage
from altid.screen.views.moments import ZONE, Moment, Precision, moment_at

_WARD_CLOCK = {
    "WAKE": time(7),
    "MORN": time(8),
    "MORN.early": time(6),
    "MORN.late": time(10),
    "ACM": time(7, 30),
    "PCM": time(8, 30),
    "CM": time(8),
    "NOON": time(12),
    "ACD": time(11, 30),
    "PCD": time(12, 30),
    "CD": time(12),
    "AFT": time(15),
    "EVE": time(18),
    "ACV": time(17, 30),
    "PCV": time(18, 30),
    "CV": time(18),
    "NIGHT": time(22),
    "HS": time(22),
}
"""When wards give what is ordered for a time of the day (FHIR event-timing); so it is said to be about."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STEPS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAYS = {"d": 1, "wk": 7}

LATE = timedelta(hours=1)
"""A dose is overdue after this: wards give within the hour."""
CLOSE = timedelta(minutes=30)
"""Two doses of one order within this time are meant by nobody, unless they say so."""
_BACK, _AHEAD = timedelta(days=1), timedelta(days=8)
"""What was missed before yesterday is not caught up, and a weekly dose lies within the days ahead."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A dose to come. `is_about`: the order names a part of the day or a rate, not a time of the clock."""

    at: Moment
    is_about: bool
    is_overdue: bool


def next_slot(lines: Iterable[Dosage], last: datetime | None, now: datetime) -> Slot | None:
    """The first dose that `last` (when the drug was last given) does not count for. None where nobody can
    say: as needed, over, or in words alone."""
    regular = [line for line in lines if not line.as_needed]
    fixed = sorted(slot for line in regular for slot in _fixed(line, last, now))
    counted = last and _counted_for(regular, last)
    found = _first_after(fixed, counted, now) if fixed else _by_interval(regular, last, now)
    if found is None:
        return None
    at, is_about = found
    return Slot(moment_at(at), is_about, at + LATE < now)


def is_same_dose(lines: Iterable[Dosage], one: datetime, other: datetime) -> bool:
    """Whether what was given at these two moments may be one dose given twice: both are nearest to the same
    moment of the schedule, or less than half an interval apart, or so close that nobody gives twice
    (`CLOSE`). Of what is given once, always."""
    apart = abs(one - other)
    regular = [line for line in lines if not line.as_needed]
    if apart < CLOSE or (regular and all(line.schedule.is_once for line in regular)):
        return True
    if apart >= _AHEAD:
        return False
    # Around each of the two, as far behind it as ahead.
    middles = (one - _AHEAD / 2, other - _AHEAD / 2)
    fixed = {at for line in regular for middle in middles for at, _ in _fixed(line, middle, middle)}
    if fixed:
        return _nearest(fixed, one) == _nearest(fixed, other)
    there = [line for line in regular if not (_is_outside(line, one) and _is_outside(line, other))]
    steps = [step for line in there if (step := _step(line))]
    return bool(steps) and apart < min(steps) / 2


def _counted_for(lines: Iterable[Dosage], given: datetime) -> datetime:
    """The moment of the schedule that a dose counts for: the one that it was given nearest to, however long
    ago that is."""
    middle = given - _AHEAD / 2
    there = {at for line in lines for at, _ in _fixed(line, middle, middle)}
    return _nearest(there, given) if there else given


def _nearest(slots: Iterable[datetime], moment: datetime) -> datetime:
    return min(slots, key=lambda at: abs(at - moment))


def _fixed(line: Dosage, last: datetime | None, now: datetime) -> Iterator[tuple[datetime, bool]]:
    """The moments around now at which the line says to give, each with whether it is only about then."""
    if line.schedule.is_once:
        if line.start and line.start.precision is Precision.MINUTE and last is None:
            yield line.start.at, False
        return
    times = list(_times(line))
    for day in _days(line, now) if times else ():
        for clock, is_about in times:
            at = datetime.combine(day, clock, ZONE)
            if not _is_outside(line, at):
                yield at, is_about


def _times(line: Dosage) -> Iterator[tuple[time, bool]]:
    if line.schedule.clock:
        for written in line.schedule.clock:
            yield time(int(written[:2]) % 24, int(written[3:5])), False
        return
    known = [_WARD_CLOCK[event] for event in line.schedule.events if event in _WARD_CLOCK]
    if line.schedule.days and not known:
        known = [_WARD_CLOCK["MORN"]]  # on those days, and not so and so many hours after the last dose
    for clock in known:
        yield clock, True


def _days(line: Dosage, now: datetime) -> Iterator[date]:
    today = now.astimezone(ZONE).date()
    every = _every_days(line)
    for number in range(-_BACK.days - 1, _AHEAD.days + 1):
        day = today + timedelta(days=number)
        if line.schedule.days and _WEEKDAYS[day.weekday()] not in line.schedule.days:
            continue
        if every > 1 and not line.schedule.days:
            first = line.start.at.astimezone(ZONE).date() if line.start else None
            if first is None or (day - first).days % every:
                continue
        yield day


def _every_days(line: Dosage) -> int:
    often = line.schedule.often
    return round(often.every.value * _DAYS[often.every.unit]) if often and often.every.unit in _DAYS else 1


def _is_outside(line: Dosage, at: datetime) -> bool:
    """Before the line begins or after it ends; a day that is named ends with the day."""
    if line.start and at < line.start.at:
        return True
    if line.end is None or line.end.precision < Precision.DAY:
        return False
    if line.end.precision is Precision.DAY:
        return at >= line.end.at + timedelta(days=1)
    return at > line.end.at


def _first_after(
    slots: Sequence[tuple[datetime, bool]], counted: datetime | None, now: datetime
) -> tuple[datetime, bool] | None:
    """`counted`: what the last dose counts for. What nobody has noted as given yet counts from yesterday on
    where it began since, else from now: it may be taken without being noted."""
    begin = now - _BACK
    if counted is not None:
        begin = max(begin, counted)
    elif slots[0][0] < begin:
        begin = now
    return next((slot for slot in slots if slot[0] > begin), None)


def _by_interval(
    lines: Sequence[Dosage], last: datetime | None, now: datetime
) -> tuple[datetime, bool] | None:
    """For what is given every so many hours, or so often a day: counted from the last dose. What was missed
    for days is late since yesterday."""
    if last is None:
        return None
    steps = [step for line in lines if not _is_outside(line, now) and (step := _step(line))]
    if not steps:
        return None
    at = last.astimezone(UTC) + min(steps)
    return max(at, now - _BACK), True


def _step(line: Dosage) -> timedelta | None:
    often = line.schedule.often
    if often is None or often.count_max or often.every_max or not often.every.value:
        return None
    whole = _STEPS.get(often.every.unit) or timedelta(days=_DAYS.get(often.every.unit, 0))
    return whole * float(often.every.value) / often.count if whole else None
