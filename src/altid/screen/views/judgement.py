"""What the laboratory, or the reference interval, says of a value (R4 observation.html#interpretation)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altid.screen.views.elements import HL7, Resource, codings, concept_text, elements
from altid.screen.views.values import Quantity, Span, Value, same_unit


class Level(StrEnum):
    """The words are the keys of the catalogue; arrows go with some of them."""

    CRITICAL_HIGH = "critical-high"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    CRITICAL_LOW = "critical-low"
    CRITICAL = "critical"
    ABNORMAL = "abnormal"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    RESISTANT = "resistant"
    INTERMEDIATE = "intermediate"
    SUSCEPTIBLE = "susceptible"
    OTHER = "other"


ARROWS = {
    Level.CRITICAL_HIGH: "↑↑",
    Level.HIGH: "↑",
    Level.LOW: "↓",
    Level.CRITICAL_LOW: "↓↓",
    Level.CRITICAL: "!!",
    Level.ABNORMAL: "!",
}

_SYSTEMS = {f"{HL7}/v3-ObservationInterpretation", "http://hl7.org/fhir/v2/0078", f"{HL7}/v2-0078"}
_LEVELS = {
    "HH": Level.CRITICAL_HIGH,
    "HU": Level.CRITICAL_HIGH,
    "H": Level.HIGH,
    ">": Level.HIGH,
    "N": Level.NORMAL,
    "L": Level.LOW,
    "<": Level.LOW,
    "LL": Level.CRITICAL_LOW,
    "LU": Level.CRITICAL_LOW,
    "AA": Level.CRITICAL,
    "A": Level.ABNORMAL,
    "POS": Level.POSITIVE,
    "DET": Level.POSITIVE,
    "NEG": Level.NEGATIVE,
    "ND": Level.NEGATIVE,
    "R": Level.RESISTANT,
    "I": Level.INTERMEDIATE,
    "S": Level.SUSCEPTIBLE,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """`written` are the author's words for a level that we have none for. `is_derived`: nobody said it, we
    compared the value with the interval."""

    level: Level
    written: str | None = None
    is_derived: bool = False

    @property
    def arrow(self) -> str:
        return ARROWS.get(self.level, "")

    @property
    def stands_out(self) -> bool:
        return self.level in ARROWS or self.level in (Level.POSITIVE, Level.RESISTANT)


def judgement_of(observation: Resource, value: Value | None, interval: Span | None) -> Judgement | None:
    """The gravest of those given; without any, from the interval; None where that says nothing."""
    given = [_judged(concept) for concept in elements(observation.get("interpretation"))]
    known = [judgement for judgement in given if judgement]
    if known:
        return min(known, key=_gravity)
    if isinstance(value, Quantity) and interval:
        return _compared(value, interval)
    return None


def _judged(concept: Resource) -> Judgement | None:
    for system, code, _ in codings(concept):
        if code in _LEVELS and (system in _SYSTEMS or not system):
            return Judgement(_LEVELS[code])
    written = concept_text(concept)
    return Judgement(Level.OTHER, written) if written else None


_GRAVITY = (Level.CRITICAL_HIGH, Level.CRITICAL_LOW, Level.CRITICAL, Level.HIGH, Level.LOW, Level.ABNORMAL)


def _gravity(judgement: Judgement) -> int:
    return _GRAVITY.index(judgement.level) if judgement.level in _GRAVITY else len(_GRAVITY)


def _compared(value: Quantity, interval: Span) -> Judgement | None:
    """A value like "<4" is only judged where every value that it may mean lies on one side."""
    low, high = interval.low, interval.high
    if any(limit and not same_unit(value, limit) for limit in (low, high)):
        return None
    may_be_less, may_be_more = value.comparator in ("<", "<="), value.comparator in (">", ">=")
    if high and value.value > high.value and not may_be_less:
        return Judgement(Level.HIGH, is_derived=True)
    if low and value.value < low.value and not may_be_more:
        return Judgement(Level.LOW, is_derived=True)
    inside_low = low is None or (value.value >= low.value and not may_be_less)
    inside_high = high is None or (value.value <= high.value and not may_be_more)
    return Judgement(Level.NORMAL, is_derived=True) if inside_low and inside_high else None
