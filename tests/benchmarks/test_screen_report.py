"""The report of the screen's speed says what was measured, and what was missed or left out."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.screen_goals import goals, rated
from benchmarks.screen_report import draw, page_of


def visit(usable_ms: float, **more: Any) -> dict[str, Any]:
    times = {"fcp_ms": 300.0, "lcp_ms": 400.0, "tbt_ms": 20.0, "cls": 0.01}
    return {"usable_ms": usable_ms, **times, "bytes": 42_000, "requests": 9, **more}


def asked(p99_ms: float, busy_cores: float = 0.0) -> dict[str, float]:
    return {"p50_ms": 9.0, "p99_ms": p99_ms, "slowest_ms": p99_ms, "cpu_ms": 8.0, "busy_cores": busy_cores}


def page(p99_ms: float, busy_cores: float = 0.0) -> dict[str, Any]:
    return {
        "server": asked(p99_ms, busy_cores),
        "fullest": asked(p99_ms + 1),
        "cold": visit(900),
        "warm": visit(300),
        "inp_ms": 64.0,
    }


def found(pages: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
    machine = {"cpu": "Some CPU", "cores": 2, "memory_bytes": 24e9, "python": "3.11", "postgresql": "18"}
    line = {"cpu_slowed": 6, "line_bit_per_s": 4_000_000, "latency_ms": 40}
    counts = {"patients": 10_000, "asked": 200, "visits": 5}
    told = {"date": "2026-11-28", "server": "altid serve", "machine": machine, **line, **counts}
    return {**told, "pages": pages, "peer": peer}


REACT = {"cold": visit(4_000), "warm": visit(2_000), "inp_ms": 320.0, "made_of": "React and its components"}
PAGES = {"start": page(9), "ward": page(12), "overview": page(31)}


def test_what_is_missed_is_said() -> None:
    kept = {goal.name: goal.is_kept for goal in goals(found(PAGES | {"timeline": page(49.5)}, REACT))}
    assert kept["server p99, any page"]
    assert not kept["server p99, any page of a full chart"]
    assert "full chart: under 50 ms | 50 ms | **missed** |" in page_of(
        found(PAGES | {"timeline": page(49.5)}, REACT), {}
    )


def test_the_peer_stands_beside_the_overview() -> None:
    told = page_of(found(PAGES, REACT), {"start": b""})
    assert "| Altid | 900 | 300 |" in told
    assert "| React components | 4000 | 2000 |" in told
    assert "![start on its way](pictures/screen-speed-start.jpg)" in told
    assert "React overview cold 4000 ms" in draw(found(PAGES, REACT))


def test_a_peer_that_cannot_be_had_is_left_out_in_words() -> None:
    told = page_of(found(PAGES, {"skipped": "node and npm are not installed here"}), {})
    assert "Not measured: node and npm are not installed here." in told
    assert "React components" not in told


@pytest.mark.parametrize(("busy_cores", "said"), [(0.02, "was quiet"), (0.7, "**busy")])
def test_a_busy_machine_is_told(busy_cores: float, said: str) -> None:
    pages = PAGES | {"ward": page(12, busy_cores)}
    assert said in page_of(found(pages, REACT), {})


def test_marks_differ_by_shape() -> None:
    assert [rated("lcp", value) for value in (800, 3_000, 5_000)] == ["800 ●", "3000 ▲", "5000 ■"]
    assert rated("cls", 0.012) == "0.01 ●"
