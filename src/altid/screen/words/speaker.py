"""One language: everything on a page that is words, numbers or times is said here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Literal, get_args

from altid.screen.views.identity import Identity, age_day
from altid.screen.views.moments import ZONE, Moment, Precision, moment_at, whole_months, whole_years
from altid.screen.views.values import Pair, Quantity, Ratio, Span, Value
from altid.screen.words.catalogue import CATALOGUE
from altid.screen.words.numbers import NO_BREAK_SPACE, exact_text, printed_unit, trimmed_text

Language = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""In the order of the catalogue; the first is the default."""

_MARKS = {"da": ",", "en": "."}
_YEARS_FROM_MONTHS = 24
_MONTHS_FROM_DAYS = 28
"""Children are told in months until they are two, the newborn in days (NHS Common User Interface)."""


@dataclass(frozen=True, slots=True)
class Words:
    """Speaks one language; has no state."""

    language: Language

    def text(self, key: str, **data: object) -> str:
        """The catalogue's text, with `data` put in its places. `KeyError` for a key that nobody wrote."""
        template = CATALOGUE[key][LANGUAGES.index(self.language)]
        return template.format_map(data) if data else template

    def code(self, group: str, code: str | None) -> str:
        """The word for a FHIR code; the code itself where there is no word for it."""
        key = f"{group}.{code or 'unknown'}"
        return self.text(key) if key in CATALOGUE else str(code)

    def has(self, key: str) -> bool:
        return key in CATALOGUE

    def listed(self, items: Iterable[str]) -> str:
        """`a, b og c`."""
        every = list(items)
        if len(every) < 2:
            return "".join(every)
        return f"{', '.join(every[:-1])} {self.text('list.and')} {every[-1]}"

    def named(self, kind: str, keys: Iterable[str]) -> str:
        """`a, b og c` of texts of the catalogue, in lower case: `puls og saturation`."""
        return self.listed(self.text(f"{kind}.{key}").lower() for key in keys)

    # Numbers

    def number(self, value: int | float) -> str:
        return exact_text(value, _MARKS[self.language])

    def value(self, value: Value) -> str:
        """Without its unit."""
        match value:
            case Quantity():
                return f"{self._comparator(value)}{self.number(value.value)}"
            case Pair(first, second):
                return f"{self.number(first.value)}/{self.number(second.value)}"
            case Span(low, high):
                return _span(low, high, self.number)
            case Ratio(numerator, denominator):
                return f"{self.quantity(numerator)} : {self.quantity(denominator)}"
            case Moment():
                return self.moment(value)
            case bool():
                return self.text("value.yes" if value else "value.no")
            case str():
                return value

    def unit(self, value: Value | None) -> str:
        """The unit of a value, "" for one that has none."""
        match value:
            case Quantity(unit=unit) | Pair(first=Quantity(unit=unit)):
                return printed_unit(unit)
            case Span(low, high):
                return printed_unit((low or high or Quantity(0)).unit)
        return ""

    def quantity(self, quantity: Quantity) -> str:
        """As measured, with its unit."""
        return _joined(self.value(quantity), printed_unit(quantity.unit))

    def interval(self, interval: Span) -> str:
        """A reference interval without its unit: `3,5–4,4`, `≤ 8`, `≥ 60`."""
        return _span(interval.low, interval.high, self.number)

    def dose_number(self, value: int | float) -> str:
        return trimmed_text(value, _MARKS[self.language])

    def dose(self, dose: Quantity | Span | Ratio) -> str:
        """An amount to be given: no trailing zeros, units that cannot be misread written out."""
        match dose:
            case Quantity():
                number = f"{self._comparator(dose)}{self.dose_number(dose.value)}"
                return _joined(number, self.dose_unit(dose))
            case Span(low, high):
                unit = self.dose_unit(low or high or Quantity(0))
                return _joined(_span(low, high, self.dose_number), unit)
            case Ratio(numerator, denominator):
                per = self.dose(denominator)
                if denominator.value == 1:
                    per = self.dose_unit(denominator)
                return f"{self.dose(numerator)} {self.text('dose.per')} {per}"

    def dose_unit(self, quantity: Quantity) -> str:
        """`mikrogram`, never `µg` or `mcg`; `IE`, never `U` (ISMP's list of error-prone abbreviations)."""
        for code in (quantity.code, quantity.unit):
            if f"unit.{code}" in CATALOGUE:
                return self.text(f"unit.{code}")
        return printed_unit(quantity.unit or quantity.code) or self.text("dose.no-unit")

    def _comparator(self, quantity: Quantity) -> str:
        return {"<=": "≤", ">=": "≥"}.get(quantity.comparator, quantity.comparator)

    # Times

    def moment(self, moment: Moment | None) -> str:
        """`17. nov 2026 10:02`, as exact as it is known; "ikke oplyst" for None."""
        return self._moment(moment, "month.short")

    def full_moment(self, moment: Moment | None) -> str:
        """With the month written out."""
        return self._moment(moment, "month.full")

    def day(self, moment: Moment | None) -> str:
        """Without the time of day."""
        if moment and moment.precision is Precision.MINUTE:
            moment = Moment(moment.at, Precision.DAY)
        return self.moment(moment)

    def full_day(self, moment: Moment | None) -> str:
        """Without the time of day, with the month written out."""
        if moment and moment.precision is Precision.MINUTE:
            moment = Moment(moment.at, Precision.DAY)
        return self.full_moment(moment)

    def calendar_day(self, day: date) -> str:
        """`17. nov 2026`."""
        return self.moment(Moment(datetime(day.year, day.month, day.day, tzinfo=ZONE), Precision.DAY))

    def clock(self, moment: Moment) -> str:
        """The time of day, "" where only the day is known."""
        return f"{moment.at:%H:%M}" if moment.precision is Precision.MINUTE else ""

    def instant(self, at: datetime) -> str:
        return self.full_moment(moment_at(at))

    def machine(self, moment: Moment) -> str:
        """For the attribute `datetime` of HTML's `time`."""
        forms = {Precision.YEAR: "%Y", Precision.MONTH: "%Y-%m", Precision.DAY: "%Y-%m-%d"}
        form = forms.get(moment.precision)
        return moment.at.strftime(form) if form else moment.at.isoformat(timespec="minutes")

    def _moment(self, moment: Moment | None, months: str) -> str:
        if moment is None:
            return self.text("value.not-given")
        year = f"{moment.at.year:04d}"
        if moment.precision is Precision.YEAR:
            return year
        month = self.text(f"{months}.{moment.at.month}")
        if moment.precision is Precision.MONTH:
            return f"{month}{NO_BREAK_SPACE}{year}"
        day = self.text("moment.day", day=moment.at.day, month=month, year=year).replace(" ", NO_BREAK_SPACE)
        clock = self.clock(moment)
        return f"{day} {clock}" if clock else day

    def age(self, identity: Identity, today: date) -> str | None:
        """`78 år`, `14 måneder`, `12 dage`; of the dead, the age that they reached. None if not known."""
        born = identity.born
        if born is None or (identity.deceased is True):
            return None
        day = age_day(identity, today)
        if day < born.at.date():
            return None
        age = self._age(born, day)
        return self.text("age.reached", age=age) if identity.deceased else age

    def _age(self, born: Moment, day: date) -> str:
        birth = born.at.date()
        if born.precision < Precision.DAY:
            return self.text("age.about", years=day.year - birth.year)
        months, days = whole_months(birth, day), (day - birth).days
        if months >= _YEARS_FROM_MONTHS:
            return self.text("age.years", years=whole_years(birth, day))
        if days >= _MONTHS_FROM_DAYS:
            return self.text("age.months" if months != 1 else "age.month", months=months)
        return self.text("age.days" if days != 1 else "age.day", days=days)

    def counted(self, key: str, count: int) -> str:
        """`key.one` or `key.many` with the number."""
        return self.text(f"{key}.{'one' if count == 1 else 'many'}", count=self.number(count))


def _span(low: Quantity | None, high: Quantity | None, say: Callable[[int | float], str]) -> str:
    if low and high:
        return f"{say(low.value)}–{say(high.value)}"
    if high:
        return f"≤{NO_BREAK_SPACE}{say(high.value)}"
    return f"≥{NO_BREAK_SPACE}{say(low.value)}" if low else ""


def _joined(number: str, unit: str) -> str:
    return f"{number}{NO_BREAK_SPACE}{unit}" if unit else number


@cache
def words(language: Language) -> Words:
    return Words(language)


def person_name(identity: Identity, unknown: str) -> str:
    """`EFTERNAVN, Fornavn`, with `unknown` for what is missing; as written where it is not told apart."""
    if not (identity.family or identity.given):
        return identity.written_name or unknown
    family = identity.family.upper() if identity.family else unknown
    return f"{family}, {identity.given}" if identity.given else family


def joined(parts: Sequence[str | None], mark: str = " – ") -> str:
    """The parts that there are."""
    return mark.join(part for part in parts if part)
