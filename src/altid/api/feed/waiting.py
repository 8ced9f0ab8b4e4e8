"""Waiting for the next change: one task of a process asks, however many copies wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from altid.record import feed
from altid.record.database import Database
from altid.record.feed import START, Cursor
from altid.record.primary import FAILURES

LOOK_EVERY_S = 0.1
"""A part of each change's age at the copies; one look is one step in an index."""


class Pulse:
    """Of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = START
        self._moved = asyncio.Condition()
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, after: Cursor, s_max: float) -> None:
        """Until there is a change behind the cursor, or the time is over."""
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(s_max), self._moved:
                    await self._moved.wait_for(lambda: self._last > after)
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        """As long as anybody waits."""
        while self._waiting:
            with suppress(TimeoutError, *FAILURES):
                async with self._database.reading_within() as connection:
                    last = await feed.last(connection)
                async with self._moved:
                    self._last = last
                    self._moved.notify_all()
            await asyncio.sleep(LOOK_EVERY_S)
