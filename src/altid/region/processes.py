"""The processes of a place, found by what the kernel knows of them, not by files that may lie.

A process belongs to a place when its working folder lies below the place's folder and it is either PostgreSQL
(which overwrites its own environment) or carries the mark that the supervisor gave it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

MARK = "ALTID_PLACE"


def of_place(root: Path) -> list[int]:
    """The living processes of the place whose folder is `root`."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _belongs(entry, root)]


def send(process: int, number: signal.Signals) -> bool:
    """Signal a process; false if it is gone."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True


def postmaster(cluster: Path) -> int | None:
    """The process of the PostgreSQL that runs in `cluster`, if it does."""
    try:
        first = (cluster / "postmaster.pid").read_text().split("\n", 1)[0].strip()
    except OSError:
        return None
    if not first.isdigit() or _program(first) != "postgres":
        return None
    return int(first)


def is_postgres(process: int) -> bool:
    """Whether the process is one of PostgreSQL's."""
    return _program(str(process)) == "postgres"


def command_line(process: int) -> bytes:
    """What the process calls itself; nothing when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _belongs(process: str, root: Path) -> bool:
    try:
        folder = Path(os.readlink(f"/proc/{process}/cwd"))
    except OSError:
        return False  # gone, a zombie, or another user's
    if not folder.is_relative_to(root):
        return False
    return _program(process) == "postgres" or _is_marked(process, root)


def _program(process: str) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe").removesuffix(" (deleted)"))
    except OSError:
        return ""


def _is_marked(process: str, root: Path) -> bool:
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={root}".encode() in environment.split(b"\0")
