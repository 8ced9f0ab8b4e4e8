"""How far a standby's PostgreSQL is behind in applying what it has received.

Every commit waits until the standby has applied it. One that receives and doesn't apply (its applying process
is stuck, its disk reads too slowly) looks well from outside, and holds up every write for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from altid.region.guardian.deep import FAILURES

_ASK_EVERY_S = 0.1
_ANSWER_S_MAX = 1.0
_SAMPLES_MAX = 9_000
"""A quarter of an hour of samples; whoever is further behind than that is behind enough."""

_BREAKS_KEPT_S = 30.0
"""A line that loses packets breaks the stream off every few seconds."""

_STATE = """
SELECT pg_is_in_recovery() AS standby,
       pg_wal_lsn_diff(
           greatest(pg_last_wal_receive_lsn(), receiver.latest_end_lsn), '0/0'
       )::bigint AS received,
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS applied,
       receiver.pid AS receiver
FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver AS receiver ON receiver.status = 'streaming'
"""


@dataclass(slots=True)
class Backlog:
    """What was received and is not applied yet: pure, fed with samples. Times of one monotonic clock."""

    _waiting: deque[tuple[float, int]] = field(default_factory=deque)
    """When each further position was first seen as received; the oldest first."""
    _sampled_at_s: float | None = None

    def sample(self, now_s: float, received: int, applied: int) -> None:
        """Positions in the log, in bytes."""
        if received > applied and (not self._waiting or received > self._waiting[-1][1]):
            self._waiting.append((now_s, received))
        while self._waiting and self._waiting[0][1] <= applied:
            self._waiting.popleft()
        if len(self._waiting) > _SAMPLES_MAX:
            self._waiting.pop()  # the oldest is what counts
        self._sampled_at_s = now_s

    def forget(self) -> None:
        """This is no standby now, or doesn't say."""
        self._waiting.clear()
        self._sampled_at_s = None

    def behind_s(self, now_s: float) -> float | None:
        """For how long the oldest that was received has waited; None when that isn't known."""
        if self._sampled_at_s is None or now_s - self._sampled_at_s > 2 * _ANSWER_S_MAX:
            return None
        return now_s - self._waiting[0][0] if self._waiting else 0.0


class ApplyWatch:
    """Asks the local PostgreSQL several times a second."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: asyncpg.Connection | None = None
        self._receiver: int | None = None
        self._breaks_s: deque[float] = deque()
        self.backlog = Backlog()
        self.standby = False
        self.streamed_s: float | None = None
        """When the last question was sent to which the answer was that the log is received; None when it was
        that it isn't. A question without an answer leaves it as it is."""

    async def run(self) -> None:
        """Ask for ever."""
        try:
            while True:
                await self._ask()
                await asyncio.sleep(_ASK_EVERY_S)
        finally:
            self._hang_up()

    def breaks(self, now_s: float) -> int:
        """How often the stream of the log has broken off within the last half minute."""
        while self._breaks_s and now_s - self._breaks_s[0] > _BREAKS_KEPT_S:
            self._breaks_s.popleft()
        return len(self._breaks_s)

    @property
    def streams(self) -> bool:
        """Whether the log is being received now."""
        return self._receiver is not None

    async def _ask(self) -> None:
        asked_s = time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                if self._session is None:
                    self._session = await asyncpg.connect(self._dsn, timeout=_ANSWER_S_MAX)
                row = await self._session.fetchrow(_STATE)
        except FAILURES:
            self._hang_up()
            return
        now_s, self.standby = time.monotonic(), bool(row["standby"])
        self._note_break(now_s, row["receiver"])
        self.streamed_s = asked_s if self.streams else None
        if self.standby and row["received"] is not None and row["applied"] is not None:
            self.backlog.sample(now_s, row["received"], row["applied"])
        else:
            self.backlog.forget()

    def _note_break(self, now_s: float, receiver: int | None) -> None:
        if self.standby and self._receiver is not None and receiver != self._receiver:
            self._breaks_s.append(now_s)
        self._receiver = receiver if self.standby else None

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(*FAILURES):
                session.terminate()
