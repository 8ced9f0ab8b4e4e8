"""Ends whatever still runs for a data folder, also what was only being started when somebody gave up."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from altid.region import processes

_END_S_MAX = 10.0
_POLL_S = 0.05
_QUIET_ROUNDS = 3
"""A process that is just being started may be missed once: it must be calm for so many looks."""


async def end_all(data: Path) -> int:
    """kill -9 all that carries the mark of a place below `data`; gives how many would not end."""
    end_s, quiet, left = time.monotonic() + _END_S_MAX, 0, []
    while quiet < _QUIET_ROUNDS and time.monotonic() < end_s:
        left = [process for process in _marked(data) if process != os.getpid()]
        quiet = 0 if left else quiet + 1
        for process in left:
            processes.send(process, signal.SIGKILL)
        await asyncio.sleep(_POLL_S)
    return len(left)


def _marked(data: Path) -> list[int]:
    """Processes whose environment has the mark. It is there from the very start, before a process enters its
    place's folder, which is what `processes.of_place` asks for."""
    mark = f"{processes.MARK}={data}{os.sep}".encode()
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _carries(entry, mark)]


def _carries(process: str, mark: bytes) -> bool:
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False  # gone, or another user's
    return any(entry.startswith(mark) for entry in environment.split(b"\0"))
