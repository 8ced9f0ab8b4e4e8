"""Synthetic patients, made and loaded by the same commands that anyone would use."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from altid.cli.demoing.narrator import DemoError

SEED = 2026
_END_S_MAX = 5.0


async def make_patients(patients: int, folder: Path) -> None:
    """Write the files of so many patients, the same ones each time. Raises `DemoError`."""
    await altid("--quiet", "sample", "--patients", str(patients), "--seed", str(SEED), "--out", str(folder))


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
