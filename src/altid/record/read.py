"""Read one resource: the current version or an earlier one."""

from __future__ import annotations

from altid.record.database import Connection
from altid.record.stored import Found, Stored
from altid.record.write import Written
from altid.record.write_key import WriteKey

_READ = "SELECT type, id, version, last_updated, body FROM resource WHERE type = $1 AND id = $2"

_READ_FOUND = "SELECT type, id, version, last_updated, body, refs FROM resource WHERE type = $1 AND id = $2"

_READ_VERSION = """
SELECT type, id, version, last_updated, body
  FROM resource WHERE type = $1 AND id = $2 AND version = $3
UNION ALL
SELECT r.type, r.id, h.version, h.last_updated, h.body
  FROM resource r JOIN resource_history h ON h.rid = r.rid
 WHERE r.type = $1 AND r.id = $2 AND h.version = $3
"""

_READ_MANY = """
SELECT r.type, r.id, r.version, r.last_updated, r.body
  FROM unnest($1::text[], $2::text[]) AS wanted (type, id)
  JOIN resource r ON r.type = wanted.type AND r.id = wanted.id
"""


async def read(connection: Connection, type_: str, id_: str) -> Stored | None:
    """The current version; None if there never was one. A deleted resource has no body."""
    row = await connection.fetchrow(_READ, type_, id_)
    return None if row is None else Stored(*row)


async def read_found(connection: Connection, type_: str, id_: str) -> Found | None:
    """As `read`, with the references that say whom it is about; none of a deleted resource."""
    row = await connection.fetchrow(_READ_FOUND, type_, id_)
    return None if row is None else Found(Stored(*row[:5]), row[5])


async def read_to_write(connection: Connection, type_: str, id_: str) -> Stored | None:
    """The current version, which stays current until the transaction ends."""
    row = await connection.fetchrow(_READ + " FOR UPDATE", type_, id_)
    return None if row is None else Stored(*row)


async def read_version(connection: Connection, type_: str, id_: str, version: int) -> Stored | None:
    """One version, current or earlier."""
    row = await connection.fetchrow(_READ_VERSION, type_, id_, version)
    return None if row is None else Stored(*row)


async def read_many(connection: Connection, references: list[tuple[str, str]]) -> list[Stored]:
    """Those of the (type, id) that exist, in no particular order; deleted ones without a body."""
    if not references:
        return []
    types, ids = zip(*references, strict=True)
    return [Stored(*row) for row in await connection.fetch(_READ_MANY, list(types), list(ids))]


async def find_write(
    connection: Connection, type_: str, id_: str, key: WriteKey
) -> tuple[Written, bytes | None] | None:
    """What a write with this key has made of the resource, and the body; None if it was not done.

    Hold the resource or a lock that stands for it, or another may be doing it now.
    """
    row = await connection.fetchrow(_FIND_WRITE, type_, id_, key.value)
    return None if row is None or row[0] is None else (Written(*row[:3]), row[3])


_FIND_WRITE = "SELECT outcome, version, last_updated, body FROM find_write($1, $2, $3)"
