"""What distance costs: the commit time to expect between two sites, from the measured model.

Measured (one-row commits, `remote_apply`, 8 clients): p50/p99 1.3/5.0 ms at no delay, 4.0/10 ms at 1.5 ms
round trip, 7.3/15 ms at 5 ms; idle, one client: p50 0.6, 3.2, 6.2 ms. Between the points the model is
straight; beyond the last, each further millisecond of round trip costs one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

_ROUND_TRIP_MS_PER_KM = 0.01
"""Light in fibre covers 200 km in a millisecond, there and back 100 km."""

_EQUIPMENT_MS = 0.45
"""Amplifiers, switches and detours of a real line: 105 km were measured at 1.5 ms."""

_P50_MS = ((0.0, 1.3), (1.5, 4.0), (5.0, 7.3))
_P99_MS = ((0.0, 5.0), (1.5, 10.0), (5.0, 15.0))


@dataclass(frozen=True, slots=True)
class Expected:
    """Milliseconds: the line's round trip, and a commit's median and 99th percentile."""

    round_trip_ms: float
    p50_ms: float
    p99_ms: float


def expected_commit(km: float) -> Expected:
    """The commit to expect when `km` kilometres of fibre lie between the sites (0: the same room)."""
    round_trip_ms = km * _ROUND_TRIP_MS_PER_KM + (_EQUIPMENT_MS if km else 0.0)
    return Expected(
        round(round_trip_ms, 2),
        round(_between(_P50_MS, round_trip_ms), 2),
        round(_between(_P99_MS, round_trip_ms), 2),
    )


def _between(points: tuple[tuple[float, float], ...], x: float) -> float:
    for (left, low), (right, high) in pairwise(points):
        if x <= right:
            return low + (high - low) * (x - left) / (right - left)
    last_x, last_y = points[-1]
    return last_y + (x - last_x)
