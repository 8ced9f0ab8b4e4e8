"""Laboratory results and other measurements: one row per analysis, newest first, with its course."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.readings import Kind, Reading, readings_of
from altid.screen.views.trend import Trend, Window, trend_of, window_of


@dataclass(frozen=True, slots=True)
class Analysis:
    """All readings of one thing, newest first."""

    name: str | None
    readings: tuple[Reading, ...]
    trend: Trend | None

    @property
    def latest(self) -> Reading:
        return self.readings[0]

    @property
    def previous(self) -> Reading | None:
        return self.readings[1] if len(self.readings) > 1 else None


@dataclass(frozen=True, slots=True)
class Results:
    """`is_known` is False when they could not be read; `has_older`: only the newest were read."""

    is_known: bool
    analyses: tuple[Analysis, ...] = ()
    readings: tuple[Reading, ...] = ()
    window: Window | None = None
    has_older: bool = False

    @property
    def judged_count(self) -> int:
        """Analyses whose latest value somebody, or its interval, has judged."""
        return sum(1 for a in self.analyses if a.latest.judgement)

    @property
    def outside_count(self) -> int:
        """Analyses whose latest value stands out."""
        return sum(1 for a in self.analyses if a.latest.judgement and a.latest.judgement.stands_out)


def results_of(chart: Chart, kind: Kind) -> Results:
    """Everything measured of that kind."""
    if not chart.all_read("Observation"):
        return Results(is_known=False)
    readings = readings_of(chart, kind)
    readings.sort(key=lambda reading: (-reading.sort_at.timestamp(), (reading.name or "").casefold()))
    groups = list(by_analysis(readings).values())
    window = window_of(groups)
    analyses = tuple(Analysis(group[0].name, tuple(group), trend_of(group, window)) for group in groups)
    return Results(True, analyses, tuple(readings), window, "Observation" in chart.older)


def by_analysis(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """In the order in which the analyses first occur, so those with the newest reading first."""
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        groups.setdefault(reading.key, []).append(reading)
    return groups
