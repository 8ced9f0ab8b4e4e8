"""Vital signs as a ward reads them: one row per sign, the newest rounds of measurement side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.moments import Moment
from altid.screen.views.readings import Kind, Reading, readings_of
from altid.screen.views.results import by_analysis
from altid.screen.views.trend import Trend, Window, trend_of, window_of
from altid.screen.views.warning_score import PARTS, Score, Unscored, score_of

ROUNDS_MAX = 4
"""Columns that fit beside the graph on a ward's screen."""

VITALS_OLDER = "Observation vital-signs"
"""In a chart's `older`, where older measurements of this kind alone were not read."""

SCORED_FROM = 4
"""Of the seven signs of a score: with so many somebody meant to make one, and is told what is missing."""

_ORDER: tuple[tuple[str, frozenset[str]], ...] = (
    ("ews", frozenset({"ews", "MCS88125", "1104051000000101", "445551004"})),
    ("breaths", frozenset({"9279-1", "86290005", "MCS88122"})),
    ("saturation", frozenset({"2708-6", "59408-5", "NPU27280", "NPU03011", "431314004", "103228002"})),
    ("oxygen", frozenset({"3151-8", "3150-0", "427081008"})),
    ("pressure", frozenset({"85354-9", "55284-4", "75367002", "ZZ3160"})),
    ("pulse", frozenset({"8867-4", "NPU21692", "364075005", "78564009", "ZZ3140"})),
    ("temperature", frozenset({"8310-5", "NPU08676", "386725007", "ZZ0253"})),
    ("mind", frozenset({"80288-4", "67775-7", "MCS88126", "6942003", "365933000"})),
    ("pain", frozenset({"72514-3", "38208-5", "225908003"})),
    ("weight", frozenset({"29463-7", "NPU03804", "27113001"})),
    ("height", frozenset({"8302-2", "NPU03794", "50373000", "1153637007"})),
    ("bmi", frozenset({"39156-5", "NPU27281", "60621009"})),
)
"""The order of the early warning score (A to E), by LOINC, NPU, SNOMED CT, MedCom and SKS codes."""
_OTHERS = len(_ORDER)
SCORE_CODES = _ORDER[0][1]
"""Of a score that somebody has charted."""


@dataclass(frozen=True, slots=True)
class Sign:
    """`known` is a key of the catalogue for signs that we can name; `cells` has a reading or None a round."""

    name: str | None
    known: str | None
    cells: tuple[Reading | None, ...]
    latest: Reading
    is_in_rounds: bool
    """False when its newest reading is older than all the rounds shown."""
    trend: Trend | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """`rounds` are the newest moments of measurement, newest first."""

    is_known: bool
    rounds: tuple[Moment, ...] = ()
    signs: tuple[Sign, ...] = ()
    window: Window | None = None
    has_older: bool = False
    scores: tuple[Score | Unscored | None, ...] = ()
    """The early warning score of each round, where nobody has charted one."""


def vitals_of(chart: Chart) -> Vitals:
    """From the Observations of the category vital-signs."""
    if not chart.all_read("Observation"):
        return Vitals(is_known=False)
    readings = readings_of(chart, Kind.VITAL)
    rounds = tuple(dict.fromkeys(reading.at for reading in readings if reading.at))[:ROUNDS_MAX]
    groups = sorted(by_analysis(readings).values(), key=lambda group: _rank(group[0]))
    window = window_of(groups)
    signs = tuple(_sign(group, rounds, window) for group in groups)
    scores = tuple(_score(signs, number) for number in range(len(rounds)))
    has_older = not chart.older.isdisjoint(("Observation", VITALS_OLDER))
    return Vitals(True, rounds, signs, window, has_older, scores)


def _score(signs: Sequence[Sign], number: int) -> Score | Unscored | None:
    """Of one round. None where a score was charted, or it was no round: somebody took a temperature."""
    cells = {sign.known: sign.cells[number] for sign in signs if sign.known}
    measured = [part for part in PARTS if cells.get(part)]
    if cells.get("ews") or len(measured) < SCORED_FROM:
        return None
    return score_of({part: cells.get(part) for part in PARTS})


def _sign(readings: Sequence[Reading], rounds: Sequence[Moment], window: Window | None) -> Sign:
    latest = readings[0]
    by_time = {reading.at: reading for reading in reversed(readings)}
    cells = tuple(by_time.get(moment) for moment in rounds)
    rank = _rank(latest)
    known = _ORDER[rank][0] if rank < _OTHERS else None
    return Sign(latest.name, known, cells, latest, any(cells), trend_of(readings, window))


def _rank(reading: Reading) -> int:
    return next((rank for rank, (_, codes) in enumerate(_ORDER) if codes & reading.codes), _OTHERS)
