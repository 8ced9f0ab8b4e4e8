"""Latencies of many requests in a few figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds; percentiles by nearest rank, so that each is a latency that really was measured."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of `ordered` (ascending, not empty) do not exceed."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def summarize(latencies_s: Sequence[float]) -> Latency | None:
    """The figures of the latencies, given in seconds in any order; None if there are none."""
    if not latencies_s:
        return None
    ordered = sorted(latencies_s)
    p50, p90, p99 = (percentile(ordered, percent) * 1000 for percent in (50, 90, 99))
    return Latency(round(p50, 3), round(p90, 3), round(p99, 3), round(ordered[-1] * 1000, 3))
