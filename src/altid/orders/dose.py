"""How a drug is to be taken, as data: what Danish orders need of FHIR `Dosage` (R4 dosage.html, Timing).

A dosage has steps, one after the other (tapering); a step has lines that hold at the same time (1000 mg in
the morning, 500 mg in the evening); a line has one amount and one schedule. What does not fit in here in full
is refused when it is read: a dose that is half understood would be half checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from altid.orders.amount import Amount, largest, total

ROUNDS = ("MORN", "NOON", "EVE", "NIGHT")
"""The four times of the day of Danish wards and of the shared medicines card, in their order."""
BEFORE, AFTER, WITH = "AC", "PC", "C"
"""Any meal; with M, D or V behind it breakfast, lunch or dinner (v3-TimingEvent)."""
MEALS = ("M", "D", "V")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = 7

HOURS = {"h": 1, "d": 24, "wk": 168}
"""The units of a period that doses are ordered in."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """At some of `ROUNDS`, every day."""

    when: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meals:
    """Every day at these meals, or at any `times` of them: before (`AC…`), after (`PC…`) or with (`C…`).
    `minutes`: so long before or after; 0 where it is not said."""

    when: tuple[str, ...]
    times: int
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """Every day at these times, `HH:MM`, in their order."""

    times: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weekly:
    """Once on each of these `WEEKDAYS`."""

    days: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """`frequency` times in `period` h, d or wk: three times a day, every 8 hours."""

    frequency: int
    period: int
    unit: str


@dataclass(frozen=True, slots=True)
class Once:
    """A single dose."""


@dataclass(frozen=True, slots=True)
class AsNeeded:
    """When the patient needs it, but no more than `most` in 24 hours, in at most `times` doses if that is
    said. `reason` is what for, in the words of the order; `when` are the `ROUNDS` at which it may be asked
    for, if not at any time: for the night, as needed."""

    most: Amount
    times: int | None = None
    reason: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Continuous:
    """Running all the time; the amount is that of an hour."""


Schedule = Rounds | Meals | Clock | Weekly | Every | Once | AsNeeded | Continuous


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` (FHIR dateTime as written), or for `days`. What is not said is "" or None."""

    start: str = ""
    end: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` is the single dose, of `Continuous` what runs in an hour. `step` counts from 1, in the order
    in which steps are taken. `rate` is how fast a single dose runs in, in its unit per hour. `least`: where
    there is a choice, from so much to `amount`, so that whatever is computed is computed of the most."""

    amount: Amount
    schedule: Schedule
    span: Span = Span()
    step: int = 1
    rate: Amount | None = None
    least: Amount | None = None

    @property
    def daily(self) -> Amount:
        """The most that is taken within a day."""
        return self.within(1)

    def within(self, days: int) -> Amount:
        """The most that is taken within so many days on end."""
        match self.schedule:
            case AsNeeded(most=most):
                return most.times(days)
            case Continuous():
                return self.amount.times(24 * days)
            case schedule:
                return self.amount.times(_doses(schedule, days))


@dataclass(frozen=True, slots=True)
class Dosage:
    """The whole of it; at least one line, ordered by step."""

    lines: tuple[Line, ...]

    @property
    def steps(self) -> tuple[tuple[Line, ...], ...]:
        """Lines that hold at the same time, in the order of the steps."""
        return tuple(tuple(lines) for _, lines in groupby(self.lines, key=lambda line: line.step))

    @property
    def start(self) -> str:
        """The first start that is said, "" if none is."""
        return next((line.span.start for line in self.lines if line.span.start), "")

    @property
    def is_open(self) -> bool:
        """Whether it goes on until somebody ends it."""
        last = self.steps[-1]
        return any(not (line.span.end or line.span.days or line.schedule == Once()) for line in last)

    def most_within(self, days: int = 1) -> Amount | None:
        """The most that any step adds up to within so many days; None if its units cannot be added."""
        return largest([total(line.within(days) for line in lines) for lines in self.steps])


def tapering(lines: Sequence[Line]) -> tuple[Line, ...]:
    """These lines as steps, one after the other."""
    return tuple(replace(line, step=step) for step, line in enumerate(lines, 1))


def _doses(schedule: Rounds | Meals | Clock | Weekly | Every | Once, days: int) -> int:
    """How many doses fall within so many days on end, at most."""
    match schedule:
        case Rounds(when=when):
            return len(when) * days
        case Meals(times=times):
            return times * days
        case Clock(times=times):
            return len(times) * days
        case Weekly(days=weekdays):
            return _most_weekdays(weekdays, days)
        case Every(frequency, period, unit):
            return frequency * -(-24 * days // (HOURS[unit] * period))
        case Once():
            return 1


def _most_weekdays(weekdays: tuple[str, ...], days: int) -> int:
    """In the fullest stretch of so many days."""
    chosen = [day in weekdays for day in WEEKDAYS]
    return max(sum(chosen[(first + n) % WEEK] for n in range(days)) for first in range(WEEK))
