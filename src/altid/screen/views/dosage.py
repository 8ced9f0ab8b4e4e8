"""How a drug is to be taken: FHIR `Dosage` (R4 dosage.html) as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from altid.screen.views.elements import (
    HL7,
    Resource,
    code_in,
    concept_text,
    concepts_text,
    element,
    elements,
    period,
    text,
    texts,
)
from altid.screen.views.moments import ZONE, Moment, Precision
from altid.screen.views.values import Quantity, Ratio, Span, quantity_of, ratio_of, span_of

TIME_UNITS = ("s", "min", "h", "d", "wk", "mo", "a")
"""UCUM, as Timing.repeat.periodUnit has them."""
_LASTING = {"d": 1, "wk": 7}


@dataclass(frozen=True, slots=True)
class Often:
    """`count` (to `count_max`) times in `every` (to `every_max`), whose unit is one of `TIME_UNITS`."""

    count: int
    count_max: int | None
    every: Quantity
    every_max: Quantity | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When. `events` are codes such as MORN and PC, `clock` times `HH:MM`, `days` codes mon to sun."""

    often: Often | None = None
    events: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    is_once: bool = False
    code: str | None = None
    """A code such as BID, or the words of one, where nothing else is said."""
    offset_min: int | None = None
    """Minutes before or after the events."""

    @property
    def is_empty(self) -> bool:
        return not (self.often or self.events or self.clock or self.days or self.is_once or self.code)


@dataclass(frozen=True, slots=True)
class Dosage:
    """One line of a dosage instruction. `as_needed` is True, or the reason for which it may be taken."""

    written: str | None = None
    dose: Quantity | Span | None = None
    rate: Quantity | Span | Ratio | None = None
    route: str | None = None
    site: str | None = None
    method: str | None = None
    schedule: Schedule = field(default_factory=Schedule)
    as_needed: str | bool = False
    most: tuple[Quantity | Ratio, ...] = ()
    """No more than this: in a period, at a time, in a life."""
    start: Moment | None = None
    end: Moment | None = None
    """Written, or reckoned from how long this step and those before it last."""
    days: int | None = None
    """How long it is taken, where the order says that and not until when."""
    instructions: tuple[str, ...] = ()

    @property
    def is_structured(self) -> bool:
        return bool(self.dose or self.rate) and (bool(self.as_needed) or not self.schedule.is_empty)


def dosages_of(instructions: object, begins: Moment | None = None) -> tuple[Dosage, ...]:
    """In the order in which they are to be followed. `begins`: when the first step does, where it does not
    say itself; steps that last for some days follow one upon the other."""
    lines = [(_step(line), _dosage(line)) for line in sorted(elements(instructions), key=_step)]
    found: list[Dosage] = []
    for _, step in groupby(lines, key=itemgetter(0)):
        placed = [_placed(line, begins) for _, line in step]
        found += placed
        begins = _after(placed)
    is_counted = any(line.days for line in found)
    return tuple(found) if is_counted else tuple(line for _, line in lines)


def _step(line: Resource) -> int:
    return _whole(line.get("sequence")) or 0


def _placed(line: Dosage, begins: Moment | None) -> Dosage:
    if line.start or begins is None:
        return line
    last = _day_after(begins, line.days - 1) if line.days else None
    return replace(line, start=begins, end=line.end or last)


def _after(step: Sequence[Dosage]) -> Moment | None:
    """When the next step begins; None where nobody can say."""
    ends = [line.end for line in step if line.end]
    if len(ends) < len(step):
        return None
    last = max(ends)
    return _day_after(last, 1) if last.precision is Precision.DAY else last


def _day_after(moment: Moment, days: int) -> Moment:
    day = moment.at.date() + timedelta(days=days)
    return Moment(datetime(day.year, day.month, day.day, tzinfo=ZONE), Precision.DAY)


def _dosage(line: Resource) -> Dosage:
    amounts = elements(line.get("doseAndRate"))
    amount = amounts[0] if amounts else {}
    repeat = element(element(line.get("timing")).get("repeat"))
    start, end = period(repeat.get("boundsPeriod"))
    limits = (
        ratio_of(line.get("maxDosePerPeriod")),
        quantity_of(line.get("maxDosePerAdministration")),
        quantity_of(line.get("maxDosePerLifetime")),
    )
    said = [*concepts_text(line.get("additionalInstruction")), text(line.get("patientInstruction"))]
    return Dosage(
        written=text(line.get("text")),
        dose=quantity_of(amount.get("doseQuantity")) or span_of(amount.get("doseRange")),
        rate=quantity_of(amount.get("rateQuantity"))
        or span_of(amount.get("rateRange"))
        or ratio_of(amount.get("rateRatio")),
        route=concept_text(line.get("route")),
        site=concept_text(line.get("site")),
        method=concept_text(line.get("method")),
        schedule=_schedule(element(line.get("timing"))),
        as_needed=concept_text(line.get("asNeededCodeableConcept")) or bool(line.get("asNeededBoolean")),
        most=tuple(limit for limit in limits if limit),
        start=start,
        end=end,
        days=_days(quantity_of(repeat.get("boundsDuration"))),
        instructions=tuple(words for words in said if words),
    )


def _days(duration: Quantity | None) -> int | None:
    """Whole days of a duration; None where it is none, or of another unit."""
    whole = round(duration.value * _LASTING.get(duration.code or duration.unit, 0)) if duration else 0
    return whole or None


def _schedule(timing: Resource) -> Schedule:
    repeat = element(timing.get("repeat"))
    code = code_in(timing.get("code"), f"{HL7}/v3-GTSAbbreviation") or concept_text(timing.get("code"))
    return Schedule(
        often=_often(repeat),
        events=tuple(texts(repeat.get("when"))),
        clock=tuple(sorted(time[:5] for time in texts(repeat.get("timeOfDay")))),
        days=tuple(texts(repeat.get("dayOfWeek"))),
        is_once=repeat.get("count") == 1 and not repeat.get("period"),
        code=code,
        offset_min=_whole(repeat.get("offset")),
    )


def _often(repeat: Resource) -> Often | None:
    unit = text(repeat.get("periodUnit"))
    every = quantity_of({"value": repeat.get("period"), "unit": unit})
    if unit not in TIME_UNITS or every is None:
        return None
    every_max = quantity_of({"value": repeat.get("periodMax"), "unit": unit})
    return Often(_whole(repeat.get("frequency")) or 1, _whole(repeat.get("frequencyMax")), every, every_max)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
