"""When a drug is taken: FHIR `Timing.repeat` (R4 datatypes.html#timing), read into `orders.dose` and written.

What the schedule does not account for is refused with the name of the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from altid.orders import amount
from altid.orders.amount import Amount
from altid.orders.dose import (
    AFTER,
    BEFORE,
    HOURS,
    MEALS,
    ROUNDS,
    WEEKDAYS,
    WITH,
    AsNeeded,
    Clock,
    Every,
    Meals,
    Once,
    Rounds,
    Schedule,
    Span,
    Weekly,
)
from altid.orders.elements import Resource
from altid.orders.unreadable import UNREADABLE, UnreadableError

DAY = {"period": 1, "periodUnit": "d"}
_WEEK = {"period": 1, "periodUnit": "wk"}
_DAYS = {"d": 1, "wk": 7}

_MEAL_DOSES_MAX = 8
"""A day: three meals, and what is eaten between them."""

_MINUTES_MAX = 240
"""Before or after a meal; longer, and it is a time of its own."""

_AT_MEALS = frozenset(f"{relation}{meal}" for relation in (BEFORE, AFTER, WITH) for meal in ("", *MEALS))


def span(place: str, repeat: dict[str, Any]) -> Span:
    """Takes the bounds out of `repeat`."""
    period = repeat.pop("boundsPeriod", {})
    duration = repeat.pop("boundsDuration", None)
    if "boundsRange" in repeat:
        raise UnreadableError("dose-unreadable", f"{place}.boundsRange", UNREADABLE)
    if duration is None:
        return Span(period.get("start", ""), period.get("end", ""))
    value, unit = duration.get("value"), duration.get("code")
    if not isinstance(value, int) or value < 1 or unit not in _DAYS:
        raise UnreadableError("dose-unreadable", f"{place}.boundsDuration", _DURATION)
    return Span(days=value * _DAYS[unit])


def schedule(place: str, repeat: dict[str, Any]) -> Schedule:
    """Of what is not taken as needed. `place`: of `repeat`, whose members are taken out as they are read."""
    if not repeat:
        raise UnreadableError("required", place, _TIMES_REQUIRED)
    if repeat == {"count": 1}:
        return Once()
    if "when" in repeat:
        return _meals(place, repeat) if set(repeat["when"]) & _AT_MEALS else rounds(place, repeat)
    if "timeOfDay" in repeat:
        return _clock(place, repeat)
    if "dayOfWeek" in repeat:
        return _weekly(place, repeat)
    return _every(place, repeat)


def rounds(place: str, repeat: dict[str, Any]) -> Rounds:
    when = repeat.pop("when")
    if len(set(when)) != len(when) or not set(when) <= set(ROUNDS):
        raise UnreadableError("dose-unreadable", f"{place}.when", _ROUNDS)
    expect(place, repeat, {"frequency": len(when), **DAY})
    return Rounds(tuple(sorted(when, key=ROUNDS.index)))


def _meals(place: str, repeat: dict[str, Any]) -> Meals:
    """At meals that are named, each once, or at so many a day; all before, all after or all with them."""
    when, minutes = repeat.pop("when"), repeat.pop("offset", 0)
    first = next(code for code in when if code in _AT_MEALS)
    relation = next(each for each in (BEFORE, AFTER, WITH) if first.startswith(each))
    named = [code for meal in MEALS if (code := f"{relation}{meal}") in when]
    if len(set(when)) != len(when) or set(when) not in ({relation}, set(named)):
        raise UnreadableError("dose-unreadable", f"{place}.when", _MEALS)
    if minutes > (0 if relation == WITH else _MINUTES_MAX):
        raise UnreadableError("dose-unreadable", f"{place}.offset", _OFFSET)
    times = len(named) or repeat.get("frequency", 0)
    if not times:
        raise UnreadableError("required", f"{place}.frequency", _MEAL_TIMES)
    if times > _MEAL_DOSES_MAX:
        raise UnreadableError("dose-unreadable", f"{place}.frequency", UNREADABLE)
    expect(place, repeat, {"frequency": times, **DAY})
    return Meals(tuple(named) or (relation,), times, minutes)


def _clock(place: str, repeat: dict[str, Any]) -> Clock:
    times = repeat.pop("timeOfDay")
    if len(set(times)) != len(times) or not all(map(_is_minute, times)):
        raise UnreadableError("dose-unreadable", f"{place}.timeOfDay", _CLOCK)
    expect(place, repeat, {"frequency": len(times), **DAY})
    return Clock(tuple(sorted(time[:5] for time in times)))


def _is_minute(time: str | None) -> bool:
    """An element that only has an extension is null."""
    return time is not None and time.endswith(":00")


def _weekly(place: str, repeat: dict[str, Any]) -> Weekly:
    days = repeat.pop("dayOfWeek")
    if len(set(days)) != len(days) or not set(days) <= set(WEEKDAYS):
        raise UnreadableError("dose-unreadable", f"{place}.dayOfWeek", UNREADABLE)
    expect(place, repeat, {"frequency": len(days), **_WEEK})
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
        raise UnreadableError("dose-unreadable", place, UNREADABLE)
    return Every(frequency, period, unit)


def expect(place: str, repeat: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """What else is said must only repeat what the schedule says already."""
    if not repeat.items() <= expected.items():
        raise UnreadableError("dose-unreadable", place, UNREADABLE)


def bounds(span: Span) -> Resource:
    if span.days is not None:
        return {"boundsDuration": amount.write(Amount(Decimal(span.days), "d"))}
    period = {key: at for key, at in (("start", span.start), ("end", span.end)) if at}
    return {"boundsPeriod": period} if period else {}


def repeat_of(schedule: Schedule) -> Resource:
    match schedule:
        case Rounds(when):
            return {"frequency": len(when), **DAY, "when": list(when)}
        case Meals(when, times, minutes):
            offset = {"offset": minutes} if minutes else {}
            return {"frequency": times, **DAY, "when": list(when), **offset}
        case Clock(times):
            return {"frequency": len(times), **DAY, "timeOfDay": [f"{time}:00" for time in times]}
        case Weekly(days):
            return {"frequency": len(days), **_WEEK, "dayOfWeek": list(days)}
        case Every(frequency, period, unit):
            return {"frequency": frequency, "period": period, "periodUnit": unit}
        case Once():
            return {"count": 1}
        case AsNeeded(when=when) if when:
            return {"frequency": len(when), **DAY, "when": list(when)}
        case AsNeeded(times=int(times)):
            return {"frequency": 1, "frequencyMax": times, **DAY}
        case _:
            return {}


# Texts in Danish and English
_TIMES_REQUIRED = (
    "Doseringen siger, hvornår lægemidlet gives.",
    "The dosage says when the drug is given.",
)

_ROUNDS = (
    "Tidspunkterne er MORN, NOON, EVE og NIGHT, hver højst én gang.",
    "The times are MORN, NOON, EVE and NIGHT, each at most once.",
)

_MEALS = (
    "Tidspunkter ved måltider er alle før (AC), alle efter (PC) eller alle ved (C), og står ikke sammen med "
    "andre.",
    "Times at meals are all before (AC), all after (PC) or all with them (C), and stand with no others.",
)

_MEAL_TIMES = (
    "Er måltidet ikke nævnt, siger doseringen, hvor mange gange i døgnet.",
    "Where no meal is named, the dosage says how many times a day.",
)

_OFFSET = (
    "Minutter står ved måltider, før eller efter dem, og er højst 240.",
    "Minutes go with meals, before or after them, and are 240 at most.",
)

_CLOCK = (
    "Klokkeslæt er hele minutter, hvert højst én gang.",
    "Times of day are whole minutes, each at most once.",
)

_DURATION = (
    "En varighed er et helt antal dage eller uger.",
    "A duration is a whole number of days or weeks.",
)
