"""How old the data are, from the heartbeat of their source, and whether our clock can be believed.

The heartbeat says when the source was alive and all before it had been applied; the time of the last change
would mislead when nothing is written. An age that cannot be known is said to be unknown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from altid.lookup.settings import Thresholds

_AHEAD_S_MAX = 5.0
"""A source's clock may be so far ahead of ours: two clocks that are kept are closer."""
_JUMP_S_MAX = 30.0
"""Our clock may be set by so much while we run; more, and what it says of an age is not to be believed."""


class Beat(Protocol):
    """`altid.lookup.change.Heartbeat`."""

    @property
    def at(self) -> datetime: ...
    @property
    def received(self) -> datetime: ...


class State(StrEnum):
    """In words; the first four in this order as time goes."""

    CURRENT = "current"
    LATE = "late"
    OLD = "old"
    VERY_OLD = "very-old"
    UNKNOWN = "unknown"
    CLOCK = "clock"
    """Our own clock is wrong: the time of the data is known, their age is not."""


@dataclass(frozen=True, slots=True)
class Age:
    """`at`: the time of the data; `age_s`: whole seconds, None where it can't be known."""

    state: State
    at: datetime | None = None
    age_s: int | None = None


class Watch:
    """Our clock, compared with the machine's own count of seconds since the start."""

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._monotonic = now, monotonic
        self._began, self._began_s = now(), monotonic()

    def now(self) -> datetime:
        return self._now()

    def has_jumped(self) -> bool:
        """Somebody has set the clock since the start, or since `settle`."""
        ran_s = self._monotonic() - self._began_s
        return abs((self._now() - self._began).total_seconds() - ran_s) > _JUMP_S_MAX

    def settle(self) -> None:
        """A heartbeat that has just come agrees with our clock: it is right again."""
        self._began, self._began_s = self._now(), self._monotonic()

    def age_of(self, beat: Beat | None, thresholds: Thresholds) -> Age:
        """Of what was applied up to the heartbeat."""
        if beat is None:
            return Age(State.UNKNOWN)
        now = self._now()
        age_s = (now - beat.at).total_seconds()
        if self._agrees(beat, now):
            self.settle()
        if age_s < -_AHEAD_S_MAX or now < beat.received or self.has_jumped():
            return Age(State.CLOCK, beat.at)
        age_s = max(age_s, 0.0)
        return Age(_state(age_s, thresholds), beat.at, int(age_s))

    def _agrees(self, beat: Beat, now: datetime) -> bool:
        return all(abs((now - at).total_seconds()) <= _AHEAD_S_MAX for at in (beat.at, beat.received))


def _state(age_s: float, thresholds: Thresholds) -> State:
    if age_s < thresholds.late_s:
        return State.CURRENT
    if age_s < thresholds.old_s:
        return State.LATE
    return State.OLD if age_s < thresholds.very_old_s else State.VERY_OLD
