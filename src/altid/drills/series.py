"""Several runs taken together: medians with their bounds, and a table that says what passed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

_FIGURES = {
    "write_rto_s": ("rto_s", "write"),
    "read_gap_s": ("rto_s", "read"),
    "write_pause_s": ("write_pause_s",),
    "back_s": ("back_s",),
}
"""What is compared between runs, and where a result has it."""


_OFFENCES = (
    "missing",
    "duplicated",
    "stale_reads",
    "two_leaders",
    "unfounded",
    "forked",
    "unlisted",
    "wrongly_listed",
    "patients_missing",
    "patients_wrong",
)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The runs of one drill: passed only if all are, with each figure's median and bounds."""
    return {
        "drill": runs[0]["drill"],
        "passed": all(run["passed"] for run in runs),
        "figures": {name: _spread(runs, path) for name, path in _FIGURES.items()},
        "runs": list(runs),
    }


def table(results: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each result or drill that could not be done, aligned."""
    width = max([len(str(one["drill"])) for one in results], default=0)
    return [f"{one['drill']:<{width}}  {_line(one)}" for one in results]


def _spread(runs: Sequence[dict[str, Any]], path: Sequence[str]) -> dict[str, float] | None:
    values = [value for run in runs if (value := _at(run, path)) is not None]
    if not values:
        return None
    return {"median": round(statistics.median(values), 3), "min": min(values), "max": max(values)}


def _at(run: dict[str, Any], path: Sequence[str]) -> float | None:
    value: Any = run
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, (int, float)) else None


def _line(one: dict[str, Any]) -> str:
    if "skipped" in one:
        return f"skipped: {one['skipped']}"
    verdict = "passed" if one["passed"] else "FAILED"
    offences = sum(one.get(name) or 0 for name in _OFFENCES)
    figures = [f"{name} {_shown(_at(one, path))}" for name, path in _FIGURES.items()]
    found = f"  {one['findings'][0]}" if one.get("findings") else ""
    return f"{verdict}  {one.get('acknowledged')} writes, {offences} offences, {', '.join(figures)}{found}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
