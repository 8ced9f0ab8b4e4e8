"""What may be used only once: assertions of systems, challenges of passkeys. Shared by both sites."""

from __future__ import annotations

import hashlib

from altid.access.settings import moment
from altid.record.database import Connection

_REMOVED_MAX = 5_000


async def spend(connection: Connection, kind: str, value: str, expires_s: float) -> bool:
    """True the first time. Kept until `expires_s`, from when on it is refused for its age."""
    digest = hashlib.sha256(f"{kind}\n{value}".encode()).digest()
    return await connection.fetchval(_SPEND, digest, moment(expires_s)) is not None


async def remove_old(connection: Connection, now_s: float) -> int:
    """Some thousands of those that are too old to matter; gives their number."""
    return len(await connection.fetch(_REMOVE, moment(now_s), _REMOVED_MAX))


_SPEND = "INSERT INTO spent (digest, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
_REMOVE = """
DELETE FROM spent
WHERE digest IN (
    SELECT digest FROM spent WHERE expires < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING 1
"""
