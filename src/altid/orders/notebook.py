"""The intent journal of one process: nothing is written to the record that is not on this disk before.

`begin` returns when the intents are safe; `settle` notes what came of them, together with whatever comes
next: an outcome that a crash takes along is looked up again by its key.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from altid.access.journal.appender import Appender
from altid.access.journal.journal import Journal
from altid.access.journal.journals import take_new
from altid.access.journal.unavailable import Cause
from altid.access.secret import AccessSecret
from altid.access.settings import Clock
from altid.orders.intent import PURPOSE, End, Entry, Held, Intent, Outcome, encode
from altid.orders.limits import OrderLimits


class Notebook:
    """Of one process. `start` it in the event loop that uses it."""

    def __init__(self, journal: Journal, limits: OrderLimits, clock: Clock) -> None:
        self.journal = journal
        self._limits, self._clock = limits, clock
        self._appender = Appender(journal, limits.journal, PURPOSE)
        self._open: dict[int, Intent] = {}

    @property
    def fault(self) -> Cause | None:
        """Why no order can be taken now; None if one can."""
        return self._appender.fault

    @property
    def open_count(self) -> int:
        """Intents whose outcome is not known yet."""
        return len(self._open)

    def overdue(self) -> Mapping[int, Intent]:
        """Those that have been open for longer than any write is tried."""
        before_us = self._now_us() - int(self._limits.settle_after_s * 1e6)
        return {number: intent for number, intent in self._open.items() if intent.at_us < before_us}

    async def begin(self, intents: Sequence[Intent]) -> list[int]:
        """Return their numbers when they are safe. Raises `JournalUnavailableError`: touch nothing then."""
        first = await self._appender.append([encode(intent) for intent in intents])
        numbers = list(range(first, first + len(intents)))
        self._open.update(zip(numbers, intents, strict=True))
        return numbers

    def settle(self, numbers: Sequence[int], end: End, versions: Sequence[int] = ()) -> None:
        """Note what came of them."""
        at_us = self._now_us()
        told: list[int | None] = [*versions] or [None] * len(numbers)
        outcomes = [Outcome(at_us, n, end, version) for n, version in zip(numbers, told, strict=True)]
        self._appender.append_later([encode(outcome) for outcome in outcomes])
        for number in numbers:
            self._open.pop(number, None)

    async def hold(self, held: Held) -> None:
        """Keep what a browser has told. Raises `JournalUnavailableError`."""
        await self._appender.append([encode(held)])

    async def release(self) -> None:
        """Delete the oldest that is settled, where the journal is big."""
        if self.journal.size_bytes > self._limits.kept_bytes_max:
            oldest = min(self._open, default=self.journal.head.seq)
            await asyncio.to_thread(self._release_some, oldest - 1)

    def start(self) -> None:
        self._appender.start()

    async def close(self) -> None:
        """What is open stays so, for whoever comes next."""
        await self._appender.finish()
        await self._appender.close()

    def _release_some(self, upto: int) -> None:
        """Segment by segment, until it is small enough."""
        for first in self.journal.firsts()[1:]:
            if first - 1 > upto or self.journal.size_bytes <= self._limits.kept_bytes_max:
                return
            self.journal.release(first - 1)

    def _now_us(self) -> int:
        return round(self._clock() * 1e6)


def append_outcomes(journal: Journal, limits: OrderLimits, outcomes: Sequence[Entry]) -> None:
    """Into a journal that was adopted, synced. Raises `OSError` or `JournalUnavailableError`."""
    if outcomes:
        # A full journal must not keep what was found out from being noted.
        bound = 2 * limits.journal_bytes_max
        bodies = [encode(outcome) for outcome in outcomes]
        journal.append(bodies, segment_bytes=limits.segment_bytes, bytes_max=bound)


def new_notebook(
    folder: Path,
    name: str,
    secret: AccessSecret,
    limits: OrderLimits,
    clock: Clock = time.time,
    rng: random.Random | None = None,
) -> Notebook:
    """A journal of its own for each process: what earlier ones left is recovered like what the dead leave.

    Raises `OSError`.
    """
    journal = take_new(folder, name, secret, PURPOSE, rng or random.SystemRandom())
    return Notebook(journal, limits, clock)
