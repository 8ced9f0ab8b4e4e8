"""The record's sign of life: a row that is written each second, by an ordinary commit that waits as all do.

Where it can be read, the primary was alive and the way from there worked. Its `at` is the age of the data for
whoever has read all changes of transactions below its `xid`, and of nothing else (docs/lookup.md).

An epoch names the record's past: cluster, timeline, and a mark that is drawn anew with each. It changes with
every change of the lead and every restore, because what was committed just before may be lost then.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from altid.record.attempt import LocalOnlyError, check, safety_of
from altid.record.database import Connection, Database
from altid.record.feed import Cursor
from altid.record.primary import FAILURES, NoPrimaryError

EVERY_S = 0.9
_TRY_EVERY_S = 0.25
"""Each server process tries; the first for which it is time does it, so there is a beat each second."""
_BEAT_S_MAX = 10.0
_PAUSE_S = 1.0
_UNKNOWN = "unknown"

_log = logging.getLogger("altid.record")


class Heartbeat(NamedTuple):
    """The newest that counts for somebody. `durability`: how safe commits were then, "two-sites",
    "one-site", or "unknown"."""

    at: datetime
    site: str
    durability: str


class Heart:
    """Of one process: beats whenever no other has for a second."""

    def __init__(self, database: Database, site: str) -> None:
        self._database, self._site = database, site
        self._durability = _UNKNOWN

    async def run(self) -> None:
        """Until it is cancelled."""
        is_well = True
        while True:
            try:
                async with asyncio.timeout(_BEAT_S_MAX):
                    await self.beat()
                is_well = True
            except (NoPrimaryError, LocalOnlyError, TimeoutError, *FAILURES) as error:
                if is_well:
                    _log.warning("no heartbeat of the record from here (%s)", type(error).__name__)
                self._durability, is_well = _UNKNOWN, False
            await asyncio.sleep(_TRY_EVERY_S if is_well else _PAUSE_S)

    async def beat(self) -> bool:
        """Beat if it is time; whether it was done."""
        async with self._database.writing() as connection:
            every = timedelta(seconds=EVERY_S)
            done, position = await connection.fetchrow(_BEAT, self._site, self._durability, every)
            check(connection)
            if done and self._database.is_replicated:
                self._durability = await safety_of(connection, position)
            elif done:
                self._durability = "one-site"
        return bool(done)


async def newest_below(connection: Connection, xid: int | None = None) -> Heartbeat | None:
    """The newest that holds for whoever has read all changes of transactions below `xid`; None: for whoever
    has read all that is certain now."""
    row = await connection.fetchrow(_NEWEST, None if xid is None else str(xid))
    return None if row is None else Heartbeat(*row)


async def epoch_of(connection: Connection) -> str | None:
    """Which past this PostgreSQL has; None for the moment after a change of the lead in which nobody has said
    so yet."""
    epoch: str | None = await connection.fetchval(_EPOCH)
    return epoch


async def is_behind(connection: Connection, epoch: str, after: Cursor) -> bool:
    """Whether a reader who has come so far has seen more than this PostgreSQL: a later past of the same
    cluster, or a transaction that is not here yet."""
    system, _, timeline = epoch.rpartition(".")[0].rpartition(".")
    return bool(
        await connection.fetchval(
            _IS_BEHIND, system, int(timeline) if timeline.isdigit() else 0, str(after.xid)
        )
    )


_BEAT = """
SELECT feed_beat($1, $2, $3), (pg_current_wal_insert_lsn() - '0/0')::bigint
"""
_NEWEST = """
SELECT at, site, durability FROM feed_heartbeat
 WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) AND ($1::text IS NULL OR xid < $1::text::xid8)
 ORDER BY xid DESC LIMIT 1
"""
# A primary knows its own timeline, which may be younger than the newest row; a standby has what came to it.
_EPOCH = """
SELECT e.system || '.' || e.timeline || '.' || e.mark
  FROM (SELECT * FROM feed_epoch ORDER BY number DESC LIMIT 1) e
 WHERE pg_is_in_recovery()
    OR EXISTS (SELECT FROM feed_past() p WHERE p.system = e.system AND p.timeline = e.timeline)
"""
_IS_BEHIND = """
SELECT e.system = $1 AND e.timeline < $2
       OR pg_is_in_recovery() AND $3::text::xid8 > pg_snapshot_xmax(pg_current_snapshot())
  FROM feed_epoch e ORDER BY e.number DESC LIMIT 1
"""
