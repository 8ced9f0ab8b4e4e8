"""The pictures of docs/performance.md, drawn from results as they stand in JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks import svg

_COLOURS = {"read": "#00509e", "find": "#7a3e9d", "search": "#007a53", "create": "#b34700"}
_NAMES = {
    "read": "read by id",
    "find": "patient by number",
    "search": "results by patient and code",
    "create": "create",
}
_PANEL_WIDTH, _PANEL_HEIGHT = 300, 260
_LEFT, _TOP, _LABEL_SPACE = 70, 90, 190
_LABEL_HEIGHT = 17
_MARGIN = 0.15
"""Powers of ten that the axis of resources goes beyond the first and the last point."""


class _Panel(NamedTuple):
    """One plot: where it stands and what its axes span."""

    left: float
    x_low: float
    x_high: float
    y_high: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Position of a value; x on a logarithmic axis, y on a linear one from 0."""
        share = (math.log10(x) - self.x_low) / (self.x_high - self.x_low)
        return self.left + share * _PANEL_WIDTH, _TOP + _PANEL_HEIGHT * (1 - y / self.y_high)


def growth_picture(points: Sequence[dict[str, Any]]) -> str:
    """Latency of single operations against the number of resources: median left, 99th percentile right."""
    width = _LEFT * 2 + _PANEL_WIDTH * 2 + _LABEL_SPACE + 10
    shapes = [
        svg.text(_LEFT, 32, "Latency while the record grows", 20),
        svg.text(_LEFT, 54, _growth_subtitle(points), 13, fill=svg.QUIET),
    ]
    for number, (key, name) in enumerate((("p50_ms", "median, ms"), ("p99_ms", "99th percentile, ms"))):
        shapes += _growth_panel(points, key, name, _LEFT + number * (_PANEL_WIDTH + _LEFT), number == 1)
    description = "; ".join(_growth_words(points, name) for name in _COLOURS)
    return svg.picture(
        width, _TOP + _PANEL_HEIGHT + 60, "Latency while the record grows", description, shapes
    )


def _growth_subtitle(points: Sequence[dict[str, Any]]) -> str:
    largest = points[-1]
    connections = largest["operations"][0]["outcome"]["connections"]
    resources = largest["size"]["resources"]
    return f"up to {largest['patients']:,} patients, {resources:,} resources; {connections} connections"


def _growth_words(points: Sequence[dict[str, Any]], workload: str) -> str:
    series = _series(points, workload, "p50_ms")
    values = ", ".join(f"{latency:.2f} ms at {resources:,}" for resources, latency in series)
    return f"{_NAMES[workload]}: median {values} resources"


def _series(points: Sequence[dict[str, Any]], workload: str, key: str) -> list[tuple[int, float]]:
    return [
        (point["size"]["resources"], operation["outcome"]["latency"][key])
        for point in points
        for operation in point["operations"]
        if operation["workload"] == workload
    ]


def _growth_panel(
    points: Sequence[dict[str, Any]], key: str, title: str, left: float, is_labelled: bool
) -> list[str]:
    lines = {workload: _series(points, workload, key) for workload in _COLOURS}
    resources = [x for x, _ in lines["read"]]
    low, high = math.log10(min(resources)) - _MARGIN, math.log10(max(resources)) + _MARGIN
    highest = svg.round_up(max(y for series in lines.values() for _, y in series))
    panel = _Panel(left, low, high, highest)
    shapes = [svg.text(left, _TOP - 12, title, 14), *_axes(panel)]
    for workload, series in lines.items():
        places = [panel.place(x, y) for x, y in series]
        shapes.append(svg.path(places, _COLOURS[workload]))
        shapes += [svg.dot(x, y, _COLOURS[workload]) for x, y in places]
    if is_labelled:
        shapes += _end_labels(panel, lines)
    return shapes


