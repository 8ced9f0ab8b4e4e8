"""The table `audit`: rows put in once and compared, searched by patient, person, time and broken glass.

The columns beside `body` and `hash` are for searching and say nothing that the body doesn't; `verify` holds
them against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from altid.access.audit.event import Action, Event, decode, found_by
from altid.access.journal.sealed import START, Head, Record
from altid.record.database import Connection

PURPOSE = "audit"
"""Of the keys of its journals and chains."""

HITS_MAX = 100_000


class Row(NamedTuple):
    """The members of the table's row type, in its order."""

    writer: str
    seq: int
    at: datetime
    subject: str
    action: str
    patients: list[str]
    body: bytes
    hash: bytes


class Entry(NamedTuple):
    """One event as it is stored."""

    writer: str
    seq: int
    site: str
    event: Event


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for; None: any. Times are half-open."""

    patient: str | None = None
    subject: str | None = None
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


def row_of(writer: str, record: Record) -> Row:
    """The row of a journal's record."""
    return Row(writer, record.seq, *found_by(record.body), record.body, record.hash)


class Put(NamedTuple):
    """`position` in the log; `there`: rows of which something under their number was there already."""

    position: int
    there: list[Row]


async def put(connection: Connection, rows: Sequence[Row]) -> Put:
    """Put rows in that may be there already, inside a transaction; its commit waits for the other site even
    if all were."""
    new = {row["seq"] for row in await connection.fetch(_INSERT, rows)} if rows else set()
    position: int = await connection.fetchval("SELECT confirm_record()")
    return Put(position, [row for row in rows if row.seq not in new])


async def differing(connection: Connection, rows: Sequence[Row]) -> list[int]:
    """Numbers of those rows that the table does not have just so."""
    if not rows:
        return []
    return [row["seq"] for row in await connection.fetch(_DIFFERING, rows)]


async def head(connection: Connection, writer: str) -> Head:
    """The newest stored event of a writer."""
    row = await connection.fetchrow(_HEAD, writer)
    return START if row is None else Head(row["seq"], row["hash"])


async def heads(connection: Connection, count_max: int) -> list[tuple[str, Head]]:
    """The newest stored event of each writer, those that wrote last first."""
    rows = await connection.fetch(_HEADS, count_max)
    return [(row["writer"], Head(row["seq"], row["hash"])) for row in rows]


async def has_news(connection: Connection, since: datetime) -> bool:
    """Whether anything but checkpoints is stored of that time."""
    return bool(await connection.fetchval(_NEWS, since))


async def search(connection: Connection, query: Query) -> list[Entry]:
    """The events that match, the newest first."""
    clauses, values = ["true"], list[Any]()
    for clause, value in (
        ("patients @> ARRAY[${}::text]", query.patient),
        ("subject = ${}", query.subject),
        ("action = ${}", query.action),
        ("at >= ${}", query.since),
        ("at < ${}", query.until),
    ):
        if value is not None:
            values.append(value)
            clauses.append(clause.format(len(values)))
    values.append(min(query.limit, HITS_MAX))
    sql = _SEARCH.format(condition=" AND ".join(clauses), limit=len(values))
    return [_entry(row) for row in await connection.fetch(sql, *values)]


def _entry(row: Any) -> Entry:
    event, site = decode(row["body"])
    return Entry(row["writer"], row["seq"], site, event)


_INSERT = "INSERT INTO audit SELECT * FROM unnest($1::audit[]) ON CONFLICT DO NOTHING RETURNING seq"
_DIFFERING = """
SELECT n.seq
  FROM unnest($1::audit[]) n LEFT JOIN audit a ON a.writer = n.writer AND a.seq = n.seq
 WHERE (a.writer, a.seq, a.at, a.subject, a.action, a.patients, a.body, a.hash)
       IS DISTINCT FROM (n.writer, n.seq, n.at, n.subject, n.action, n.patients, n.body, n.hash)
 ORDER BY n.seq
"""
_HEAD = "SELECT seq, hash FROM audit WHERE writer = $1 ORDER BY seq DESC LIMIT 1"
# One step in the primary key for each writer, however many rows there are.
_HEADS = """
WITH RECURSIVE w AS (
    (SELECT writer FROM audit ORDER BY writer LIMIT 1)
    UNION ALL
    SELECT (SELECT a.writer FROM audit a WHERE a.writer > w.writer ORDER BY a.writer LIMIT 1)
      FROM w WHERE w.writer IS NOT NULL
)
SELECT h.writer, h.seq, h.hash
  FROM w CROSS JOIN LATERAL (
       SELECT * FROM audit a WHERE a.writer = w.writer ORDER BY a.seq DESC LIMIT 1) h
 ORDER BY h.at DESC
 LIMIT $1
"""
_NEWS = "SELECT EXISTS (SELECT FROM audit WHERE at > $1 AND action <> 'checkpoint')"
_SEARCH = """
SELECT writer, seq, body FROM audit
 WHERE {condition}
 ORDER BY at DESC, writer, seq DESC
 LIMIT ${limit}
"""
