"""What the record holds, as one SHA-256 for each resource type: two records are the same when these are.

Covers every version that was ever written, with its number, method and bytes, in the order of type, id and
version; not the index, which is made from them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from altid.record.database import Connection

_ROWS_AT_ONCE = 1_000


async def digests(connection: Connection, until: int | None = None) -> dict[str, str]:
    """The digest of each type, over the changes of transactions below `until` (all if None).

    `until` is an xid8, such as `pg_snapshot_xmin(pg_current_snapshot())` gives: below it nothing is added any
    more. Reads everything: a whole record takes minutes.
    """
    found: dict[str, Any] = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(_VERSIONS, until, prefetch=_ROWS_AT_ONCE):
            digest = found.setdefault(row["type"], hashlib.sha256())
            digest.update(f"{row['id']} {row['version']} {row['method']} {row['state']} ".encode())
            digest.update(row["bytes"])
    return {name: digest.hexdigest() for name, digest in sorted(found.items())}


_VERSIONS = """
WITH version AS (
    SELECT rid, version, body FROM resource
    UNION ALL
    SELECT rid, version, body FROM resource_history
)
SELECT c.type, coalesce(r.id, '') AS id, c.version, c.method,
       CASE WHEN v.rid IS NULL THEN 'missing' WHEN v.body IS NULL THEN 'deleted' ELSE 'body' END AS state,
       sha256(coalesce(v.body, '')) AS bytes
FROM change c
LEFT JOIN resource r ON r.rid = c.rid
LEFT JOIN version v ON v.rid = c.rid AND v.version = c.version
WHERE $1::bigint IS NULL OR c.xid < $1::bigint::text::xid8
ORDER BY c.type, id, c.version, bytes
"""
