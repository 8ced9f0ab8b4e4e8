"""Versions in the order they were written, newest first: of one resource, of a type, of everything.

A page goes on from a `Place` (time and row of the last version shown), so that writes meanwhile can neither
repeat nor hide a version.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from altid.record.database import Connection
from altid.record.stored import Stored


class Place(NamedTuple):
    """Where a page of history ended."""

    at: datetime
    rid: int
    version: int


class HistoryEntry(NamedTuple):
    """One version with the HTTP method that made it."""

    stored: Stored
    method: str
    place: Place


_COLUMNS = """
SELECT r.type, r.id, c.version, c.at,
       coalesce(h.body, CASE WHEN r.version = c.version THEN r.body END) AS body, c.method, c.rid
"""
_JOINS = """
  JOIN resource r ON r.rid = c.rid
  LEFT JOIN resource_history h ON h.rid = c.rid AND h.version = c.version
"""

# The page is cut from `change` alone before content is joined: its order is that of an index.
_OF_ONE = f"""
WITH c AS (
    SELECT rid, version, at, method FROM change
     WHERE rid = (SELECT rid FROM resource WHERE type = $1 AND id = $2)
       AND version < $3 AND ($4::timestamptz IS NULL OR at >= $4)
     ORDER BY version DESC LIMIT $5)
{_COLUMNS} FROM c {_JOINS} ORDER BY c.version DESC
"""

_OF_TYPE = f"""
WITH c AS (
    SELECT rid, version, at, method FROM change
     WHERE type = $1 AND (at, rid, version) < ($2, $3, $4) AND ($5::timestamptz IS NULL OR at >= $5)
     ORDER BY at DESC, rid DESC, version DESC LIMIT $6)
{_COLUMNS} FROM c {_JOINS} ORDER BY c.at DESC, c.rid DESC, c.version DESC
"""

_OF_ALL = f"""
WITH c AS (
    SELECT rid, version, at, method FROM change
     WHERE (at, rid, version) < ($1, $2, $3) AND ($4::timestamptz IS NULL OR at >= $4)
     ORDER BY at DESC, rid DESC, version DESC LIMIT $5)
{_COLUMNS} FROM c {_JOINS} ORDER BY c.at DESC, c.rid DESC, c.version DESC
"""

_BIGGEST_VERSION = 2**31 - 1

THE_END = Place(datetime.max.replace(tzinfo=UTC), 2**63 - 1, _BIGGEST_VERSION)
"""After everything that was and will be written: where a first page begins."""


async def of_resource(
    connection: Connection, type_: str, id_: str, *, before: Place | None, since: datetime | None, count: int
) -> list[HistoryEntry]:
    """Versions of one resource, newest first."""
    below = before.version if before else _BIGGEST_VERSION
    return _entries(await connection.fetch(_OF_ONE, type_, id_, below, since, count))


async def of_type(
    connection: Connection, type_: str, *, before: Place, since: datetime | None, count: int
) -> list[HistoryEntry]:
    """Versions of all resources of a type, newest first."""
    return _entries(await connection.fetch(_OF_TYPE, type_, *before, since, count))


async def of_all(
    connection: Connection, *, before: Place, since: datetime | None, count: int
) -> list[HistoryEntry]:
    """Versions of everything, newest first."""
    return _entries(await connection.fetch(_OF_ALL, *before, since, count))


def _entries(rows: list[Any]) -> list[HistoryEntry]:
    return [_entry(*row) for row in rows]


def _entry(
    type_: str, id_: str, version: int, at: datetime, body: bytes | None, method: str, rid: int
) -> HistoryEntry:
    return HistoryEntry(Stored(type_, id_, version, at, body), method, Place(at, rid, version))
