"""What a drill leaves behind: its report, result, timeline, every operation, and the picture."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altid.region.error import RegionError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SUMMARY = (
    "began",
    "drill",
    "seed",
    "passed",
    "acknowledged",
    "missing",
    "duplicated",
    "stale_reads",
    "two_leaders",
    "unknown",
    "rto_s",
    "back_s",
    "findings",
    "evidence",
)
"""Of each run so much is kept in the region's own list of drills."""


def make_folder(parent: Path, drill: str, seed: int) -> Path:
    """A new folder for one run, named by its time, drill and seed. Raises `RegionError`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = parent / f"{stamp}-{drill}-{seed}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise RegionError(f"The evidence folder {folder} cannot be made: {error.strerror}.") from None
    return folder


def write(
    folder: Path,
    result: dict[str, Any],
    timeline: Iterable[dict[str, Any]],
    operations: Iterable[DataclassInstance],
    kept: Iterable[DataclassInstance],
    picture: str,
    report: str = "",
) -> None:
    """Write all files of a run."""
    if report:
        (folder / "report.md").write_text(report)
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    _lines(folder / "timeline.jsonl", timeline)
    write_lines(folder / "operations.jsonl", operations)
    write_lines(folder / "kept.jsonl", kept)
    (folder / "latency.svg").write_text(picture)


def append(path: Path, result: dict[str, Any]) -> None:
    """Add a run's summary to the list of all drills on a region. Failing to is no fault of the drill."""
    line = json.dumps({name: result.get(name) for name in _SUMMARY}) + "\n"
    with suppress(OSError), path.open("a") as file:
        file.write(line)


def write_lines(path: Path, values: Iterable[DataclassInstance]) -> None:
    """Write a file of one JSON object a line."""
    _lines(path, (asdict(one) for one in values))


def _lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
