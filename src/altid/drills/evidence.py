"""What a drill leaves behind: its result, the timeline, every operation, and the picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altid.drills.history import Kept, Operation
from altid.region.error import RegionError


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
    operations: Sequence[Operation],
    kept: Sequence[Kept],
    picture: str,
) -> None:
    """Write all files of a run."""
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    _lines(folder / "timeline.jsonl", timeline)
    _lines(folder / "operations.jsonl", (asdict(one) for one in operations))
    _lines(folder / "kept.jsonl", (asdict(one) for one in kept))
    (folder / "latency.svg").write_text(picture)


def _lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
