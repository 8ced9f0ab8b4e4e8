"""The live lease: until when this site's servers may answer as the live record, and how safe a write is.

Sixteen bytes in a file that the guardian and the servers map into memory. The first eight are a moment of
the machine's own clock since boot, in nanoseconds (`CLOCK_BOOTTIME`: the same in every process, and it goes
on while a machine sleeps). Its lowest bit, too small to be told as time, says whether the leader waits for
the other site: both change in one store, so nobody sees the one without the other. The last eight are the
same moment by the calendar (Unix time in nanoseconds), which people are told: since when the site is stale.

The servers look at it with every answer, so a guardian that dies, freezes or is cut off takes nothing more to
silence its site than not to extend the lease.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

_BYTES, _WORD_BYTES = 16, 8
_NS = 1_000_000_000
_TWO_SITES = 1


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

    def extend(self, s: float, *, two_sites: bool = False) -> None:
        """The lease holds for `s` seconds from now; none or less ends it.

        `two_sites`: a write is acknowledged only when the other site has it.
        """
        if s <= 0:
            self.end()
            return
        left_ns = int(s * _NS)
        until_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + left_ns
        self._set(1, time.time_ns() + left_ns)
        self._set(0, until_ns & ~_TWO_SITES | (_TWO_SITES if two_sites else 0))

    def end(self) -> None:
        """Now, or when it has ended already."""
        self._set(0, 0)
        ended_ns = int.from_bytes(self._map[_WORD_BYTES:], "little")
        self._set(1, min(ended_ns, time.time_ns()))

    def _set(self, word: int, value: int) -> None:
        self._map[word * _WORD_BYTES : (word + 1) * _WORD_BYTES] = value.to_bytes(_WORD_BYTES, "little")
