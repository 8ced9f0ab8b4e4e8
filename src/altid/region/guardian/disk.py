"""Whether this site's PostgreSQL can write: a small file is written and synced beside its data every second.

The file lies where PostgreSQL keeps nothing of worth (`pg_stat_tmp`, which neither a base backup nor a rewind
copies). Too little room for PostgreSQL's next piece of log counts as no room: without it PostgreSQL ends
itself. A disk that hangs is not looked for here: the write that hangs says nothing, in either direction.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path

_PROBE_EVERY_S = 1.0
_PROBE_BYTES = 64 * 1024
_FREE_BYTES_MIN = 2 * 16 * 1024 * 1024
"""Two segments of PostgreSQL's log."""

_STALE_S = 3.0
"""An older result says nothing about now."""


class DiskWatch:
    """Watches the disk that a PostgreSQL's folder lies on."""

    def __init__(self, cluster: Path) -> None:
        self._folder = cluster / "pg_stat_tmp"
        self._failing_since_s: float | None = None
        self._probed_at_s: float | None = None
        self.reason = ""
        """Why it can't be written, or nothing."""

    async def run(self) -> None:
        """Probe for ever, in a thread: a disk may hang."""
        while True:
            self.note(await asyncio.to_thread(probe, self._folder), time.monotonic())
            await asyncio.sleep(_PROBE_EVERY_S)

    def note(self, reason: str | None, now_s: float) -> None:
        """What a probe has found (see `probe`), and when."""
        self._probed_at_s = None if reason is None else now_s
        self.reason = reason or ""
        if not reason:
            self._failing_since_s = None
        elif self._failing_since_s is None:
            self._failing_since_s = now_s

    def unwritable_s(self, now_s: float) -> float | None:
        """For how long it can't be written; None when that isn't known."""
        if self._probed_at_s is None or now_s - self._probed_at_s > _STALE_S:
            return None
        return 0.0 if self._failing_since_s is None else now_s - self._failing_since_s


def probe(folder: Path) -> str | None:
    """Why nothing can be written in the folder's file system, or an empty text; None without that folder."""
    try:
        told = os.statvfs(folder)
        if told.f_bavail * told.f_frsize < _FREE_BYTES_MIN:
            return f"{told.f_bavail * told.f_frsize // 2**20} MB are free"
        _write(folder / "altid.probe")
    except FileNotFoundError:
        return None  # no PostgreSQL yet, or one that is being made
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "an error")
    return ""


def _write(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, bytes(_PROBE_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)
