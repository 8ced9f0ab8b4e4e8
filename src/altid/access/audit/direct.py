"""Events of operators at a terminal: put straight into the table, in the transaction of what they are about.

A command has no journal: it ends at once, may run as another user than the servers, or on a machine where no
server is; and it needs the database anyway. All commands together are one writer, whose chain goes on from
the newest row; a lock lets them in one after the other. That its tail was cut off is found as with any
writer: by the checkpoints of the servers.
"""

from __future__ import annotations

from altid.access.audit import store
from altid.access.audit.event import Event, encode, parts_of
from altid.access.audit.store import Row
from altid.access.journal.sealed import Chain, Head, Record
from altid.access.secret import AccessSecret
from altid.record.database import Connection

WRITER = "terminal.00000000"
_LOCK = 0x416C7469644175  # "AltidAu"


async def record(connection: Connection, secret: AccessSecret, site: str, *events: Event) -> None:
    """Add the events. Call it inside the transaction of what they are about, as its last step."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    head, chain = await store.head(connection, WRITER), Chain(secret, store.PURPOSE)
    rows: list[Row] = []
    for event in (part for whole in events for part in parts_of(whole)):
        body = encode(event, site)
        head = Head(head.seq + 1, chain.link(head.hash, WRITER, head.seq + 1, body))
        rows.append(store.row_of(WRITER, Record(head.seq, head.hash, body)))
    await store.put(connection, rows)
