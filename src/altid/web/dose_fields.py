"""What the dose form begins with: the dosage of an order as the form's fields (`static/dose-form.js`).

Numbers and dates stand in them as somebody would type them. `static/dosing.js` makes FHIR of them again, and
what it makes is the same dosage (`tests/web/test_dose_fields.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from altid.orders import dosage, medication
from altid.orders.amount import Amount
from altid.orders.dose import (
    MEALS,
    AsNeeded,
    Clock,
    Continuous,
    Dosage,
    Every,
    Line,
    Meals,
    Once,
    Rounds,
    Schedule,
    Span,
    Weekly,
)
from altid.orders.elements import Resource
from altid.orders.unreadable import UnreadableError

ROUNDS = {"MORN": "morning", "NOON": "noon", "EVE": "evening", "NIGHT": "night"}
"""The form's field of each time of the day."""

Fields = dict[str, Any]

_OF_THE_DOSE = frozenset(
    {
        "sequence",
        "text",
        "timing",
        "doseAndRate",
        "asNeededBoolean",
        "asNeededCodeableConcept",
        "maxDosePerPeriod",
    }
)
_BESIDE = frozenset({"route", "additionalInstruction", "patientInstruction", "site", "method"})
"""What stands beside the dose: the form asks for the route, and leaves the others as they are."""
_AMOUNTS = frozenset({"doseQuantity", "doseRange", "rateQuantity"})
_DATE_DIGITS = len("2026-11-28")


def fields_of(order: Resource) -> Fields | None:
    """The whole dosage; None where the form could not give all of it back, so that nothing is lost by a
    change of something else."""
    instructions = order.get("dosageInstruction", ())
    beside = _beside(instructions)
    if beside is None:
        return None
    try:
        whole = dosage.read(instructions)
    except UnreadableError:
        return None
    days = _days_of_steps(whole)
    if days is None:
        return None
    start, end = medication.start(order, whole), medication.end(order, whole)
    return {
        "steps": [
            {"days": _typed(length), "lines": [_line(some) for some in _merged(lines)]}
            for length, lines in zip(days, whole.steps, strict=True)
        ],
        "start": start[:_DATE_DIGITS],
        "end": end[:_DATE_DIGITS],
        "review": medication.review(order),
        "route": beside.pop("route", None),
        "kept": beside,
        "exact": {"start": start, "end": end},
        "reasons": _reasons(instructions),
    }


def _beside(instructions: Sequence[Resource]) -> Resource | None:
    """What stands beside the doses, which must be the same in all lines."""
    for instruction in instructions:
        amounts = instruction.get("doseAndRate", ())
        if not instruction.keys() <= _OF_THE_DOSE | _BESIDE or any(one.keys() - _AMOUNTS for one in amounts):
            return None
    found = [{name: one[name] for name in one if name in _BESIDE} for one in instructions]
    return found[0] if found and all(one == found[0] for one in found) else None


def _reasons(instructions: Sequence[Resource]) -> Fields:
    """What the drug is needed for, with its code, by the words that the form shows."""
    lines = dosage.read_lines(instructions)
    return {
        line.schedule.reason: instruction["asNeededCodeableConcept"]
        for line, instruction in zip(lines, instructions, strict=True)
        if isinstance(line.schedule, AsNeeded) and line.schedule.reason
    }


# How long


def _days_of_steps(whole: Dosage) -> list[int | None] | None:
    """Of each step, None for one that goes on. None where lines of a step differ, or where a step does not
    begin when the one before it ends."""
    steps = whole.steps
    spans = [lines[0].span for lines in steps if len({line.span for line in lines}) == 1]
    if len(spans) < len(steps):
        return None
    if len(spans) == 1:
        return [spans[0].days]
    first = [_days(span) for span in spans[:-1]]
    if None in first or not all(map(_follows, spans, spans[1:])):
        return None
    return [*first, spans[-1].days]


def _days(span: Span) -> int | None:
    if span.days is not None:
        return span.days
    start, after = _day(span.start), _day_after(span)
    return (after - start).days if start and after and after > start else None


