"""How a drug is taken, as a sentence: dose – route – frequency (the medication line)."""

from __future__ import annotations

from altid.screen.views.dosage import Dosage, Often, Schedule
from altid.screen.views.values import Ratio
from altid.screen.words.speaker import Words, joined

_ONE = 1


def frequency(words: Words, dosage: Dosage) -> str:
    """When and how often: `morgen og aften`, `4 gange i døgnet kl. 00:00, 06:00`, `efter behov, højst …`."""
    parts = [schedule(words, dosage.schedule), _as_needed(words, dosage), *_most(words, dosage)]
    if dosage.days:
        parts.append(words.counted("dose.for-days", dosage.days))
    return ", ".join(part for part in parts if part)


def schedule(words: Words, when: Schedule) -> str:
    """The times alone; "" when nothing is said."""
    if when.is_once:
        return words.text("dose.once")
    parts = [
        words.listed(words.code("event", event) for event in when.events),
        "" if when.events else _often(words, when),
        words.text("dose.on-days", days=words.listed(_days(words, when))) if when.days else "",
        words.text("dose.at", times=", ".join(when.clock)) if when.clock else "",
    ]
    said = " ".join(part for part in parts if part)
    if when.offset_min and when.events:
        said = words.text("dose.offset", minutes=when.offset_min, when=said)
    return said or (words.code("timing", when.code) if when.code else "")


def amount(words: Words, dosage: Dosage) -> str:
    """Dose and rate."""
    dose = words.dose(dosage.dose) if dosage.dose else ""
    rate = words.dose(dosage.rate) if dosage.rate else ""
    if dose and rate:
        return words.text("dose.with-rate", dose=dose, rate=rate)
    return dose or rate


def manner(words: Words, dosage: Dosage) -> str:
    """What follows the dose: route, site, method and frequency."""
    return joined([dosage.route, dosage.site, dosage.method, frequency(words, dosage)])


def _often(words: Words, when: Schedule) -> str:
    often = when.often
    if often is None:
        return ""
    every = words.number(often.every.value)
    if often.every_max:
        every = f"{every}–{words.number(often.every_max.value)}"
    if when.days and often.every.value == _ONE and often.every.unit == "wk":
        return ""
    if often.every.value == _ONE and not often.every_max:
        return _counted(words, often)
    if often.count == _ONE and not often.count_max:
        return words.text(f"every.{often.every.unit}", every=every)
    return words.text(
        "dose.times-every", count=_count(often), every=words.text(f"span.{often.every.unit}", every=every)
    )


def _counted(words: Words, often: Often) -> str:
    one = often.count == _ONE and not often.count_max
    times = words.text("times.one" if one else "times.many", count=_count(often))
    return words.text(f"times.per.{often.every.unit}", times=times)


def _count(often: Often) -> str:
    return f"{often.count}–{often.count_max}" if often.count_max else str(often.count)


def _days(words: Words, when: Schedule) -> list[str]:
    return [words.code("weekday", day) for day in when.days]


def _as_needed(words: Words, dosage: Dosage) -> str:
    if isinstance(dosage.as_needed, str):
        return words.text("dose.as-needed-for", reason=dosage.as_needed)
    return words.text("dose.as-needed") if dosage.as_needed else ""


def _most(words: Words, dosage: Dosage) -> list[str]:
    return [
        words.text("dose.at-most", amount=words.dose(most))
        if isinstance(most, Ratio)
        else words.text("dose.at-most-each", amount=words.dose(most))
        for most in dosage.most
    ]
