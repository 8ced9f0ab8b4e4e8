"""FHIR `Dosage` (R4 dosage.html, datatypes.html#timing), read into `orders.dose` and written from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from altid.orders import amount
from altid.orders.amount import Amount
from altid.orders.dose import (
    HOURS,
    ROUNDS,
    WEEKDAYS,
    AsNeeded,
    Clock,
    Continuous,
    Dosage,
    Every,
    Line,
    Once,
    Rounds,
    Schedule,
    Span,
    Weekly,
)
from altid.orders.elements import Resource

_DAY = {"period": 1, "periodUnit": "d"}
_WEEK = {"period": 1, "periodUnit": "wk"}
_PER_HOUR = "/h"
_DAYS = {"d": 1, "wk": 7}


class UnreadableError(Exception):
    """`field` is the path within `dosageInstruction`, such as `[0].timing`; `text` Danish and English."""

    def __init__(self, code: str, field: str, text: tuple[str, str]) -> None:
        self.code, self.field, self.text = code, field, text
        super().__init__(f"{code} at {field}")


def read(instructions: Sequence[Resource]) -> Dosage:
    """The dosage that `dosageInstruction` says, whose texts are not looked at. Raises `UnreadableError`."""
    return Dosage(tuple(sorted(read_lines(instructions), key=lambda line: line.step)))


def read_lines(instructions: Sequence[Resource]) -> list[Line]:
    """The line of each instruction, in the order in which they are written. Raises `UnreadableError`."""
    if not instructions:
        raise UnreadableError("required", "", _REQUIRED)
    steps = _steps(instructions)
    return [
        _line(f"[{index}]", instruction, step)
        for index, (instruction, step) in enumerate(zip(instructions, steps, strict=True))
    ]


def write(dosage: Dosage, **common: Any) -> list[Resource]:
    """`dosageInstruction` without texts; `common` goes into each, such as the route."""
    numbered = len(dosage.steps) > 1
    return [
        {**({"sequence": line.step} if numbered else {}), **_written(line), **common} for line in dosage.lines
    ]


# Reading


def _steps(instructions: Sequence[Resource]) -> list[int]:
    """Of each instruction, its step from 1. Without `sequence` all hold at the same time."""
    numbers = [instruction["sequence"] for instruction in instructions if "sequence" in instruction]
    if not numbers:
        return [1] * len(instructions)
    for index, instruction in enumerate(instructions):
        if "sequence" not in instruction:
            raise UnreadableError("dose-unreadable", f"[{index}].sequence", _SEQUENCE)
    order = sorted(set(numbers))
    return [order.index(number) + 1 for number in numbers]


def _line(place: str, instruction: Resource, step: int) -> Line:
    if "modifierExtension" in instruction:
        raise UnreadableError("dose-unreadable", f"{place}.modifierExtension", _UNREADABLE)
    timing = instruction.get("timing", {})
    if not timing.keys() <= {"repeat"}:
        raise UnreadableError("dose-unreadable", f"{place}.timing", _UNREADABLE)
    repeat = dict(timing.get("repeat", {}))
    span = _span(f"{place}.timing.repeat", repeat)
    given, rate = _amounts(f"{place}.doseAndRate", instruction)
    if given is None:
        assert rate is not None, "one of them is given"
        return Line(_hourly(f"{place}.doseAndRate", rate), _continuous(place, repeat), span, step)
    return Line(given, _schedule(place, instruction, repeat), span, step, rate)


def _amounts(place: str, instruction: Resource) -> tuple[Amount | None, Amount | None]:
    """(dose, rate), not both None."""
    both = instruction.get("doseAndRate", ())
    if not both:
        raise UnreadableError("required", place, _DOSE_REQUIRED)
    if len(both) > 1 or not both[0].keys() <= {"type", "doseQuantity", "rateQuantity"}:
        raise UnreadableError("dose-unreadable", place, _UNREADABLE)
    dose, rate = both[0].get("doseQuantity"), both[0].get("rateQuantity")
    if dose is None and rate is None:
        raise UnreadableError("required", f"{place}[0].doseQuantity", _DOSE_REQUIRED)
    return (
        _quantity(f"{place}[0].doseQuantity", dose) if dose else None,
        _quantity(f"{place}[0].rateQuantity", rate) if rate else None,
    )


def _quantity(place: str, quantity: Resource) -> Amount:
    if "comparator" in quantity:
        raise UnreadableError("dose-unreadable", f"{place}.comparator", _UNREADABLE)
    given = amount.read(quantity)
    if given is None or amount.dimension(given.unit) is None:
        raise UnreadableError("dose-unit", place, _UNIT)
    if given.value <= 0:
        raise UnreadableError("dose-not-positive", f"{place}.value", _POSITIVE)
    return given


def _hourly(place: str, rate: Amount) -> Amount:
    if not rate.unit.endswith(_PER_HOUR):
        raise UnreadableError("dose-unit", f"{place}[0].rateQuantity", _HOURLY)
    return Amount(rate.value, rate.unit.removesuffix(_PER_HOUR), rate.word)


def _continuous(place: str, repeat: Mapping[str, Any]) -> Continuous:
    if repeat:
        raise UnreadableError("dose-unreadable", f"{place}.timing.repeat", _UNREADABLE)
    return Continuous()


def _span(place: str, repeat: dict[str, Any]) -> Span:
    """Takes the bounds out of `repeat`."""
    period = repeat.pop("boundsPeriod", {})
    duration = repeat.pop("boundsDuration", None)
    if "boundsRange" in repeat:
        raise UnreadableError("dose-unreadable", f"{place}.boundsRange", _UNREADABLE)
    if duration is None:
        return Span(period.get("start", ""), period.get("end", ""))
    value, unit = duration.get("value"), duration.get("code")
    if not isinstance(value, int) or value < 1 or unit not in _DAYS:
        raise UnreadableError("dose-unreadable", f"{place}.boundsDuration", _DURATION)
    return Span(days=value * _DAYS[unit])


def _schedule(place: str, instruction: Resource, repeat: dict[str, Any]) -> Schedule:
    if instruction.get("asNeededBoolean") or "asNeededCodeableConcept" in instruction:
        return _as_needed(place, instruction, repeat)
    place = f"{place}.timing.repeat"
    if not repeat:
        raise UnreadableError("required", place, _TIMES_REQUIRED)
    if repeat == {"count": 1}:
        return Once()
    if "when" in repeat:
        return _rounds(place, repeat)
    if "timeOfDay" in repeat:
        return _clock(place, repeat)
    if "dayOfWeek" in repeat:
        return _weekly(place, repeat)
    return _every(place, repeat)


def _rounds(place: str, repeat: dict[str, Any]) -> Rounds:
    when = repeat.pop("when")
    if len(set(when)) != len(when) or not set(when) <= set(ROUNDS):
        raise UnreadableError("dose-unreadable", f"{place}.when", _ROUNDS)
    _expect(place, repeat, {"frequency": len(when), **_DAY})
    return Rounds(tuple(sorted(when, key=ROUNDS.index)))


def _clock(place: str, repeat: dict[str, Any]) -> Clock:
    times = repeat.pop("timeOfDay")
    if len(set(times)) != len(times) or not all(map(_is_minute, times)):
        raise UnreadableError("dose-unreadable", f"{place}.timeOfDay", _CLOCK)
    _expect(place, repeat, {"frequency": len(times), **_DAY})
    return Clock(tuple(sorted(time[:5] for time in times)))


def _is_minute(time: str | None) -> bool:
    """An element that only has an extension is null."""
    return time is not None and time.endswith(":00")


def _weekly(place: str, repeat: dict[str, Any]) -> Weekly:
    days = repeat.pop("dayOfWeek")
    if len(set(days)) != len(days) or not set(days) <= set(WEEKDAYS):
        raise UnreadableError("dose-unreadable", f"{place}.dayOfWeek", _UNREADABLE)
    _expect(place, repeat, {"frequency": len(days), **_WEEK})
    return Weekly(tuple(sorted(days, key=WEEKDAYS.index)))


def _every(place: str, repeat: dict[str, Any]) -> Every:
    frequency, period, unit = (
        repeat.pop("frequency", 1),
        repeat.pop("period", None),
        repeat.pop("periodUnit", ""),
    )
    if period is None:
        raise UnreadableError("required", place, _TIMES_REQUIRED)
    if repeat or not isinstance(period, int) or min(period, frequency) < 1 or unit not in HOURS:
        raise UnreadableError("dose-unreadable", place, _UNREADABLE)
    return Every(frequency, period, unit)


def _as_needed(place: str, instruction: Resource, repeat: dict[str, Any]) -> AsNeeded:
    most = _daily_most(f"{place}.maxDosePerPeriod", instruction)
    when: tuple[str, ...] = ()
    times = None
    if "when" in repeat:
        when = _rounds(f"{place}.timing.repeat", repeat).when
    else:
        times = repeat.pop("frequencyMax", repeat.get("frequency"))
        _expect(f"{place}.timing.repeat", repeat, {"frequency": repeat.get("frequency"), **_DAY})
    reason = instruction.get("asNeededCodeableConcept", {})
    said = reason.get("text") or next((c["display"] for c in reason.get("coding", ()) if "display" in c), "")
    return AsNeeded(most, times, said, when)


def _daily_most(place: str, instruction: Resource) -> Amount:
    most = instruction.get("maxDosePerPeriod")
    if most is None:
        raise UnreadableError("required", place, _MOST_REQUIRED)
    period = amount.read(most.get("denominator", {}))
    days = amount.in_unit(period, "d") if period else None
    if days is None or days.value != 1:
        raise UnreadableError("dose-unreadable", f"{place}.denominator", _MOST_DAILY)
    return _quantity(f"{place}.numerator", most.get("numerator", {}))


def _expect(place: str, repeat: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """What else is said must only repeat what the schedule says already."""
    if not repeat.items() <= expected.items():
        raise UnreadableError("dose-unreadable", place, _UNREADABLE)


# Writing


def _written(line: Line) -> Resource:
    repeat = _bounds(line.span) | _repeat(line.schedule)
    written: Resource = {"timing": {"repeat": repeat}} if repeat else {}
    match line.schedule:
        case AsNeeded(most=most, reason=reason):
            written |= {"asNeededCodeableConcept": {"text": reason}} if reason else {"asNeededBoolean": True}
            written["maxDosePerPeriod"] = {
                "numerator": amount.write(most),
                "denominator": amount.write(Amount(Decimal(1), "d")),
            }
        case Continuous():
            hourly = Amount(line.amount.value, line.amount.unit + _PER_HOUR, line.amount.word)
            return {**written, "doseAndRate": [{"rateQuantity": amount.write(hourly)}]}
    given: Resource = {"doseQuantity": amount.write(line.amount)}
    if line.rate:
        given["rateQuantity"] = amount.write(line.rate)
    return {**written, "doseAndRate": [given]}


def _bounds(span: Span) -> Resource:
    if span.days is not None:
        return {"boundsDuration": amount.write(Amount(Decimal(span.days), "d"))}
    period = {key: at for key, at in (("start", span.start), ("end", span.end)) if at}
    return {"boundsPeriod": period} if period else {}


def _repeat(schedule: Schedule) -> Resource:
    match schedule:
        case Rounds(when):
            return {"frequency": len(when), **_DAY, "when": list(when)}
        case Clock(times):
            return {"frequency": len(times), **_DAY, "timeOfDay": [f"{time}:00" for time in times]}
        case Weekly(days):
            return {"frequency": len(days), **_WEEK, "dayOfWeek": list(days)}
        case Every(frequency, period, unit):
            return {"frequency": frequency, "period": period, "periodUnit": unit}
        case Once():
            return {"count": 1}
        case AsNeeded(when=when) if when:
            return {"frequency": len(when), **_DAY, "when": list(when)}
        case AsNeeded(times=int(times)):
            return {"frequency": 1, "frequencyMax": times, **_DAY}
        case _:
            return {}


# Texts in Danish and English
_REQUIRED = ("En ordination har en dosering.", "An order has a dosage.")
_DOSE_REQUIRED = ("Doseringen har en dosis med enhed.", "The dosage has a dose with its unit.")
_TIMES_REQUIRED = (
    "Doseringen siger, hvornår lægemidlet gives.",
    "The dosage says when the drug is given.",
)
_MOST_REQUIRED = (
    "En dosering efter behov har en største dosis pr. døgn.",
    "A dosage as needed has a maximum dose a day.",
)
_MOST_DAILY = (
    "Den største dosis efter behov gælder for ét døgn.",
    "The maximum dose as needed is for one day.",
)
_UNIT = (
    "En dosis har en enhed fra UCUM; talte enheder har koden 1.",
    "A dose has a unit of UCUM; what is counted has the code 1.",
)
_HOURLY = ("En infusionshastighed er pr. time.", "The rate of an infusion is per hour.")
_POSITIVE = ("En dosis er større end nul.", "A dose is greater than zero.")
_SEQUENCE = (
    "Enten har alle doseringslinjer en rækkefølge, eller også har ingen.",
    "Either all lines of a dosage have a sequence, or none has.",
)
_ROUNDS = (
    "Tidspunkterne er MORN, NOON, EVE og NIGHT, hver højst én gang.",
    "The times are MORN, NOON, EVE and NIGHT, each at most once.",
)
_CLOCK = (
    "Klokkeslæt er hele minutter, hvert højst én gang.",
    "Times of day are whole minutes, each at most once.",
)
_DURATION = (
    "En varighed er et helt antal dage eller uger.",
    "A duration is a whole number of days or weeks.",
)
_UNREADABLE = (
    "Doseringen siger noget, som Altid ikke kan kontrollere, og afvises derfor.",
    "The dosage says something that Altid cannot check, and is therefore refused.",
)
