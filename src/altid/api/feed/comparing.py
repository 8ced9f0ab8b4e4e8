"""The digests of the whole record, computed once for all who ask at about the same time.

At a big record that takes longer than a request may. So it goes on without whoever has asked, and who comes
again finds it: a result says at which cursor it holds, and is good for every reader who has not come as far.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from altid.api import errors
from altid.orders.synthetic import CANARY
from altid.record import heartbeat, holding
from altid.record.database import Database
from altid.record.feed import Cursor
from altid.record.holding import Digests

GOOD_S = 60.0
"""A reader who was sent away comes back within seconds."""
WAIT_S_MAX = 15.0
"""Below the gateway's 20 s for a try."""


class Compared(NamedTuple):
    """What was found, of which past, and when (on the clock of the process)."""

    digests: Digests
    epoch: str | None
    at_s: float


class Comparing:
    """Of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._computing: asyncio.Task[Compared] | None = None
        self._one = asyncio.Semaphore(1)

    async def digests(self, epoch: str, after: Cursor | None) -> Digests:
        """Of this past. `after`: where the reader is; what was found at a later cursor is good for it.
        Without it they are computed anew. Raises `FhirError` 503 when that takes longer: come again with
        `after`."""
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                found = await self._known(epoch, after)
                if found is None:
                    found = await asyncio.shield(self._begin())
        except TimeoutError:
            raise errors.too_costly() from None
        if found.epoch != epoch:
            raise errors.unavailable()
        return found.digests

    async def _known(self, epoch: str, after: Cursor | None) -> Compared | None:
        """What is there, or underway, if it is good for who is there."""
        task = self._computing
        if task is None or after is None:
            return None
        await asyncio.wait({task})
        if task.cancelled() or task.exception() is not None:
            return None
        found = task.result()
        is_good = found.epoch == epoch and time.monotonic() - found.at_s < GOOD_S
        return found if is_good and found.digests.cursor >= after else None

    def _begin(self) -> asyncio.Task[Compared]:
        self._computing = asyncio.create_task(self._compute())
        self._computing.add_done_callback(_look_at)
        return self._computing

    async def _compute(self) -> Compared:
        async with (
            self._one,
            self._database.reading() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            epoch = await heartbeat.epoch_of(connection)
            found = await holding.digests(connection, CANARY)
        return Compared(found, epoch, time.monotonic())


def _look_at(task: asyncio.Task[Compared]) -> None:
    """Whoever asked may have hung up."""
    if not task.cancelled():
        task.exception()
