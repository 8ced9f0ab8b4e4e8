"""The change feed: every committed change, in an order that never skips a concurrent commit.

A number from a sequence is drawn before its transaction commits, so a reader that has seen 8 may miss a 7
that commits later. The feed orders by transaction id instead and stops below the oldest transaction still
open (`pg_snapshot_xmin`): below that line nothing can appear any more. It reads on a standby as well, whose
snapshot knows the primary's open transactions.

A cursor is valid for one database cluster and its standbys. A record that is restored from a logical dump
has new transaction ids: its consumers start over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from altid.record.database import Connection
from altid.record.stored import Stored

BATCH_MAX = 1_000
"""Changes handed out at once: about a megabyte."""


class Cursor(NamedTuple):
    """The last change that was taken. `START` is before the first."""

    xid: int
    rid: int

    def __str__(self) -> str:
        return f"{self.xid}.{self.rid}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises `ValueError` for what is no cursor."""
        xid, _, rid = text.partition(".")
        cursor = cls(int(xid), int(rid))
        if not (0 <= cursor.xid < 2**63 and 0 <= cursor.rid < 2**63):
            raise ValueError("cursor out of range")
        return cursor


START = Cursor(0, 0)


class Change(NamedTuple):
    """One version of one resource as it was committed; `stored.body` is None for a deletion."""

    stored: Stored
    method: str
    cursor: Cursor
    refs: Sequence[str] | None = None
    """Its literal references, as `Found.refs`; None where a later version has others."""


class Batch(NamedTuple):
    """Changes in order, and the cursor to go on from: also past changes that were filtered out."""

    changes: Sequence[Change]
    cursor: Cursor
    caught_up: bool


_CHANGES = """
WITH c AS (
    SELECT xid, rid, version, type, at, method FROM change
     WHERE (xid, rid) > ($1::text::xid8, $2)
       AND xid < pg_snapshot_xmin(pg_current_snapshot()) AND ($5::text IS NULL OR xid < $5::text::xid8)
     ORDER BY xid, rid LIMIT $3)
SELECT c.type, r.id, c.version, c.at, coalesce(h.body, CASE WHEN r.version = c.version THEN r.body END),
       c.method, c.xid::text::bigint, c.rid, CASE WHEN r.version = c.version THEN r.refs END
  FROM c
  LEFT JOIN resource r ON r.rid = c.rid AND ($4::text[] IS NULL OR c.type = ANY ($4))
  LEFT JOIN resource_history h ON h.rid = r.rid AND h.version = c.version
 ORDER BY c.xid, c.rid
"""


_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


async def changes(
    connection: Connection,
    after: Cursor,
    *,
    count: int = BATCH_MAX,
    types: Sequence[str] | None = None,
    until: Cursor | None = None,
) -> Batch:
    """The next changes after a cursor, oldest first; with `types` only those, of `count` that are looked at.
    `until`: none of its transaction or a later one.

    Empty and caught up: nothing more is certain yet.
    """
    count = min(count, BATCH_MAX)
    below = str(until.xid) if until else None
    rows = await connection.fetch(_CHANGES, str(after.xid), after.rid, count, types, below)
    found = [_change(*row) for row in rows if row["id"] is not None]
    cursor = Cursor(rows[-1]["xid"], rows[-1]["rid"]) if rows else after
    return Batch(found, cursor, len(rows) < count)


_LAST = """
SELECT xid::text::bigint, rid FROM change
 WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, rid DESC LIMIT 1
"""


async def last(connection: Connection) -> Cursor:
    """The last change that is certain now: behind it there is nothing yet."""
    row = await connection.fetchrow(_LAST)
    return Cursor(*row) if row else START


async def newest(connection: Connection) -> Cursor:
    """A cursor behind all that is certain now: for who begins with what comes."""
    return Cursor(await connection.fetchval(_NOW), 0)


def _change(
    type_: str,
    id_: str,
    version: int,
    at: datetime,
    body: bytes | None,
    method: str,
    xid: int,
    rid: int,
    refs: Sequence[str] | None,
) -> Change:
    return Change(Stored(type_, id_, version, at, body), method, Cursor(xid, rid), refs)
