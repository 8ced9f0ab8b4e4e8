"""The words of a dosage, so that nobody has to write beside the structure what might contradict it.

Numbers as on the screen: a decimal comma in Danish, no trailing zero, a leading zero, units that cannot be
misread, spaces that do not break, times in 24 hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from altid.orders.amount import Language
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
    Weekly,
)

_DANISH, _ENGLISH = 0, 1

_WORDS = {
    "MORN": ("morgen", "in the morning"),
    "NOON": ("middag", "at noon"),
    "EVE": ("aften", "in the evening"),
    "NIGHT": ("nat", "at night"),
    "mon": ("mandag", "Monday"),
    "tue": ("tirsdag", "Tuesday"),
    "wed": ("onsdag", "Wednesday"),
    "thu": ("torsdag", "Thursday"),
    "fri": ("fredag", "Friday"),
    "sat": ("lørdag", "Saturday"),
    "sun": ("søndag", "Sunday"),
    "M": ("morgenmad", "breakfast"),
    "D": ("frokost", "lunch"),
    "V": ("aftensmad", "dinner"),
    "any-meal": ("måltider", "meals"),
    "AC": ("før {meals}", "before {meals}"),
    "PC": ("efter {meals}", "after {meals}"),
    "C": ("ved {meals}", "with {meals}"),
    "minutes": ("{minutes}\u00a0minutter {at}", "{minutes}\u00a0minutes {at}"),
    "one-minute": ("1\u00a0minut {at}", "1\u00a0minute {at}"),
    "and": ("og", "and"),
    "then": (", derefter ", ", then "),
    "on-days": ("hver {days}", "every {days}"),
    "at": ("kl. {times}", "at {times}"),
    "once": ("én gang", "once"),
    "one-time": ("1 gang", "once"),
    "times": ("{count} gange", "{count} times"),
    "per.h": ("{times} i timen", "{times} an hour"),
    "per.d": ("{times} i døgnet", "{times} a day"),
    "per.wk": ("{times} om ugen", "{times} a week"),
    "every.h": ("hver {every}. time", "every {every} hours"),
    "every.d": ("hver {every}. dag", "every {every} days"),
    "every.wk": ("hver {every}. uge", "every {every} weeks"),
    "in.h": ("{times} på {every} timer", "{times} in {every} hours"),
    "in.d": ("{times} på {every} dage", "{times} in {every} days"),
    "in.wk": ("{times} på {every} uger", "{times} in {every} weeks"),
    "needed": ("efter behov, højst {most} i døgnet", "as needed, at most {most} a day"),
    "needed-for": (
        "efter behov mod {reason}, højst {most} i døgnet",
        "as needed for {reason}, at most {most} a day",
    ),
    "in-doses": ("{needed} fordelt på højst {times}", "{needed} in at most {times}"),
    "hourly": ("{amount}/time som kontinuerlig infusion", "{amount}/hour as a continuous infusion"),
    "with-rate": ("{amount} med {rate}", "{amount} at {rate}"),
    "one-day": ("{text} i 1\u00a0dag", "{text} for 1\u00a0day"),
    "days": ("{text} i {days}\u00a0dage", "{text} for {days}\u00a0days"),
}


def text(dosage: Dosage, language: Language = "da") -> str:
    """The whole of it: `1 000 mg morgen og 500 mg aften i 7 dage, derefter 500 mg morgen`."""
    return _say("then", language).join(lines_text(lines, language) for lines in dosage.steps)


def lines_text(lines: Sequence[Line], language: Language = "da") -> str:
    """Of lines that hold at the same time."""
    return _listed(
        [
            _lasting(
                _listed([line_text(line, language, alone=False) for line in alike], language), days, language
            )
            for days, alike in groupby(lines, key=lambda line: line.span.days)
        ],
        language,
    )


def line_text(line: Line, language: Language = "da", *, alone: bool = True) -> str:
    """Of one line; without its duration when it does not stand `alone`."""
    amount = line.amount.text(language)
    if line.least:
        amount = f"{line.least.number(language)}–{amount}"
    if line.rate:
        amount = _say("with-rate", language, amount=amount, rate=line.rate.text(language))
    if isinstance(line.schedule, Continuous):
        said = _say("hourly", language, amount=amount)
    else:
        said = f"{amount} {_schedule(line.schedule, language)}"
    return _lasting(said, line.span.days if alone else None, language)


def _lasting(said: str, days: int | None, language: Language) -> str:
    if days is None:
        return said
    return _say("one-day" if days == 1 else "days", language, text=said, days=days)


def _schedule(schedule: Schedule, language: Language) -> str:
    match schedule:
        case Rounds(when):
            return _listed([_say(code, language) for code in when], language)
        case Meals():
            return _at_meals(schedule, language)
        case Clock(times):
            at = _say("at", language, times=_listed(list(times), language))
            return f"{_say('per.d', language, times=_times(len(times), language))} {at}"
        case Weekly(days):
            return _say("on-days", language, days=_listed([_say(day, language) for day in days], language))
        case Every():
            return _every(schedule, language)
        case Once():
            return _say("once", language)
        case AsNeeded():
            return _as_needed(schedule, language)
        case Continuous():
            return ""


def _at_meals(schedule: Meals, language: Language) -> str:
    relation = schedule.when[0].rstrip("".join(MEALS))
    named = [_say(code[-1], language) for code in schedule.when if code != relation]
    said = _say(relation, language, meals=_listed(named or [_say("any-meal", language)], language))
    if schedule.minutes:
        key = "one-minute" if schedule.minutes == 1 else "minutes"
        said = _say(key, language, minutes=schedule.minutes, at=said)
    if named:
        return said
    return f"{_say('per.d', language, times=_times(schedule.times, language))} {said}"


def _every(schedule: Every, language: Language) -> str:
    frequency, every, unit = schedule.frequency, schedule.period, schedule.unit
    if every == 1:
        return _say(f"per.{unit}", language, times=_times(frequency, language))
    if frequency == 1:
        return _say(f"every.{unit}", language, every=every)
    return _say(f"in.{unit}", language, times=_times(frequency, language), every=every)


def _as_needed(schedule: AsNeeded, language: Language) -> str:
    most = schedule.most.text(language)
    key = "needed-for" if schedule.reason else "needed"
    needed = _say(key, language, reason=schedule.reason, most=most)
    if schedule.when:
        return f"{_listed([_say(code, language) for code in schedule.when], language)} {needed}"
    if schedule.times is None:
        return needed
    return _say("in-doses", language, needed=needed, times=_doses(schedule.times, language))


def _doses(count: int, language: Language) -> str:
    words = ("dosis", "doser") if language == "da" else ("dose", "doses")
    return f"{count}\u00a0{words[count != 1]}"


def _times(count: int, language: Language) -> str:
    return _say("one-time" if count == 1 else "times", language, count=count)


def _listed(words: list[str], language: Language) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {_say('and', language)} {words[-1]}"


def _say(key: str, language: Language, **data: object) -> str:
    template = _WORDS[key][_ENGLISH if language == "en" else _DANISH]
    return template.format_map(data) if data else template
