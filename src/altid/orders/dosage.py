"""FHIR `Dosage` (R4 dosage.html), read into `orders.dose` and written from it; `timing` has the times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from altid.orders import amount, timing
from altid.orders.amount import Amount
from altid.orders.dose import AsNeeded, Continuous, Dosage, Line, Schedule
from altid.orders.elements import Resource
from altid.orders.unreadable import UNREADABLE, UnreadableError

_PER_HOUR = "/h"


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
        raise UnreadableError("dose-unreadable", f"{place}.modifierExtension", UNREADABLE)
    times = instruction.get("timing", {})
    if not times.keys() <= {"repeat"}:
        raise UnreadableError("dose-unreadable", f"{place}.timing", UNREADABLE)
    repeat = dict(times.get("repeat", {}))
    span = timing.span(f"{place}.timing.repeat", repeat)
    place_of_dose = f"{place}.doseAndRate[0]"
    dose = _dose_and_rate(f"{place}.doseAndRate", instruction)
    rate = _rate(f"{place_of_dose}.rateQuantity", dose["rateQuantity"]) if "rateQuantity" in dose else None
    if "doseRange" in dose:
        least, most = _range(f"{place_of_dose}.doseRange", dose["doseRange"])
        schedule = _schedule(place, instruction, repeat)
        if not isinstance(schedule, AsNeeded):
            raise UnreadableError("dose-unreadable", f"{place_of_dose}.doseRange", _RANGE_AS_NEEDED)
        return Line(most, schedule, span, step, rate, least)
    if "doseQuantity" in dose:
        given = _quantity(f"{place_of_dose}.doseQuantity", dose["doseQuantity"])
        return Line(given, _schedule(place, instruction, repeat), span, step, rate)
    if rate is None:
        raise UnreadableError("required", f"{place_of_dose}.doseQuantity", _DOSE_REQUIRED)
    hourly = Amount(rate.value, rate.unit.removesuffix(_PER_HOUR), rate.word)
    return Line(hourly, _continuous(place, repeat), span, step)


def _dose_and_rate(place: str, instruction: Resource) -> Resource:
    both: list[Resource] = instruction.get("doseAndRate", [])
    if not both:
        raise UnreadableError("required", place, _DOSE_REQUIRED)
    if len(both) > 1 or not both[0].keys() <= {"type", "doseQuantity", "doseRange", "rateQuantity"}:
        raise UnreadableError("dose-unreadable", place, UNREADABLE)
    return both[0]


def _range(place: str, range_: Resource) -> tuple[Amount, Amount]:
    """(least, most), in one unit."""
    low, high = (_quantity(f"{place}.{end}", range_.get(end, {})) for end in ("low", "high"))
    if low.unit != high.unit:
        raise UnreadableError("dose-unit", f"{place}.high", _RANGE_UNIT)
    if low.value >= high.value:
        raise UnreadableError("dose-unreadable", place, _RANGE_ORDER)
    return Amount(low.value, low.unit, high.word), high


def _quantity(place: str, quantity: Resource) -> Amount:
    given = _amount(place, quantity)
    if amount.is_share(given.unit):
        raise UnreadableError("dose-unit", place, _SHARE)
    return given


def _amount(place: str, quantity: Resource) -> Amount:
    if "comparator" in quantity:
        raise UnreadableError("dose-unreadable", f"{place}.comparator", UNREADABLE)
    given = amount.read(quantity)
    if given is None or amount.dimension(given.unit) is None:
        raise UnreadableError("dose-unit", place, _UNIT)
    if given.value <= 0:
        raise UnreadableError("dose-not-positive", f"{place}.value", _POSITIVE)
    return given


def _rate(place: str, quantity: Resource) -> Amount:
    """So much of something that can be measured, per hour."""
    rate = _amount(place, quantity)
    if not rate.unit.endswith(_PER_HOUR):
        raise UnreadableError("dose-unit", place, _HOURLY)
    if amount.is_share(rate.unit.removesuffix(_PER_HOUR)):
        raise UnreadableError("dose-unit", place, _SHARE)
    return rate


def _continuous(place: str, repeat: Mapping[str, Any]) -> Continuous:
    if repeat:
        raise UnreadableError("dose-unreadable", f"{place}.timing.repeat", UNREADABLE)
    return Continuous()


def _schedule(place: str, instruction: Resource, repeat: dict[str, Any]) -> Schedule:
    if instruction.get("asNeededBoolean") or "asNeededCodeableConcept" in instruction:
        return _as_needed(place, instruction, repeat)
    return timing.schedule(f"{place}.timing.repeat", repeat)


def _as_needed(place: str, instruction: Resource, repeat: dict[str, Any]) -> AsNeeded:
    most = _daily_most(f"{place}.maxDosePerPeriod", instruction)
    when: tuple[str, ...] = ()
    times = None
    if "when" in repeat:
        when = timing.rounds(f"{place}.timing.repeat", repeat).when
    else:
        times = repeat.pop("frequencyMax", repeat.get("frequency"))
        timing.expect(f"{place}.timing.repeat", repeat, {"frequency": repeat.get("frequency"), **timing.DAY})
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


# Writing


def _written(line: Line) -> Resource:
    repeat = timing.bounds(line.span) | timing.repeat_of(line.schedule)
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
    if line.least:
        given = {"doseRange": {"low": amount.write(line.least), "high": amount.write(line.amount)}}
    if line.rate:
        given["rateQuantity"] = amount.write(line.rate)
    return {**written, "doseAndRate": [given]}


# Texts in Danish and English
_REQUIRED = ("En ordination har en dosering.", "An order has a dosage.")

_DOSE_REQUIRED = ("Doseringen har en dosis med enhed.", "The dosage has a dose with its unit.")

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

_SHARE = (
    "En dosis er en mængde. Skal den følge vægt eller overflade, regnes den ud, før den ordineres.",
    "A dose is an amount. If it follows weight or surface, it is worked out before it is ordered.",
)

_RANGE_AS_NEEDED = (
    "En dosis fra og til gives kun efter behov; ellers siger ordinationen, hvor meget.",
    "A dose from and to is for drugs as needed; else the order says how much.",
)

_RANGE_UNIT = (
    "En dosis fra og til har samme enhed.",
    "A dose from and to has one unit.",
)

_RANGE_ORDER = (
    "En dosis fra og til begynder med den mindste.",
    "A dose from and to begins with the least.",
)

_HOURLY = ("En infusionshastighed er pr. time.", "The rate of an infusion is per hour.")

_POSITIVE = ("En dosis er større end nul.", "A dose is greater than zero.")

_SEQUENCE = (
    "Enten har alle doseringslinjer en rækkefølge, eller også har ingen.",
    "Either all lines of a dosage have a sequence, or none has.",
)
