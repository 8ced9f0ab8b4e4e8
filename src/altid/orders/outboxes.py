"""What browsers hold unconfirmed, kept in the record so that both sites know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from altid.orders.receipt import identity_of
from altid.record.database import Connection


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """One order as its browser tells of it; "" where it doesn't say."""

    key: str
    patient: str = ""
    kind: str = ""
    """Type of the resource."""
    action: str = ""
    ward: str = ""
    since: datetime | None = None
    """When it was signed there; None: unknown."""


async def tell(
    connection: Connection, signer: str, organisation: str, client: str, held: Sequence[Unconfirmed]
) -> None:
    """Keep all that a browser holds now; what it held before and does not name is released."""
    keys = [one.key for one in held]
    await connection.execute(_RELEASE, signer, client, keys)
    # All tell of their keys in one order, so that two at once wait and don't lock each other out.
    rows = [
        (
            signer,
            client,
            one.key,
            identity_of(one.key),
            organisation,
            one.patient,
            one.kind,
            one.action,
            one.ward,
            one.since,
        )
        for one in sorted(held, key=lambda one: one.key)
    ]
    await connection.executemany(_TELL, rows)


_RELEASE = """
UPDATE client_outbox SET released = clock_timestamp()
 WHERE signer = $1 AND client = $2 AND released IS NULL AND key <> ALL($3::text[])
"""
_TELL = """
INSERT INTO client_outbox (signer, client, key, identity, organisation, patient, kind, action, ward, since,
                           told)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, COALESCE($10, clock_timestamp()), clock_timestamp())
ON CONFLICT (signer, client, key) DO UPDATE SET told = EXCLUDED.told, released = NULL
"""
