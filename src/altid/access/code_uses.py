"""Uses of wards' sealed emergency codes at lookup records: told by their places, seen by somebody here.

Nobody's account was used, so there is nobody to ask but by the name that was given. Whoever has seen one has
made sure that it was one of ours, and that the ward gets a new code.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from altid.access.identity import Identity, Role
from altid.record.database import Connection

SEES = frozenset({Role.OPERATIONS, Role.AUDITOR})
OPEN_MAX = 200
"""Shown at once, the oldest first."""
NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX = 120, 1_000
_IDS = uuid.UUID("0c8d2f0e-62a5-4f43-9d0b-8a1f5f1b7c9e")
"""Of the ids of uses (RFC 9562 §5.5), so that one that is told twice is kept once."""


@dataclass(frozen=True, slots=True)
class CodeUse:
    """One that nobody has seen yet. `ward`: its SOR number; `name` and `reason` as they were given."""

    id: str
    client: str
    """The place's id."""
    ward: str
    name: str = field(repr=False)
    reason: str = field(repr=False)
    at: datetime


async def keep(
    connection: Connection, client: str, which: str, said: Mapping[str, str], at: datetime
) -> None:
    """`which`: the look that told it, "COPY/SEQUENCE". Kept once, however often it is told."""
    await connection.execute(
        _KEEP,
        uuid.uuid5(_IDS, f"{client} {which}"),
        client,
        _shown(said.get("ward", ""), NAME_CHARACTERS_MAX),
        _shown(said.get("name", ""), NAME_CHARACTERS_MAX),
        _shown(said.get("reason", ""), REASON_CHARACTERS_MAX),
        at,
    )


async def unseen(connection: Connection) -> list[CodeUse]:
    """The oldest first."""
    return [CodeUse(*row) for row in await connection.fetch(_UNSEEN, OPEN_MAX)]


async def see(connection: Connection, identity: Identity, use: str, now: datetime) -> bool:
    """Say that it was seen to; False where somebody has, or there is none, or the role may not."""
    if identity.role not in SEES or not identity.is_own_session:
        return False
    try:
        named = uuid.UUID(use)
    except ValueError:
        return False
    return await connection.fetchval(_SEE, named, identity.subject, now) is not None


def _shown(text: str, most: int) -> str:
    """What comes from outside, cut and printable."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:most])


_KEEP = """
INSERT INTO code_use (id, client, ward, name, reason, at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING
"""
_UNSEEN = """
SELECT id::text, client, ward, name, reason, at FROM code_use
 WHERE seen_at IS NULL ORDER BY at, id LIMIT $1
"""
_SEE = "UPDATE code_use SET seen_by = $2, seen_at = $3 WHERE id = $1 AND seen_at IS NULL RETURNING 1"
