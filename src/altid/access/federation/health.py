"""Whether an identity provider answers: a breaker, and the one line before everything that asks it.

Pure but for the line. After some failures in a row the provider counts as down: nobody waits for it any more,
and a look at it now and then (`watch`) finds out when it is back.
"""

from __future__ import annotations

import random

from altid.access.admission import Admission
from altid.access.federation.limits import (
    AT_ONCE,
    FAILURES_MAX,
    LOOK_EVERY_S,
    PAUSE_S_MAX,
    PAUSE_S_MIN,
    WAIT_S_MAX,
)
from altid.access.settings import Clock
from altid.access.waiting import LineLimits

_FIRST_SERVICE_S = 0.2


class Health:
    """Of one provider, as one server process sees it."""

    def __init__(self, monotonic: Clock) -> None:
        limits = LineLimits(at_once=AT_ONCE, wait_s_max=WAIT_S_MAX, first_service_s=_FIRST_SERVICE_S)
        self.line = Admission(limits, monotonic)
        self._failures = 0

    @property
    def is_down(self) -> bool:
        return self._failures >= FAILURES_MAX

    def failed(self) -> None:
        self._failures += 1

    def succeeded(self) -> None:
        self._failures = 0

    def next_look_s(self, rng: random.Random) -> float:
        """Until the next look; jittered, so that all servers don't look together."""
        if self._failures == 0:
            return LOOK_EVERY_S * rng.uniform(0.5, 1.5)
        doubled: float = PAUSE_S_MIN * 2.0 ** min(max(0, self._failures - FAILURES_MAX), 10)
        return min(doubled, PAUSE_S_MAX) * rng.uniform(0.5, 1.0)
