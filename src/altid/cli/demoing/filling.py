"""Synthetic patients, made and loaded by the same commands that anyone would use."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from altid.cli.demoing.narrator import DemoError

SEED = 2026
_SEEN = "sample-seen"
_END_S_MAX = 5.0


async def make_patients(patients: int, folder: Path, seen: datetime) -> None:
    """Write the files of so many patients, the same people each time, seen then. Raises `DemoError`."""
    whose = ("--patients", str(patients), "--seed", str(SEED), "--at", seen.isoformat())
    await altid("--quiet", "sample", *whose, "--out", str(folder))


def first_seen(data: Path) -> datetime:
    """When this data folder's patients were first loaded. For a new one now: doses fall due today.

    A demo that goes on in a kept folder so loads the same bytes, and changes nothing that was charted since.
    """
    try:
        return datetime.fromisoformat((data / _SEEN).read_text())
    except (FileNotFoundError, ValueError):
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def keep_seen(data: Path, seen: datetime) -> None:
    """Keep it for the next time."""
    (data / _SEEN).write_text(seen.isoformat())


async def load(data: Path, server: str | None, paths: list[Path], *, quiet: bool = False) -> None:
    """Load the files into the server; the data folder remembers what was accepted. Raises `DemoError`."""
    there = ["--server", server] if server else []
    how = ["--quiet"] if quiet else []
    await altid("--data", str(data), *how, "load", *there, *map(str, paths))


async def altid(*arguments: str) -> None:
    """Run the command in a process of its own, which ends with this one. Raises `DemoError` if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "altid.cli",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_END_S_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
    if code != 0:
        name = next(one for one in arguments if not one.startswith(("-", "/")))
        raise DemoError(f"`altid {name}` did not end well; the lines above say why")
