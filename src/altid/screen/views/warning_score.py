"""The early warning score of one round of vital signs: NEWS2 (Royal College of Physicians, 2017), scale 1.

In Denmark it is called EWS, in some regions TOKS (*tidlig opsporing af kritisk sygdom*). It is computed only
from a round in which all seven signs were measured: half a score would look like a good one. The second
saturation scale is a doctor's decision for one patient and is not guessed here; a score that somebody has
charted goes before ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from altid.screen.views.readings import Reading
from altid.screen.views.values import Pair, Quantity

PARTS = ("breaths", "saturation", "oxygen", "pressure", "pulse", "mind", "temperature")
"""The signs that it is made of, by their keys of the catalogue."""

_ALERT = frozenset({"248234008", "A", "a", "LA6557-8", "365933000"})
"""SNOMED CT and the letter of ACVPU: awake and clear."""
_RED_PART = 3
_MEDIUM, _HIGH = 5, 7

_Bands = tuple[tuple[float, int], ...]
"""(highest value of the band, points), rising; above the last one the points of `_ABOVE`."""
_BANDS: dict[str, tuple[_Bands, int]] = {
    "breaths": (((8, 3), (11, 1), (20, 0), (24, 2)), 3),
    "saturation": (((91, 3), (93, 2), (95, 1)), 0),
    "systolic": (((90, 3), (100, 2), (110, 1), (219, 0)), 3),
    "pulse": (((40, 3), (50, 1), (90, 0), (110, 1), (130, 2)), 3),
    "temperature": (((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1)), 2),
}


class Risk(StrEnum):
    """What the sum asks for: keys of the catalogue."""

    LOW = "low"
    LOW_MEDIUM = "low-medium"
    """Low, but one part alone is red."""
    MEDIUM = "medium"
    HIGH = "high"


_NOTHING_RED, _SOME, _HOURLY = timedelta(hours=12), timedelta(hours=6), timedelta(hours=1)
"""How often NEWS2 has it measured at least (clinical response, chart 4); from 7 on the patient is watched
all the time."""


def risk_of(total: int, *, has_red: bool = False) -> Risk:
    """`has_red`: one part alone has three points."""
    if total >= _HIGH:
        return Risk.HIGH
    if total >= _MEDIUM:
        return Risk.MEDIUM
    return Risk.LOW_MEDIUM if has_red else Risk.LOW


def measured_within(total: int, risk: Risk) -> timedelta:
    """For how long after such a score nobody need measure; nothing where it is done all the time."""
    if risk is Risk.HIGH:
        return timedelta()
    if risk is Risk.LOW:
        return _SOME if total else _NOTHING_RED
    return _HOURLY


@dataclass(frozen=True, slots=True)
class Score:
    """`points` by part."""

    points: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.points.values())

    @property
    def risk(self) -> Risk:
        return risk_of(self.total, has_red=_RED_PART in self.points.values())


@dataclass(frozen=True, slots=True)
class Unscored:
    """There is no score: these parts were not measured, or not in a way that can be scored."""

    missing: tuple[str, ...]


def score_of(signs: Mapping[str, Reading | None]) -> Score | Unscored:
    """Of one round, by the signs' keys."""
    points = {part: _points(part, reading) for part in PARTS if (reading := signs.get(part))}
    missing = tuple(part for part in PARTS if points.get(part) is None)
    if missing:
        return Unscored(missing)
    return Score({part: each for part, each in points.items() if each is not None})


def _points(part: str, reading: Reading) -> int | None:
    value = reading.value
    if part == "mind":
        return 0 if reading.value_codes & _ALERT else (_RED_PART if reading.value_codes else None)
    if part == "pressure":
        return _banded("systolic", value.first) if isinstance(value, Pair) else None
    if not isinstance(value, Quantity):
        return None
    if part == "oxygen":
        return 2 if value.value > 0 else 0
    return _banded(part, value)


def _banded(part: str, value: Quantity) -> int:
    bands, above = _BANDS[part]
    return next((points for highest, points in bands if value.value <= highest), above)
