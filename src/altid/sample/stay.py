"""What is measured while a patient lies in hospital: when blood is drawn, and what the story makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from altid.sample import courses, vitals
from altid.sample.analytes import ANALYTES, GASES
from altid.sample.courses import Order, Story
from altid.sample.dice import Dice
from altid.sample.laboratory import Sample, egfr, measured
from altid.sample.moments import clock, days
from altid.sample.person import Person
from altid.sample.places import Bed, Ward
from altid.sample.vitals import Charted

_ROUTINE = ("hb", "leukocytes", "platelets", "crp", "sodium", "potassium", "creatinine", "albumin")
"""Everybody's samples at admission, besides what the story and their diseases are about."""

_FOLLOWED = ("crp", "potassium", "creatinine")
_ONCE = ("ldl", "tsh", "ferritin", "d-dimer", "probnp", "neutrophils", "albumin", "urea", "amylase")
"""Not drawn again on the mornings, even when the story is about them."""

_MORNINGS_MAX = 3
"""Morning rounds of blood that are written, besides the samples at admission: the first, the middle, the
last.
"""

_GAS_AGAIN_DAYS = 0.15
"""An abnormal arterial gas is repeated after about four hours."""

_SHIFTS = ((6, 15), (14, 20), (21, 40))
"""Hour and minute when the three shifts chart vital signs."""


_RELIEF = Order(("morfin-relief", "oxycodon-needed"), "lindring af smerter og åndenød")
_RELIEF_FROM = 0.6
"""Part of the last stay after which the dying get it."""


class Stay(NamedTuple):
    """One admission. `until` is when it ended, or the present moment for those who lie there now."""

    story: Story
    start: datetime
    end: datetime | None
    until: datetime
    ward: Ward
    bed: Bed
    severity: float
    fatal: bool

    @property
    def orders(self) -> tuple[Order, ...]:
        """Those of the story, and the relief of those who are dying."""
        if not self.fatal:
            return self.story.orders
        return (*self.story.orders, _RELIEF._replace(from_day=self.day(self.until) * _RELIEF_FROM))

    @property
    def current(self) -> bool:
        return self.end is None

    def day(self, at: datetime) -> float:
        return (at - self.start) / timedelta(days=1)


def blood(dice: Dice, person: Person, stay: Stay) -> list[Sample]:
    """The samples of the stay, oldest first; gases are samples of their own."""
    curves = {curve.analyte for curve in stay.story.curves}
    first = stay.start + days(dice.between(0.015, 0.035))
    known = {key for disease in person.diseases for key, _, _ in disease.tests}
    at_first = {*_ROUTINE, *curves, *known} - {*GASES}
    routine = [key for key in ANALYTES if key in at_first]
    again = {*_FOLLOWED, *curves} - {*_ONCE, *GASES}
    followed = [key for key in ANALYTES if key in again]
    samples = [_sample(dice, person, stay, first, routine)]
    gases = [key for key in GASES if key in curves]
    if gases:
        at = first + days(dice.between(0.002, 0.01))
        samples.append(_sample(dice, person, stay, at, gases))
        if "ph" in gases and at + days(_GAS_AGAIN_DAYS + 0.01) < stay.until:
            samples.append(_sample(dice, person, stay, at + days(_GAS_AGAIN_DAYS), gases))
    samples += [_sample(dice, person, stay, at, followed) for at in _mornings(dice, stay, first)]
    return samples


def _mornings(dice: Dice, stay: Stay, first: datetime) -> list[datetime]:
    """When blood was drawn on the wards' morning rounds: at most three of the stay's mornings."""
    at = clock(stay.start, 7, 5) + days(1)
    mornings: list[datetime] = []
    while at + days(0.07) < stay.until:
        if at > first + days(0.3):
            mornings.append(at + days(dice.between(0, 0.02)))
        at += days(1)
    if len(mornings) <= _MORNINGS_MAX:
        return mornings
    return [mornings[0], mornings[len(mornings) // 2], mornings[-1]]


def _sample(dice: Dice, person: Person, stay: Stay, at: datetime, keys: list[str]) -> Sample:
    curves = {curve.analyte: curve for curve in stay.story.curves}
    values: dict[str, float] = {}
    for key in keys:
        true = person.usual[key]
        if key in curves:
            true = courses.value(curves[key], stay.day(at), person.usual, stay.severity, stay.fatal)
        values[key] = measured(dice, ANALYTES[key], true)
        if key == "creatinine":
            values["egfr"] = egfr(round(values[key]), person.sex, person.age)
    return Sample(at, values)


def rounds(dice: Dice, person: Person, stay: Stay) -> list[Charted]:
    """Vital signs at admission, in the middle and last, as charted by the shifts."""
    low_target = any(disease.key == "copd" for disease in person.diseases)
    at_admission = stay.start + days(dice.between(0.005, 0.012))
    shifts = [at for at in _shifts(stay) if at > at_admission + days(0.15)]
    chosen = [at_admission]
    if len(shifts) > 2:
        chosen.append(shifts[len(shifts) // 2])
    chosen += shifts[-1:]
    return [
        vitals.measure(
            dice,
            courses.vitals(stay.story, stay.day(at), stay.fatal),
            at if at is at_admission else at + days(dice.between(0, 0.02)),
            low_target,
        )
        for at in chosen
    ]


def _shifts(stay: Stay) -> list[datetime]:
    day = clock(stay.start, 0)
    moments: list[datetime] = []
    while day < stay.until:
        moments += [clock(day, hour, minute) for hour, minute in _SHIFTS]
        day += days(1)
    return [at for at in moments if stay.start < at and at + days(0.05) < stay.until]
