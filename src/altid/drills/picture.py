"""The picture of a run: each operation's latency over time, with the fault's window shaded. SVG as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from altid.drills.history import Operation

_WIDTH, _HEIGHT = 1000, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 50, 50
_MS_MIN, _MS_MAX = 0.5, 30_000.0
_POINTS_MAX = 6_000
"""More points than this make a file that browsers are slow with; every n-th is drawn then."""

_COLOURS = {"write": "#b3261e", "read": "#1a5fb4"}


def latency_picture(
    title: str, operations: Sequence[Operation], start_s: float, end_s: float, fault: tuple[float, float]
) -> str:
    """The whole file. Times are of the operations' clock; the axis counts from the fault."""
    shapes = [
        *_frame(title, start_s, end_s, fault),
        *_points([one for one in operations if one.acknowledged], start_s, end_s),
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


def _x(moment_s: float, start_s: float, end_s: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (moment_s - start_s) / max(end_s - start_s, 0.001)


def _y(latency_ms: float) -> float:
    bounded = min(max(latency_ms, _MS_MIN), _MS_MAX)
    share = math.log(bounded / _MS_MIN) / math.log(_MS_MAX / _MS_MIN)
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _frame(title: str, start_s: float, end_s: float, fault: tuple[float, float]) -> Iterable[str]:
    from_x, to_x = _x(fault[0], start_s, end_s), _x(fault[1], start_s, end_s)
    height = _HEIGHT - _TOP - _BOTTOM
    yield f"<rect x='{from_x:.1f}' y='{_TOP}' width='{to_x - from_x:.1f}' height='{height}' fill='#f3d9b1'/>"
    yield f"<text x='{_LEFT}' y='28' font-size='17'>{escape(title)}</text>"
    for mark_ms in (1, 10, 100, 1_000, 10_000):
        y = _y(mark_ms)
        yield f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#d9d9d9'/>"
        label = f"{mark_ms} ms" if mark_ms < 1_000 else f"{mark_ms // 1000} s"
        yield f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{label}</text>"
    step = max(1, round((end_s - start_s) / 12))
    for second in range(math.ceil((start_s - fault[0]) / step) * step, int(end_s - fault[0]) + 1, step):
        x = _x(fault[0] + second, start_s, end_s)
        yield f"<text x='{x:.1f}' y='{_HEIGHT - _BOTTOM + 20}' text-anchor='middle'>{second} s</text>"


def _points(operations: Sequence[Operation], start_s: float, end_s: float) -> Iterable[str]:
    every = max(1, len(operations) // _POINTS_MAX)
    slow = {id(one) for one in operations if one.ended_s - one.started_s > 0.1}
    for number, one in enumerate(operations):
        if number % every and id(one) not in slow:
            continue
        x, y = _x(one.ended_s, start_s, end_s), _y((one.ended_s - one.started_s) * 1000)
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='1.8' fill='{_COLOURS[one.kind]}' fill-opacity='0.6'/>"


def _legend() -> Iterable[str]:
    for number, (kind, colour) in enumerate(_COLOURS.items()):
        x = _WIDTH - 220 + number * 100
        yield f"<circle cx='{x}' cy='24' r='5' fill='{colour}'/><text x='{x + 10}' y='28'>{kind}s</text>"