def _axes(panel: _Panel) -> list[str]:
    bottom, right = _TOP + _PANEL_HEIGHT, panel.left + _PANEL_WIDTH
    shapes = []
    steps = 4 if f"{panel.y_high:e}"[0] == "2" else 5
    for step in range(steps + 1):
        value = panel.y_high * step / steps
        y = panel.place(10**panel.x_low, value)[1]
        shapes.append(svg.line(panel.left, y, right, y, svg.GRID))
        shapes.append(svg.text(panel.left - 8, y + 4, f"{value:g}", 12, "end", svg.QUIET))
    for exponent in range(math.ceil(panel.x_low), math.floor(panel.x_high) + 1):
        x = panel.place(10**exponent, 0)[0]
        shapes.append(svg.line(x, bottom, x, bottom + 5))
        shapes.append(svg.text(x, bottom + 20, f"{10**exponent:,}", 12, "middle", svg.QUIET))
    shapes.append(svg.line(panel.left, bottom, right, bottom))
    shapes.append(
        svg.text(panel.left + _PANEL_WIDTH / 2, bottom + 42, "resources in the record", 13, "middle")
    )
    return shapes


def _end_labels(panel: _Panel, lines: dict[str, list[tuple[int, float]]]) -> list[str]:
    """The names beside the lines' ends, moved apart where they would overlap."""
    ends = sorted((panel.place(*series[-1])[1], workload) for workload, series in lines.items())
    shapes, lowest = [], -math.inf
    for y, workload in ends:
        lowest = max(y + 4, lowest + _LABEL_HEIGHT)
        x = panel.left + _PANEL_WIDTH + 10
        shapes.append(svg.text(x, lowest, _NAMES[workload], 13, fill=_COLOURS[workload]))
    return shapes


class Bars(NamedTuple):
    """One group of the throughput picture; figures per second, None where there is none."""

    name: str
    altid: float
    limit: float | None
    peer: float | None


_BAR_HEIGHT, _BAR_STEP, _GROUP_STEP = 16, 20, 84
_BAR_LEFT, _BAR_WIDTH = 250, 420
_BAR_KINDS = (("Altid", "#00509e"), ("PostgreSQL alone (pgbench)", "#8c8c8c"), ("Medplum 5.1", "#c96a1b"))


def throughput_picture(groups: Sequence[Bars]) -> str:
    """Throughput of each kind of work; within a group the longest bar is the largest figure."""
    shapes = [
        svg.text(24, 32, "Throughput, per second", 20),
        svg.text(24, 54, "Each group has its own scale, from 0.", 13, fill=svg.QUIET),
        *_bar_legend(),
    ]
    for number, group in enumerate(groups):
        shapes += _bar_group(group, 112 + number * _GROUP_STEP)
    description = "; ".join(_bar_words(group) for group in groups)
    height = 112 + len(groups) * _GROUP_STEP
    return svg.picture(_BAR_LEFT + _BAR_WIDTH + 110, height, "Throughput, per second", description, shapes)


def _bar_legend() -> list[str]:
    shapes = []
    for number, (name, colour) in enumerate(_BAR_KINDS):
        x = 24 + number * 220
        shapes += [svg.bar(x, 70, 12, 12, colour), svg.text(x + 18, 81, name, 13)]
    return shapes


def _bar_group(group: Bars, top: float) -> list[str]:
    figures = (group.altid, group.limit, group.peer)
    longest = max(figure for figure in figures if figure is not None)
    shapes = [svg.text(24, top + 13, group.name, 14)]
    for row, (figure, (_, colour)) in enumerate(zip(figures, _BAR_KINDS, strict=True)):
        if figure is None:
            continue
        y, length = top + row * _BAR_STEP, _BAR_WIDTH * figure / longest
        shapes.append(svg.bar(_BAR_LEFT, y, length, _BAR_HEIGHT, colour))
        shapes.append(svg.text(_BAR_LEFT + length + 6, y + 13, f"{figure:,.0f}", 13))
    return shapes


def _bar_words(group: Bars) -> str:
    figures = zip((group.altid, group.limit, group.peer), (name for name, _ in _BAR_KINDS), strict=True)
    return f"{group.name}: " + ", ".join(
        f"{name} {figure:,.0f}" for figure, name in figures if figure is not None
    )
