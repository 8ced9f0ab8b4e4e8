"""Orders that a dead server had taken and not registered: shown to a person, who registers or discards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from altid.orders.intent import Intent
from altid.record.database import Connection

ROWS_MAX = 1_000

State = Literal["open", "registered", "discarded"]


class Recovered(NamedTuple):
    """One row, without the order itself."""

    key: str
    site: str
    writer: str
    intended: datetime
    found: datetime
    action: str
    type: str
    id: str
    patient: str
    organisation: str
    signer: str
    signer_name: str
    state: State
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class Waiting(NamedTuple):
    """What is needed to decide about one."""

    row: Recovered
    write_key: UUID
    expected: int | None
    content: bytes


async def show(connection: Connection, intents: Sequence[Intent], site: str, writer: str) -> None:
    """Put them before people; what is there already stays as it is."""
    rows = [
        (
            one.identity,
            UUID(one.write_key),
            one.key,
            site,
            writer,
            one.at,
            one.action,
            one.type,
            one.id,
            one.expected,
            one.patient,
            one.organisation,
            one.signer,
            one.signer_name,
            one.content.encode(),
        )
        for one in intents
    ]
    await connection.executemany(_SHOW, rows)


async def listed(
    connection: Connection, state: State, patients: Sequence[str] | None = None
) -> list[Recovered]:
    """The oldest first; of these patients, or of all."""
    rows = await connection.fetch(_LISTED, state, None if patients is None else list(patients), ROWS_MAX)
    return [Recovered(*row) for row in rows]


async def find(connection: Connection, identity: bytes, *, hold: bool = False) -> Waiting | None:
    """One of them; with `hold` nobody else decides about it until the transaction ends."""
    row: Any = await connection.fetchrow(_FIND + (" FOR UPDATE" if hold else ""), identity)
    return None if row is None else Waiting(Recovered(*row[:16]), row[16], row[17], row[18])


async def decide(connection: Connection, identity: bytes, state: State, by: str, reason: str) -> None:
    """Note who has decided what, and why."""
    await connection.execute(_DECIDE, identity, state, by, reason)


async def spend_key(connection: Connection, identity: bytes, key: UUID, type_: str, id_: str) -> None:
    """Let nobody register anything with this key any more. Raises `UniqueViolationError` if it has been."""
    await connection.execute(_SPEND, identity, key, type_, id_)


_COLUMNS = """client_key, site, writer, intended, found, action, type, id, patient, organisation, signer,
       signer_name, state, decided_by, decided_at, reason"""

_SHOW = """
INSERT INTO order_recovered (identity, key, client_key, site, writer, intended, found, action, type, id,
                             expected, patient, organisation, signer, signer_name, content)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (identity) DO NOTHING
"""
_LISTED = f"""
SELECT {_COLUMNS}
  FROM order_recovered
 WHERE state = $1 AND ($2::text[] IS NULL OR patient = ANY($2))
   -- Whoever has sent it again since has registered it.
   AND (state <> 'open' OR NOT EXISTS (SELECT FROM order_key k WHERE k.identity = order_recovered.identity))
 ORDER BY intended LIMIT $3
"""
_FIND = f"SELECT {_COLUMNS}, key, expected, content FROM order_recovered WHERE identity = $1"
_DECIDE = """
UPDATE order_recovered
   SET state = $2, decided_by = $3, decided_at = clock_timestamp(), reason = $4
 WHERE identity = $1 AND state = 'open'
"""
_SPEND = """
INSERT INTO order_key (identity, key, rid, type, id, version, at, position)
VALUES ($1, $2, 0, $3, $4, 0, clock_timestamp(), pg_current_wal_insert_lsn())
"""
