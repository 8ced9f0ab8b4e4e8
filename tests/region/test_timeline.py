"""The newest events, read from the end of a file that may be long, torn, or not there."""

from __future__ import annotations

import json
from pathlib import Path

from altid.region import events
from altid.region.timeline import read_timeline


def _write(path: Path, *told: dict[str, object]) -> Path:
    for event in told:
        detail = {key: value for key, value in event.items() if key not in ("place", "event")}
        events.record(path, str(event.get("place", "A")), str(event["event"]), **detail)
    return path


def test_the_newest_comes_first(tmp_path: Path) -> None:
    path = _write(tmp_path / "events.jsonl", *({"event": f"number {n}"} for n in range(30)))
    assert [event["event"] for event in read_timeline(path, 3).events] == [
        "number 29",
        "number 28",
        "number 27",
    ]


def test_the_last_fault_and_drill_are_found_far_back(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "events.jsonl",
        {"event": "fault injected", "fault": "site-kill"},
        {"event": "drill ended", "drill": "site-loss", "passed": True},
        *({"event": "decision", "reasons": ["x" * 100]} for _ in range(2_000)),
    )
    assert path.stat().st_size > 3 * 64 * 1024
    told = read_timeline(path, 5)
    assert len(told.events) == 5
    assert told.last_fault is not None
    assert told.last_fault["fault"] == "site-kill"
    assert told.last_drill is not None
    assert told.last_drill["drill"] == "site-loss"


def test_the_newest_fault_counts(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "events.jsonl",
        {"event": "fault injected", "fault": "part-kill"},
        {"event": "part died", "part": "etcd"},
    )
    last = read_timeline(path).last_fault
    assert last is not None
    assert last["event"] == "part died"


def test_a_reason_that_speaks_of_faults_is_no_fault(tmp_path: Path) -> None:
    path = _write(tmp_path / "events.jsonl", {"event": "decision", "reasons": ["part died, drill ended"]})
    assert read_timeline(path)[1:] == (None, None)


def test_lines_that_are_torn_or_strange_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    good = json.dumps({"time": "2026-01-01T00:00:00+00:00", "place": "A", "event": "live"})
    path.write_bytes(
        b"\n".join([b"[1]", b"\xff\xfe", b'{"event": 5}', good.encode(), b"", b'{"event": "torn'])
    )
    assert [event["event"] for event in read_timeline(path).events] == ["live"]


def test_without_a_file_nothing_has_happened_yet(tmp_path: Path) -> None:
    assert read_timeline(tmp_path / "events.jsonl") == ([], None, None)
