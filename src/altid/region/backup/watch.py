"""Who leads now, as the databases themselves say, and how far the leader's log has reached the archive.

The archive asks PostgreSQL rather than etcd: log is to be had from one that is a primary at this moment, and
the archive then works also while etcd has no quorum.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from altid.region.backup.access import APPLICATION
from altid.region.topology import Site

_ANSWER_S_MAX = 1.0
_MARKS_MAX = 600
"""Positions of the last ten minutes: an archive that is further behind is late by more than that anyway."""

_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class Sight:
    """A site's PostgreSQL, a moment ago."""

    site: Site
    primary: bool
    timeline: int
    at: datetime
    """By its own clock."""

    written: int
    archived: int | None
    """How far the archive has confirmed to be durable; None when it isn't connected there."""


class Watch:
    """Asks one site's PostgreSQL, over a session that is kept."""

    def __init__(self, site: Site, dsn: str) -> None:
        self._site, self._dsn = site, dsn
        self._session: asyncpg.Connection | None = None

    async def look(self) -> Sight | None:
        """What it says; None when it gives no answer."""
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                if self._session is None:
                    self._session = await asyncpg.connect(self._dsn, timeout=_ANSWER_S_MAX)
                row = await self._session.fetchrow(_LOOK, APPLICATION)
        except _FAILURES:
            self.close()
            return None
        assert row is not None
        timeline = int(row["timeline"] or "0", 16)
        return Sight(self._site, row["leads"], timeline, row["at"], row["written"] or 0, row["archived"])

    def close(self) -> None:
        if self._session is not None:
            self._session.terminate()
            self._session = None


_LOOK = """
SELECT leads, clock_timestamp() AS at,
       CASE WHEN leads THEN pg_current_wal_lsn() ELSE pg_last_wal_replay_lsn() END AS written,
       CASE WHEN leads THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
       (SELECT min(flush_lsn) FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming')
           AS archived
FROM (SELECT NOT pg_is_in_recovery() AS leads)
"""


def leader_among(sights: list[Sight]) -> Sight | None:
    """The primary; of two (one was cut off and doesn't know yet) the one that was promoted last."""
    return max((one for one in sights if one.primary), key=lambda one: one.timeline, default=None)


class Marks:
    """Where the log stood at which time, to tell up to which time it is archived."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int, datetime]] = deque(maxlen=_MARKS_MAX)
        self.archived_until: datetime | None = None

    def note(self, leader: Sight) -> None:
        """Take note of what was seen; moves `archived_until` forward, never back."""
        self._marks.append((leader.timeline, leader.written, leader.at))
        if leader.archived is None:
            return
        reached = [
            at for line, written, at in self._marks if line == leader.timeline and written <= leader.archived
        ]
        newest = max(reached, default=None)
        if newest and (self.archived_until is None or newest > self.archived_until):
            self.archived_until = newest
