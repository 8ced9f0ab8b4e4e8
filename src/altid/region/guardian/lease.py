"""The live lease: until when this site's servers may answer as the live record.

Eight bytes in a file that the guardian and the servers map into memory: a moment of the machine's own clock
since boot, in nanoseconds (`CLOCK_BOOTTIME`: the same in every process, and it goes on while a machine
sleeps). The servers look at it with every answer, so a guardian that dies, freezes or is cut off takes
nothing more to silence its site than not to extend the lease.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

_BYTES = 8
_NS = 1_000_000_000


class LiveLease:
    """The guardian's end: extends the lease, or ends it."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(descriptor, _BYTES)
            self._map = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)
        self.end()

    def extend(self, s: float) -> None:
        """The lease holds for `s` seconds from now; none or less ends it."""
        until_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + int(s * _NS)
        self._map[:] = (until_ns if s > 0 else 0).to_bytes(_BYTES, "little")

    def end(self) -> None:
        self._map[:] = bytes(_BYTES)
