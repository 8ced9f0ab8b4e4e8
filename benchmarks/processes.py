"""Processes as the kernel counts them: who belongs to whom, processor time, memory (Linux, /proc)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a group of processes. PSS counts a shared page once, divided among those that share it."""

    processes: int
    rss_bytes: int
    pss_bytes: int


def tree(root: int) -> list[int]:
    """`root` and all processes below it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes and of their children that have ended."""
    stats = (fields for pid in pids if (fields := _stat(pid)) is not None)
    ticks = sum(int(field) for fields in stats for field in fields[11:15])
    return ticks / _TICKS_PER_SECOND


def machine_cpu_seconds() -> float:
    """Time that all processors have been busy since the machine started, time stolen from it included."""
    fields = (_PROC / "stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = (int(field) for field in fields[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / _TICKS_PER_SECOND


def memory(pids: list[int]) -> Memory:
    """Memory of those processes that still run."""
    sizes = [size for pid in pids if (size := _rollup(pid)) is not None]
    return Memory(len(sizes), sum(size["Rss"] for size in sizes), sum(size["Pss"] for size in sizes))


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name, which may hold spaces: [state, parent, …]."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _rollup(pid: int) -> dict[str, int] | None:
    """Rss and Pss in bytes."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    named = (line.split() for line in lines if line.startswith(("Rss:", "Pss:")))
    sizes = {fields[0][:-1]: int(fields[1]) * 1024 for fields in named}
    return sizes if len(sizes) == 2 else None
