"""Figures of a run: how long nothing was acknowledged, and latency before, during and after the fault."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from altid.drills.history import Operation


class Pause(NamedTuple):
    """The longest time without an acknowledgement around the fault, in seconds."""

    pause_s: float
    since_fault_s: float
    """The part of it that came after the fault: from the fault to the first acknowledgement, as a rule."""


def longest_pause(operations: Sequence[Operation], fault_s: float, until_s: float) -> Pause:
    """The longest pause that ended after the fault and began before `until_s`."""
    ends = sorted(one.ended_s for one in operations if one.acknowledged)
    before = [end for end in ends if end <= fault_s]
    after = [end for end in ends if end > fault_s]
    if not after:
        return Pause(until_s - fault_s, until_s - fault_s)
    marks = [*before[-1:], *after]
    gaps = [(right - left, left, right) for left, right in pairwise(marks) if left < until_s]
    if not gaps:
        return Pause(after[0] - fault_s, after[0] - fault_s)
    pause_s, left, right = max(gaps)
    return Pause(round(pause_s, 3), round(right - max(left, fault_s), 3))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of all are not above; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latency_ms(operations: Sequence[Operation]) -> dict[str, float | None]:
    """Median, 99th percentile and maximum of what was acknowledged, in milliseconds."""
    values = [(one.ended_s - one.started_s) * 1000 for one in operations if one.acknowledged]
    named = {
        "p50": percentile(values, 0.5),
        "p99": percentile(values, 0.99),
        "max": max(values, default=None),
    }
    return {name: None if value is None else round(value, 1) for name, value in named.items()}
