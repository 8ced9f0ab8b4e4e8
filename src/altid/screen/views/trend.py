"""A small graph of one analysis: points joined by lines over linear time, the normal range as a band.

Only geometry: numbers for an SVG of `WIDTH` by `HEIGHT` user units, oldest on the left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from altid.screen.views.readings import Reading
from altid.screen.views.values import Pair, Quantity, Span, same_unit

WIDTH, HEIGHT = 156, 38
_MARGIN = 5
"""Room for the points at the edges."""

_POINTS_WANTED = 5
"""A course is told by its last few points; the whole past would press them together at the edge."""
_SPAN_SHARE_MIN = 0.1
"""Without a normal range to compare with, a graph spans at least this share of the values' middle, so that
noise doesn't look like a fall."""

WINDOWS = tuple(timedelta(days=days) for days in (3, 14, 90, 365, 5 * 365))


class Mark(StrEnum):
    """How a point is drawn; by shape, so that colour is not needed."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    LIMIT = "limit"
    """The analyser said only "less than" or "more than"."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time axis, the same for all graphs that stand in one column."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    mark: Mark


@dataclass(frozen=True, slots=True)
class Trend:
    """`lines`: one, or two for a pair such as blood pressure. `band`: top and height of the normal range."""

    lines: tuple[tuple[Point, ...], ...]
    band: tuple[float, float] | None
    count: int

    @property
    def paths(self) -> list[str]:
        return ["M" + " L".join(f"{point.x} {point.y}" for point in line) for line in self.lines]


def window_of(series: Iterable[Sequence[Reading]]) -> Window | None:
    """The shortest window up to the newest reading that holds the newest points of most analyses."""
    times = [
        sorted((reading.at.at for reading in readings if reading.at and _numbers(reading)), reverse=True)
        for readings in series
    ]
    several = [of_one for of_one in times if len(of_one) > 1]
    if not several:
        return None
    newest, oldest = max(of_one[0] for of_one in several), min(of_one[-1] for of_one in several)
    for length in WINDOWS:
        start = _back(newest, length)
        shown = sum(1 for of_one in several if of_one[:_POINTS_WANTED][-1] >= start)
        if 2 * shown > len(several):
            inside = [at for of_one in several for at in of_one if at >= start]
            return Window(min(inside), newest)
    return Window(oldest, newest)


def _back(at: datetime, length: timedelta) -> datetime:
    """FHIR's years begin with 0001, and so do Python's: nothing is before them."""
    try:
        return at - length
    except OverflowError:
        return datetime.min.replace(tzinfo=at.tzinfo)


def trend_of(readings: Sequence[Reading], window: Window | None) -> Trend | None:
    """Of one analysis, newest first; None where there are not two comparable numbers in the window."""
    if window is None or window.end <= window.start:
        return None
    inside = [r for r in readings if r.at and window.start <= r.at.at <= window.end and _numbers(r)]
    if not inside:
        return None
    unit = _numbers(inside[0])
    shown = [r for r in reversed(inside) if _comparable(_numbers(r), unit)]
    if len({r.sort_at for r in shown}) < 2:
        return None
    interval = inside[0].interval if isinstance(inside[0].value, Quantity) else None
    scale = _Scale(window, *_extent(shown, interval))
    lines = tuple(
        tuple(scale.point(reading, _numbers(reading)[number]) for reading in shown)
        for number in range(len(unit))
    )
    return Trend(lines, scale.band(interval), len(shown))


def _numbers(reading: Reading) -> tuple[Quantity, ...]:
    if isinstance(reading.value, Quantity):
        return (reading.value,)
    return (reading.value.first, reading.value.second) if isinstance(reading.value, Pair) else ()


def _comparable(numbers: tuple[Quantity, ...], others: tuple[Quantity, ...]) -> bool:
    return len(numbers) == len(others) and all(map(same_unit, numbers, others))


def _extent(readings: Sequence[Reading], interval: Span | None) -> tuple[float, float]:
    values = [float(number.value) for reading in readings for number in _numbers(reading)]
    limits = [float(limit.value) for limit in (interval.low, interval.high) if limit] if interval else []
    low, high = min(values + limits), max(values + limits)
    middle, half = (low + high) / 2, (high - low) / 2
    if not limits:
        half = max(half, abs(middle) * _SPAN_SHARE_MIN / 2)
    half = half or 1.0
    return middle - half, middle + half


@dataclass(frozen=True, slots=True)
class _Scale:
    """From time and value to the graph."""

    window: Window
    low: float
    high: float

    def point(self, reading: Reading, number: Quantity) -> Point:
        return Point(self._x(reading.sort_at), self._y(float(number.value)), _mark(reading, number))

    def band(self, interval: Span | None) -> tuple[float, float] | None:
        """An open end reaches to the edge."""
        if interval is None:
            return None
        top = self._y(float(interval.high.value)) if interval.high else 0.0
        bottom = self._y(float(interval.low.value)) if interval.low else float(HEIGHT)
        return (top, round(bottom - top, 1)) if bottom > top else None

    def _x(self, at: datetime) -> float:
        share = (at - self.window.start) / (self.window.end - self.window.start)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)

    def _y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN), 1)


def _mark(reading: Reading, number: Quantity) -> Mark:
    if number.comparator:
        return Mark.LIMIT
    stands_out = reading.judgement is not None and reading.judgement.stands_out
    return Mark.OUTSIDE if stands_out else Mark.INSIDE
