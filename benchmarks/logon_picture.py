"""The picture of the logon storm: goodput second by second, with protections and without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks import svg

_COLOURS = {1: "#8c8c8c", 2: "#007a53", 5: "#b34700", 10: "#00509e"}
_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 60, 110, 340, 220, 70
_PERCENT_MAX = 120


def draw(results: dict[str, Any]) -> str:
    """Two panels, one line for each load."""
    title = "The same storm of logons, with protections and without"
    shapes = [svg.text(_LEFT, 32, title, 20), svg.text(_LEFT, 54, _subtitle(results), 13, fill=svg.QUIET)]
    words = []
    for number, (protected, name) in enumerate(((True, "protections on"), (False, "protections off"))):
        storms = [one for one in results["storms"] if one["protected"] is protected and _load(one)]
        left = _LEFT + number * (_WIDTH + _GAP)
        shapes += _panel(storms, name, left)
        words.append(f"{name}: " + "; ".join(_words(one) for one in storms))
    width = _LEFT + 2 * _WIDTH + _GAP + 40
    return svg.picture(width, _TOP + _HEIGHT + 90, title, ". ".join(words), shapes)


def _subtitle(results: dict[str, Any]) -> str:
    return (
        f"{results['accounts']:,} accounts; capacity {results['capacity_per_second']:.0f} people/s; "
        "goodput in % of capacity, by the second; the storm lies between the lines"
    )


def _words(storm: dict[str, Any]) -> str:
    return f"{storm['load']} goodput {storm['goodput_percent']:.0f} %, after {storm['after_percent']:.0f} %"


def _load(storm: dict[str, Any]) -> int:
    """1, 2, 5 or 10; 0 for the loads that are no multiple."""
    name: str = storm["load"]
    return int(name[:-1]) if name.endswith("x") else 0


def _panel(storms: Sequence[dict[str, Any]], name: str, left: float) -> list[str]:
    seconds = max(len(one["timeline"]) for one in storms)
    shapes = [svg.text(left, _TOP - 14, name, 15)]
    for percent in range(0, _PERCENT_MAX + 1, 20):
        y = _y(percent)
        shapes.append(svg.line(left, y, left + _WIDTH, y, svg.GRID))
        shapes.append(svg.text(left - 8, y + 4, f"{percent}", 12, "end", svg.QUIET))
    for second in range(0, seconds, 5):
        x = left + _WIDTH * second / seconds
        shapes.append(svg.text(x, _TOP + _HEIGHT + 18, f"{second} s", 12, "middle", svg.QUIET))
    for second in storms[0]["storm_seconds"]:
        x = left + _WIDTH * second / seconds
        shapes.append(svg.line(x, _TOP, x, _TOP + _HEIGHT, svg.QUIET))
    for place, storm in enumerate(storms):
        colour = _COLOURS.get(_load(storm), svg.INK)
        points = [
            (left + _WIDTH * (second + 0.5) / seconds, _y(min(percent, _PERCENT_MAX)))
            for second, percent in enumerate(storm["timeline"])
        ]
        shapes.append(svg.path(points, colour))
        x = left + place * 82
        shapes.append(svg.bar(x, _TOP + _HEIGHT + 34, 12, 12, colour))
        shapes.append(svg.text(x + 18, _TOP + _HEIGHT + 45, storm["load"], 13))
    return shapes


def _y(percent: float) -> float:
    return _TOP + _HEIGHT * (1 - percent / _PERCENT_MAX)
