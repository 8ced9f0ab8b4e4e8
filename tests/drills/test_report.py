"""What somebody reads of a run, and of several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from altid.drills import evidence, series
from altid.drills.report import markdown
from altid.drills.scenarios import SCENARIOS, missing

_RESULT: dict[str, Any] = {
    "drill": "site-loss",
    "about": "the leader's site is killed",
    "seed": 7,
    "passed": True,
    "acknowledged": 900,
    "missing": 0,
    "duplicated": 0,
    "stale_reads": 0,
    "two_leaders": 0,
    "unknown": 1,
    "rto_s": {"write": 1.3, "read": 0.1},
    "write_pause_s": 1.4,
    "reads_failed_at_better_site": 0,
    "answered_without_quorum": 0,
    "back_s": 8.0,
    "latency_ms": {
        "write": {"p50": 5.0, "p99": 9.0, "max": 1400.0},
        "read": {"p50": 2.0, "p99": 3.0, "max": 9.0},
    },
    "measured": {"commit_ms": [{"round_trip_ms": 1.5, "p50": 3.2}]},
    "clients": 8,
    "leader": {"before": "A", "after": "B"},
    "findings": [],
    "began": "2026-01-01T00:00:00+00:00",
    "evidence": "evidence/x",
    "versions": {"Altid": "0.1.0", "etcd": "3.4.23"},
}
_TIMELINE = [
    {"time": "2026-01-01T00:00:04.500+00:00", "place": "A", "event": "fault injected", "fault": "site-kill"},
    {
        "time": "2026-01-01T00:00:05.700+00:00",
        "place": "B",
        "event": "decision",
        "reasons": ["not seen", "nor there"],
    },
    {"time": "2026-01-01T00:00:05.800+00:00", "place": "B", "event": "part started", "pid": 3},
]


def test_the_report_says_what_was_broken_what_came_of_it_and_with_what() -> None:
    text = markdown(_RESULT, _TIMELINE)
    for wanted in ("Drill site-loss: passed", "The leader's site is killed.", "seed 7", "the lead went to B"):
        assert wanted in text
    assert "| two leaders acknowledging | 0 |" in text
    assert "- 1.20 s, B: decision (not seen; nor there)" in text
    assert "part started" not in text
    assert "etcd 3.4.23" in text
    assert "round_trip_ms 1.5" in text


def test_the_report_of_a_run_that_failed_says_why_first() -> None:
    text = markdown(_RESULT | {"passed": False, "findings": ["writes paused for 9 s"]}, [])
    assert text.startswith("# Drill site-loss: FAILED")
    assert "- writes paused for 9 s" in text


def test_several_runs_are_told_by_their_median_with_bounds() -> None:
    runs = [_RESULT | {"rto_s": {"write": value, "read": None}} for value in (1.5, 1.1, 1.2)]
    told = series.summary(runs)
    assert told["figures"]["write_rto_s"] == {"median": 1.2, "min": 1.1, "max": 1.5}
    assert told["figures"]["read_gap_s"] is None
    assert told["passed"]
    assert not series.summary([*runs, _RESULT | {"passed": False}])["passed"]


def test_the_table_tells_what_was_left_out_and_why() -> None:
    lines = series.table([_RESULT, {"drill": "clock-jump", "skipped": "no libfaketime"}])
    assert lines[0].startswith("site-loss   passed  900 writes, 0 offences")
    assert lines[1] == "clock-jump  skipped: no libfaketime"


def test_a_regions_drills_are_kept_one_a_line(tmp_path: Path) -> None:
    for seed in (1, 2):
        evidence.append(tmp_path / "drills.jsonl", _RESULT | {"seed": seed})
    told = [json.loads(line) for line in (tmp_path / "drills.jsonl").read_text().splitlines()]
    assert [(one["seed"], one["passed"]) for one in told] == [(1, True), (2, True)]


def test_a_list_that_cannot_be_written_stops_no_drill(tmp_path: Path) -> None:
    evidence.append(tmp_path / "none" / "drills.jsonl", _RESULT)


def test_every_drill_can_be_done_here_or_says_why_not() -> None:
    for scenario in SCENARIOS.values():
        assert missing(scenario) == "" or missing(scenario).strip()
        assert scenario.write_s_max > 0


def test_wherever_readers_shall_notice_nothing_a_site_is_lost() -> None:
    goals = {name for name, scenario in SCENARIOS.items() if scenario.reads_at.value != "neither"}
    assert goals == {"site-loss", "site-silent", "other-site-loss", "other-site-silent"}
