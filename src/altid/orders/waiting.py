"""Orders of a patient that are not known to be registered, for the lists that a ward works by: what a dead
server left and nobody has decided, and what browsers say that they hold without a receipt. The same key from
both is one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from altid.record.database import Connection


@dataclass(frozen=True, slots=True)
class Held:
    """One of them. `kind`: the resource's type; `action` as whoever tells of it calls it; `signer`: a name,
    "" where only a browser knows of it; `at`: when it was signed."""

    kind: str
    action: str
    signer: str
    at: datetime


async def unconfirmed(connection: Connection, patients: Sequence[str]) -> Mapping[str, int]:
    """How many, by patient's id, of those that have some."""
    return {row[0]: row[1] for row in await connection.fetch(_COUNTED, list(patients))}


async def held(connection: Connection, patients: Sequence[str]) -> Mapping[str, tuple[Held, ...]]:
    """By patient's id, the newest first, of those that have some."""
    found: dict[str, tuple[Held, ...]] = {}
    for patient, *one in await connection.fetch(_HELD, list(patients)):
        found[patient] = (*found.get(patient, ()), Held(*one))
    return found


_WAITING = """
WITH waiting AS (
    SELECT DISTINCT ON (patient, identity) patient, identity, kind, action, signer, at
      FROM (SELECT patient, identity, type AS kind, action, signer_name AS signer, intended AS at
              FROM order_recovered WHERE state = 'open' AND patient = ANY($1::text[])
             UNION ALL
            SELECT patient, identity, kind, action, '', since
              FROM client_outbox o
             WHERE released IS NULL AND patient = ANY($1::text[])
               AND NOT EXISTS (SELECT FROM order_key k WHERE k.identity = o.identity)) told
     ORDER BY patient, identity, signer DESC
)
"""
_COUNTED = f"{_WAITING} SELECT patient, count(*)::integer FROM waiting GROUP BY patient"
_HELD = f"{_WAITING} SELECT patient, kind, action, signer, at FROM waiting ORDER BY patient, at DESC"
