"""`python -m benchmarks lookup`: the lookup record, from a cold start on, at three sizes of region.

Beside it, in the same run: the same page read from the live record, and a PostgreSQL standby that is started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from altid.lookup.copy import Copy
from benchmarks import lookup_beside, lookup_copy, lookup_feed, lookup_file, results
from benchmarks.lookup_app import asdict_of

SIZES = (1_000, 10_000, 100_000)
WARD = 30
_ROUNDS, _ROUNDS_QUICK = 2_000, 100
_STARTS = 3


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks lookup", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--patients", type=lambda text: [int(one) for one in text.split(",")])
    parser.add_argument("--out", type=Path, default=results.FOLDER)
    options = parser.parse_args(arguments)
    found = results.begun("benchmarks", ["lookup", *arguments])
    with tempfile.TemporaryDirectory(prefix="altid-lookup-") as folder:
        sizes = options.patients or ([1_000] if options.quick else SIZES)
        found |= measure(Path(folder), sizes, _ROUNDS_QUICK if options.quick else _ROUNDS)
    results.write(options.out, "lookup-trial" if options.quick else "lookup", found)
    return 0


def measure(folder: Path, sizes: list[int] | tuple[int, ...], rounds: int) -> dict[str, Any]:
    """All figures."""
    changes = lookup_copy.pool_changes(lookup_copy.POOL)
    costs = lookup_file.measure(changes, folder)
    for cost in costs:
        results.say(
            f"{cost.name:38} {cost.write_per_s:8,} rows/s  {cost.bytes_per_resource:5} B  open "
            f"{cost.open_ms:6.1f} ms  chart p99 {cost.chart.p99_ms if cost.chart else 0:6.2f} ms"
        )
    found: dict[str, Any] = {
        "file": [cost._asdict() for cost in costs],
        "packing": lookup_file.packing(changes),
        "feed": _feed(folder, changes),
        "sizes": [_size(folder, patients, rounds, changes) for patients in (WARD, *sizes)],
    }
    found |= lookup_beside.measure_live(lookup_copy.POOL, rounds // 4)
    results.say(f"live: {found['live_patient']}  standby: {found['standby']}")
    return found


def _feed(folder: Path, changes: list[Any]) -> dict[str, Any]:
    copy = Copy.create(folder / "feed.db", lookup_copy.KEY)
    rate = asyncio.run(lookup_feed.first_load(copy, changes))
    copy.close()
    copy = Copy.create(folder / "fresh.db", lookup_copy.KEY)
    fresh = asyncio.run(lookup_feed.freshness(copy, changes[:10_000], 10.0))
    copy.close()
    told = {"first_load_per_s": round(rate), "freshness": asdict_of(fresh)}
    results.say(f"feed: {told}")
    return told


def _size(folder: Path, patients: int, rounds: int, changes: list[Any]) -> dict[str, Any]:
    """A copy of so many patients; the smallest is a ward's."""
    path = folder / "copy.db"
    copy = Copy.create(path, lookup_copy.KEY)
    mine = changes if patients >= lookup_copy.POOL else lookup_copy.pool_changes(patients)
    loaded = lookup_copy.load(copy, mine)
    first = min(copy.patients())
    had = len(copy.patients())
    copy.close()  # so that all is in the file
    per_patient = round(lookup_copy.folder_bytes(path) / had)
    copy = Copy.open(path, lookup_copy.KEY)
    lookup_copy.grow(copy, patients)
    copy.close()
    starts = [_start(path, first, rounds if number == 0 else 1) for number in range(_STARTS)]
    told = {
        "patients": patients,
        "bytes": lookup_copy.folder_bytes(path),
        "loaded_bytes_per_patient": per_patient,
        "load_per_s": round(loaded.resources / loaded.seconds),
        "starts": [start["first_page_s"] for start in starts],
        **starts[0],
    }
    for one in folder.glob("copy.db*"):
        one.unlink()
    results.say(f"{patients:8,} patients: {json.dumps(told)}")
    return told


def _start(path: Path, first: str, rounds: int) -> dict[str, Any]:
    """From nothing: the file is not in memory."""
    forget(path)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.lookup_app", str(path), first, str(rounds)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The lookup record did not start:\n{done.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def forget(path: Path) -> None:
    """Have the kernel drop what it keeps of the file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
