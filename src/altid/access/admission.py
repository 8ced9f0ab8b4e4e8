"""Admission at the door: runs a `Line` in the event loop.

    async with admission.place(Priority.ORDINARY, deadline_s):
        ...  # the expensive step

What would not be answered in time is refused before anything was begun for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from altid.access.settings import Clock
from altid.access.waiting import Away, Line, LineLimits, Priority, Ticket


class NotNowError(Exception):
    """Not admitted; `away` says when to come back."""

    def __init__(self, away: Away) -> None:
        super().__init__("not now")
        self.away = away


class Admission:
    """One line of a server process. `clock` is monotonic, and that of the deadlines."""

    def __init__(self, limits: LineLimits, clock: Clock) -> None:
        self.line = Line(limits)
        self._clock = clock
        self._waiters: dict[Ticket, asyncio.Future[None]] = {}
        self._look: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def place(self, priority: Priority, deadline_s: float) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises `NotNowError`."""
        await self._enter(priority, deadline_s)
        began_s = self._clock()
        is_whole = False
        try:
            yield
            is_whole = True
        finally:
            self.line.done(self._clock() - began_s if is_whole else None)
            self._let_in()

    async def _enter(self, priority: Priority, deadline_s: float) -> None:
        now = self._clock()
        answer = self.line.offer(priority, deadline_s, now)
        if isinstance(answer, Away):
            raise NotNowError(answer)
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[answer] = waiter
        self._send_away(self.line.pushed(now))
        self._let_in()
        try:
            await waiter
        except asyncio.CancelledError:
            self._gone(answer, waiter)
            raise

    def _gone(self, ticket: Ticket, waiter: asyncio.Future[None]) -> None:
        """The client has hung up: out of the line, or its place to the next."""
        if self._waiters.pop(ticket, None) is not None:
            self.line.leave(ticket)
        elif not waiter.cancelled() and waiter.exception() is None:
            self.line.done(None)
            self._let_in()

    def _let_in(self) -> None:
        while True:
            ticket, late = self.line.take(self._clock())
            self._send_away(late)
            if ticket is None:
                break
            waiter = self._waiters.pop(ticket)
            if waiter.cancelled():
                self.line.done(None)
                continue
            waiter.set_result(None)
        if self._waiters and self._look is None:
            self._look = asyncio.get_running_loop().call_later(self.line.limits.wait_s_max / 4, self._looked)

    def _looked(self) -> None:
        """Now and then, while anybody waits: nobody stands in the line for ever."""
        self._look = None
        self._send_away(self.line.overdue(self._clock()))
        self._let_in()

    def _send_away(self, those: list[tuple[Ticket, Away]]) -> None:
        for ticket, away in those:
            waiter = self._waiters.pop(ticket)
            if not waiter.done():
                waiter.set_exception(NotNowError(away))
