"""The slower, deeper look: does the site's PostgreSQL answer a question?

A process that is frozen on a living kernel still takes connections, so `view` sees it. Here a session is held
and asked four times a second; whoever gives no answer for `limits.unanswered_s` is as good as gone.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import asyncpg

from altid.region.guardian.view import Sighting

_ASK_EVERY_S = 0.25
HEARTBEAT_S = 0.2
_ANSWER_S_MAX = 1.0
"""`SELECT 1` takes a millisecond. One that takes longer than this is no answer."""

FAILURES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server that is killed in the middle of an answer
)
"""Whatever a question to a PostgreSQL may end in."""


class DeepProber:
    """Asks one site's PostgreSQL. Its sighting counts answers instead of connections."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: asyncpg.Connection | None = None
        self.sighting = Sighting()

    async def run(self) -> None:
        """Ask for ever; a question that hangs doesn't stop the watch."""
        asking: asyncio.Task[None] | None = None
        try:
            while True:
                now_s = time.monotonic()
                self.sighting.sent(now_s)
                if asking is None or asking.done():
                    asking = asyncio.create_task(self._ask(now_s))
                await asyncio.sleep(_ASK_EVERY_S)
        finally:
            if asking is not None:
                asking.cancel()
            self._hang_up()

    async def _ask(self, sent_at_s: float) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                if self._session is None:
                    self._session = await asyncpg.connect(self._dsn, timeout=_ANSWER_S_MAX)
                await self._session.fetchval("SELECT 1")
        except asyncpg.InvalidAuthorizationSpecificationError:
            # In a region that is being made the role comes with the schema. Whoever refuses is not frozen.
            self._hang_up()
            self.sighting.answered(sent_at_s, seen=True)
        except FAILURES:
            self._hang_up()
            self.sighting.answered(sent_at_s, seen=False)
        else:
            self.sighting.answered(sent_at_s, seen=True)

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(*FAILURES):
                session.terminate()


async def beat(dsn: str) -> None:
    """While the local PostgreSQL leads, write a mark to its log several times a second, for ever.

    So the standby has something to confirm even when nobody writes, and the leader's patience with a silent
    one (`wal_sender_timeout`) always begins within `HEARTBEAT_S` of its falling silent. The standby's live
    lease counts on that. The mark is no transaction and waits for nobody.
    """
    session: asyncpg.Connection | None = None
    while True:
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                session = session or await asyncpg.connect(dsn, timeout=_ANSWER_S_MAX)
                await session.execute(_MARK)
        except FAILURES:
            if session is not None:
                session.terminate()
            session = None
        await asyncio.sleep(HEARTBEAT_S)


_MARK = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_logical_emit_message(false, 'altid', '', true) END
"""
