"""Results as files: one for each day, machine and kind of measurement, in JSON."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine

FOLDER = Path(__file__).parent / "results"

Results = dict[str, Any]


def begun(module: str, arguments: Sequence[str]) -> Results:
    """What stands at the head of each: when, by which command, on which machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", "-m", module, *arguments]),
        "machine": dataclasses.asdict(machine.describe()),
    }


def write(folder: Path, kind: str, results: Results) -> Path:
    """Into its file, which an earlier one of the day makes room for."""
    folder.mkdir(parents=True, exist_ok=True)
    slug = machine.slug(machine.Machine(**results["machine"]))
    file = folder / f"{results['date']}-{slug}-{kind}.json"
    file.write_text(json.dumps(results, default=dataclasses.asdict, indent=1, ensure_ascii=False) + "\n")
    say(f"results: {file}")
    return file


def newest(folder: Path, kind: str) -> Results | None:
    """The results of the latest date; their files' names begin with it."""
    files = sorted(folder.glob(f"*-{kind}.json"))
    return dict(json.loads(files[-1].read_text())) if files else None


def say(text: str) -> None:
    print(text, flush=True)
