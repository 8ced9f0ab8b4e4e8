"""How long this place has not been in touch with the record, whatever is done to its clock.

While the process runs it counts by a clock that nobody can set; over a time without it, by the difference of
the wall clock, which counts only forwards. So a clock that was set back makes nothing younger.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress

from altid.lookup.damage import CopyDamagedError, CopyFullError
from altid.lookup.entry.tables import Tables

DAY_S = 24 * 3600
KEEP_EVERY_S = 60.0
"""How much of the count a loss of power can lose."""
_META = "entry contact"


def since_boot() -> float:
    """Seconds, those of sleep too where the system tells them."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Contact:
    """The count of one process."""

    def __init__(
        self,
        tables: Tables,
        days_max: float,
        wall: Callable[[], float] = time.time,
        running: Callable[[], float] = since_boot,
    ) -> None:
        """`days_max`: after so many without contact the place locks itself; 0: never."""
        self._tables, self._silence_s_max = tables, days_max * DAY_S or math.inf
        self._wall, self._running = wall, running
        silent_s, at_s = _read(tables.meta(_META), wall())
        self._silent_s = silent_s + max(0.0, wall() - at_s)
        self._counted_s = self._kept_s = running()
        self._keep()

    @property
    def silent_s(self) -> float:
        """Seconds since the last contact that are known of."""
        return self._silent_s + max(0.0, self._running() - self._counted_s)

    @property
    def is_overdue(self) -> bool:
        return self.silent_s > self._silence_s_max

    def touched(self) -> None:
        """The record was there, and did not say that this place is revoked."""
        self._silent_s, self._counted_s = 0.0, self._running()
        self._keep()

    def keep(self) -> None:
        """Now and then: so that a restart goes on counting."""
        if self._running() - self._kept_s >= KEEP_EVERY_S:
            self._keep()

    def _keep(self) -> None:
        self._silent_s, self._counted_s = self.silent_s, self._running()
        self._kept_s = self._counted_s
        with suppress(CopyFullError, CopyDamagedError):  # it goes on counting; the next time may do
            self._tables.set_meta(_META, f"{self._silent_s:.0f} {self._wall():.0f}")


def _read(kept: str | None, now_s: float) -> tuple[float, float]:
    """What was counted, and when by the wall clock; of a new copy nothing."""
    if kept is None:
        return 0.0, now_s
    silent, _, at = kept.partition(" ")
    return float(silent), float(at)
