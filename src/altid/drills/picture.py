"""The picture of a run: each operation's latency over time, with the fault's window shaded. SVG as text.

Below the axis' first line a row of marks shows operations that got no answer, so that a gap in the points
above can be told from a pause in which nobody asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from altid.drills.history import Operation

_WIDTH, _HEIGHT = 1000, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 70, 90
_ROW = 18
"""Between the points' floor and the row of what got no answer."""

_MS_MIN, _MS_MAX = 0.5, 30_000.0
_POINTS_MAX = 6_000
"""More points than this make a file that browsers are slow with; every n-th is drawn then."""

_SLOW_S = 0.1
"""Whatever took longer is always drawn."""

_COLOURS = {"write": "#b3261e", "read": "#1a5fb4"}
_FAULT, _RETURN = "#f3d9b1", "#e3eedb"


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened, on the monotonic clock."""

    start_s: float
    fault_s: float
    healed_s: float
    whole_s: float
    end_s: float


def latency_picture(title: str, operations: Sequence[Operation], moments: Moments) -> str:
    """The whole file. Times are of the operations' clock; the axis counts from the fault."""
    acknowledged = [one for one in operations if one.acknowledged]
    lost = [one for one in operations if not one.acknowledged]
    shapes = [
        *_windows(moments),
        *_frame(title, moments),
        *_points(acknowledged, moments),
        *_unanswered(lost, moments),
        *_legend(),
    ]
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
            "font-family='Helvetica, Arial, sans-serif' font-size='13'>",
            f"<title>{escape(title)}</title>",
            "<desc>Latency of acknowledged operations, logarithmic; the fault is shaded.</desc>",
            f"<rect width='{_WIDTH}' height='{_HEIGHT}' fill='white'/>",
            *shapes,
            "</svg>\n",
        ]
    )


def _x(moment_s: float, moments: Moments) -> float:
    span_s = max(moments.end_s - moments.start_s, 0.001)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (moment_s - moments.start_s) / span_s


def _y(latency_ms: float) -> float:
    bounded = min(max(latency_ms, _MS_MIN), _MS_MAX)
    share = math.log(bounded / _MS_MIN) / math.log(_MS_MAX / _MS_MIN)
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _windows(moments: Moments) -> Iterable[str]:
    """The fault, and the time from its end until both sites held every write again."""
    healed_s = max(moments.healed_s, moments.fault_s + 0.1)
    fault = f"fault: {moments.healed_s - moments.fault_s:.1f} s"
    back = f"coming back: {moments.whole_s - moments.healed_s:.1f} s"
    yield from _window(moments.fault_s, healed_s, moments, _FAULT, fault)
    if moments.whole_s > healed_s:
        yield from _window(healed_s, moments.whole_s, moments, _RETURN, back)


def _window(from_s: float, to_s: float, moments: Moments, colour: str, label: str) -> Iterable[str]:
    left, right = _x(from_s, moments), _x(to_s, moments)
    height = _HEIGHT - _TOP - _BOTTOM + _ROW
    yield f"<rect x='{left:.1f}' y='{_TOP}' width='{right - left:.1f}' height='{height}' fill='{colour}'/>"
    yield f"<text x='{left + 3:.1f}' y='{_TOP - 6}' fill='#555'>{escape(label)}</text>"


def _frame(title: str, moments: Moments) -> Iterable[str]:
    yield f"<text x='{_LEFT}' y='28' font-size='17'>{escape(title)}</text>"
    for mark_ms in (1, 10, 100, 1_000, 10_000):
        y = _y(mark_ms)
        yield f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#d9d9d9'/>"
        label = f"{mark_ms} ms" if mark_ms < 1_000 else f"{mark_ms // 1000} s"
        yield f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{label}</text>"
    start, end = moments.start_s - moments.fault_s, moments.end_s - moments.fault_s
    step = max(1, round((end - start) / 12))
    for second in range(math.ceil(start / step) * step, int(end) + 1, step):
        x = _x(moments.fault_s + second, moments)
        yield f"<text x='{x:.1f}' y='{_HEIGHT - _BOTTOM + 40}' text-anchor='middle'>{second} s</text>"
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f"<text x='{middle}' y='{_HEIGHT - 28}' text-anchor='middle'>seconds since the fault</text>"


def _points(operations: Sequence[Operation], moments: Moments) -> Iterable[str]:
    every = max(1, len(operations) // _POINTS_MAX)
    for number, one in enumerate(operations):
        took_s = one.ended_s - one.started_s
        if number % every and took_s <= _SLOW_S:
            continue
        x, y = _x(one.ended_s, moments), _y(took_s * 1000)
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='1.8' fill='{_COLOURS[one.kind]}' fill-opacity='0.6'/>"


def _unanswered(operations: Sequence[Operation], moments: Moments) -> Iterable[str]:
    top = _HEIGHT - _BOTTOM + 4
    every = max(1, len(operations) // _POINTS_MAX)
    for one in operations[::every]:
        x = _x(one.ended_s, moments)
        yield (
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' y2='{top + 10}' stroke='{_COLOURS[one.kind]}' "
            "stroke-opacity='0.5'/>"
        )
    yield f"<text x='{_LEFT - 8}' y='{top + 10}' text-anchor='end'>no answer</text>"


def _legend() -> Iterable[str]:
    for number, (kind, colour) in enumerate(_COLOURS.items()):
        x = _WIDTH - 220 + number * 100
        yield f"<circle cx='{x}' cy='24' r='5' fill='{colour}'/><text x='{x + 10}' y='28'>{kind}s</text>"
