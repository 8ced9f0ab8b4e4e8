"""How many orders of a patient are not known to be registered, for the lists that a ward works by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from altid.record.database import Connection


async def unconfirmed(connection: Connection, patients: Sequence[str]) -> Mapping[str, int]:
    """By patient's id, those that have some: what a dead server left and nobody has decided, and what
    browsers say that they hold without a receipt. The same key from both is one order."""
    return {row[0]: row[1] for row in await connection.fetch(_UNCONFIRMED, list(patients))}


_UNCONFIRMED = """
WITH waiting AS (
    SELECT patient, identity FROM order_recovered WHERE state = 'open' AND patient = ANY($1::text[])
    UNION
    SELECT patient, identity FROM client_outbox o
     WHERE released IS NULL AND patient = ANY($1::text[])
       AND NOT EXISTS (SELECT FROM order_key k WHERE k.identity = o.identity)
)
SELECT patient, count(*)::integer FROM waiting GROUP BY patient
"""
