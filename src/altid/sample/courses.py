"""What brings people to hospital: the shape of a story, and how it runs over the days."""

from __future__ import annotations

import math
from typing import NamedTuple

from altid.sample.cpr import Sex
from altid.sample.laboratory import Usual

_WORSE_PER_DAY = 0.12
"""How much further from usual each day takes the blood tests of a patient who does not get well."""

_VITALS_WORSE_FROM, _VITALS_WORSE_PER_DAY, _VITALS_WORSE_MAX = 1.2, 0.15, 1.7
"""The same for the vital signs, which are worse from the beginning; there is an end to what a body bears."""

_VITALS_DAYS = 1.3
"""Days in which vital signs come two thirds of the way back."""

_CLEAR_AGAIN_DAYS = 1.5
"""Days after which a confused patient is clear again."""


class Curve(NamedTuple):
    """One analysis over the days of an illness, in the analyte's unit; None means the patient's usual value.

    It goes from `start` on a line to `peak` on day `peak_day`, then towards `settle`, two thirds of the way
    in `days`.
    """

    analyte: str
    start: float | None
    peak: float
    peak_day: float
    settle: float | None
    days: float


class Vitals(NamedTuple):
    """Per minute, saturation in %, mmHg, per minute, degrees Celsius, ACVPU, litres of oxygen a minute."""

    breaths: float
    saturation: float
    systolic: float
    pulse: float
    temperature: float
    mind: str = "A"
    oxygen: float = 0


class Order(NamedTuple):
    """A drug ordered in the story: of `choices` (regimens) the first that the patient may have.

    `home` orders go on after discharge; the others end with the admission or after `for_days`.
    """

    choices: tuple[str, ...]
    because: str
    from_day: float = 0
    for_days: float = 0
    home: bool = False


class Requisition(NamedTuple):
    """Something asked of another department: service (see `places.SERVICES`), name, code, reason."""

    service: str
    name: str
    code: str
    specimen: str = ""


class Operation(NamedTuple):
    """An SKS code and name, and the day it is done."""

    code: str
    name: str
    day: float


class Story(NamedTuple):
    """Why somebody is admitted, and what is done."""

    key: str
    specialties: tuple[str, ...]
    code: str
    name: str
    ages: tuple[int, int]
    women: float
    stays: tuple[float, float]
    """Shortest and longest stay in days."""
    curves: tuple[Curve, ...]
    first: Vitals
    last: Vitals
    orders: tuple[Order, ...]
    complaint: str
    """What the admission note says brought the patient, one or two sentences."""
    findings: str
    plan: tuple[str, ...]
    progress: tuple[str, str]
    """What the ward round finds when the patient is well on the way, and before that."""
    requisitions: tuple[Requisition, ...] = ()
    follow_up: str = ""
    requires: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    """Beginnings of ATC codes of home medicine that is paused."""
    pauses_days: float = 0
    """The pause is over after so many days; nought: it lasts as long as the stay."""
    operation: Operation | None = None
    planned: bool = False
    grave: bool = False
    """Some die of it."""
    also: tuple[tuple[str, str], ...] = ()
    """Further diagnoses: code and name."""

    @property
    def sexes(self) -> tuple[tuple[Sex, float], ...]:
        return ("female", self.women), ("male", 1 - self.women)


def value(curve: Curve, day: float, usual: Usual, severity: float, worsening: bool) -> float:
    """What the analysis would show that day; `severity` (about 1) stretches the distance from usual."""
    normal = usual[curve.analyte]
    start = normal if curve.start is None else curve.start
    settle = normal if curve.settle is None else curve.settle
    if day < curve.peak_day:
        bare = start + (curve.peak - start) * day / curve.peak_day
    elif worsening:
        bare = curve.peak + (curve.peak - normal) * _WORSE_PER_DAY * (day - curve.peak_day)
    else:
        bare = settle + (curve.peak - settle) * math.exp((curve.peak_day - day) / curve.days)
    return normal + (bare - normal) * severity


def vitals(story: Story, day: float, worsening: bool) -> Vitals:
    """The vital signs of that day, before the noise of measuring."""
    worse = min(_VITALS_WORSE_FROM + _VITALS_WORSE_PER_DAY * day, _VITALS_WORSE_MAX)
    left = worse if worsening else math.exp(-day / _VITALS_DAYS)
    clear = story.first.mind == "A" or (day > _CLEAR_AGAIN_DAYS and not worsening)
    mind = "A" if clear else ("V" if worsening and day > 1 else story.first.mind)
    return Vitals(
        breaths=_towards(story.first.breaths, story.last.breaths, left),
        saturation=_towards(story.first.saturation, story.last.saturation, left),
        systolic=_towards(story.first.systolic, story.last.systolic, left),
        pulse=_towards(story.first.pulse, story.last.pulse, left),
        temperature=_towards(story.first.temperature, story.last.temperature, min(left, 1)),
        mind=mind,
        oxygen=_oxygen(_towards(story.first.oxygen, story.last.oxygen, left)),
    )


def _towards(first: float, last: float, left: float) -> float:
    return last + (first - last) * left


def _oxygen(litres: float) -> float:
    """Set in half litres; less than half of one is none."""
    return round(litres * 2) / 2 if litres >= 0.5 else 0