def _follows(span: Span, later: Span) -> bool:
    return not later.start or _day_after(span) == _day(later.start)


def _day_after(span: Span) -> date | None:
    """The first day that is not its own: a day that is named is its own, a moment ends it."""
    end = _day(span.end)
    return end + timedelta(days=1) if end and len(span.end) == _DATE_DIGITS else end


def _day(written: str) -> date | None:
    return date.fromisoformat(written[:_DATE_DIGITS]) if len(written) >= _DATE_DIGITS else None


# Lines


def _merged(lines: Iterable[Line]) -> list[list[Line]]:
    """Doses for times of the day are one line of the form, with a field for each time."""
    found: list[list[Line]] = []
    for line in lines:
        same = next((some for some in found if _is_beside(line, some)), None)
        if same is None:
            found.append([line])
        else:
            same.append(line)
    return found


def _is_beside(line: Line, some: Sequence[Line]) -> bool:
    first = some[0]
    if not isinstance(line.schedule, Rounds) or not isinstance(first.schedule, Rounds):
        return False
    taken = {at for one in some for at in _rounds(one.schedule)}
    unit = (line.amount.unit, line.amount.word, line.rate)
    return unit == (first.amount.unit, first.amount.word, first.rate) and not taken & {
        *_rounds(line.schedule)
    }


def _rounds(schedule: Schedule) -> tuple[str, ...]:
    return schedule.when if isinstance(schedule, Rounds) else ()


def _line(some: Sequence[Line]) -> Fields:
    """Lines that differ in time of the day alone, or one."""
    line = some[0]
    fields = {**_amount(line), **_times(line.schedule, line.amount)}
    if isinstance(line.schedule, Rounds):
        del fields["amount"]
        fields |= {ROUNDS[at]: _number(one.amount) for one in some for at in _rounds(one.schedule)}
    return fields


def _amount(line: Line) -> Fields:
    fields = {"amount": _number(line.amount), "unit": line.amount.unit, "word": line.amount.word}
    if line.least:
        fields |= {"amount": _number(line.least), "to": _number(line.amount)}
    if line.rate:
        fields |= {"rate": _number(line.rate), "rate-unit": line.rate.unit.removesuffix("/h")}
    return fields


def _times(schedule: Schedule, dose: Amount) -> Fields:
    match schedule:
        case Rounds():
            return {"schedule": "rounds"}
        case Meals(when, times, minutes):
            relation = when[0].rstrip("".join(MEALS))
            named = [code[-1] for code in when if code != relation]
            fields = {
                "schedule": "meals",
                "relation": relation,
                "meals": named,
                "minutes": _typed(minutes or None),
            }
            return fields if named else {**fields, "times": str(times)}
        case Clock(times):
            return {"schedule": "clock", "clock": " ".join(times)}
        case Weekly(days):
            return {"schedule": "weekly", "weekdays": list(days)}
        case Every(frequency, 1, "d"):
            return {"schedule": "times", "times": str(frequency)}
        case Every(frequency, period, unit):
            return {"schedule": "every", "count": str(frequency), "period": str(period), "period-unit": unit}
        case Once():
            return {"schedule": "once"}
        case AsNeeded():
            return {"schedule": "needed", **_needed(schedule, dose)}
        case Continuous():
            return {"schedule": "continuous"}


def _needed(schedule: AsNeeded, dose: Amount) -> Fields:
    most = schedule.most
    is_same = (most.unit, most.word) == (dose.unit, dose.word)
    return {
        "most": _number(most),
        "most-unit": "" if is_same else most.unit,
        "most-word": "" if is_same else most.word,
        "doses": _typed(schedule.times),
        "needed-for": schedule.reason,
        "rounds": list(schedule.when),
    }


def _number(amount: Amount) -> str:
    """As a Dane types it."""
    return f"{amount.value.normalize():f}".replace(".", ",")


def _typed(number: int | None) -> str:
    return "" if number is None else str(number)
