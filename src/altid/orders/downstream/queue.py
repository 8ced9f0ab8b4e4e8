"""The queue: deliveries made from the change feed, taken in order, settled, and looked at by people.

Every function takes a session at the primary. Those that change something say in which transaction they must
be called; `fill` and `settle` only by whoever holds the region's lock (`dispatcher`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from altid.orders.downstream.destinations import Destination
from altid.orders.downstream.leaving import content_of, lane_of, leaves
from altid.record import feed
from altid.record.database import Connection

LIST_MAX = 1_000


class State(StrEnum):
    """Of a delivery."""

    WAITING = "waiting"
    SENT = "sent"
    """Tried and not answered: the receiver may have it. It is sent again, with the same control id."""
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """The receiver said that no repetition would help, or we can't say the order in its language."""
    DEAD = "dead"
    """Its attempts are used up."""
    DISCARDED = "discarded"
    """Somebody gave it up, with a reason."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One version of an order for one destination, without anything of the patient but the lane."""

    number: int
    destination: str
    type: str
    id: str
    version: int
    state: State
    attempts: int
    made: datetime
    next_at: datetime
    told: datetime | None
    code: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt, or of none. `wait_s`: how long until the next; `tried`: whether it counts."""

    number: int
    state: State
    code: str = ""
    wait_s: float = 0.0
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Figures:
    """How a destination's queue is."""

    destination: str
    waiting: int
    dead: int
    """Refused ones too."""
    oldest_s: float
    """How long the oldest that waits has waited; 0 if none does."""


class NotPossibleError(Exception):
    """The delivery is not there or not in that state. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def fill(connection: Connection, destination: Destination, *, count: int = feed.BATCH_MAX) -> bool:
    """Make the deliveries of what is new; whether the feed had no more. Call it inside a transaction.

    A destination that is new begins with what comes from now on.
    """
    row = await connection.fetchrow(_CURSOR, destination.name)
    if row is None:
        begin = await feed.newest(connection)
        await connection.execute(_BEGIN, destination.name, begin.xid, begin.rid)
        return True
    after = feed.Cursor(row["xid"], row["rid"])
    batch = await feed.changes(connection, after, count=count, types=destination.takes)
    for change in batch.changes:
        stored = change.stored
        resource, before = await content_of(connection, stored)
        if leaves(resource, before, destination):
            await connection.execute(
                _MAKE,
                destination.name,
                stored.type,
                stored.id,
                stored.version,
                lane_of(resource),
                stored.last_updated,
            )
    if batch.cursor != after:
        await connection.execute(_ADVANCE, destination.name, batch.cursor.xid, batch.cursor.rid)
    return batch.caught_up


async def heads(connection: Connection, destination: str, count: int) -> list[Delivery]:
    """The first of each lane that is due, oldest first: what may be sent now, in any order."""
    return [_delivery(row) for row in await connection.fetch(_HEADS, destination, count)]


async def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Keep what came of attempts. One statement."""
    await connection.execute(
        _SETTLE,
        [one.number for one in settled],
        [one.state for one in settled],
        [one.code for one in settled],
        [one.wait_s for one in settled],
        [int(one.tried) for one in settled],
    )


async def figures(connection: Connection) -> list[Figures]:
    """Of every destination that ever was one."""
    return [Figures(*row) for row in await connection.fetch(_FIGURES)]


async def listed(connection: Connection, *, dead: bool, count: int = LIST_MAX) -> list[Delivery]:
    """What is not acknowledged, oldest first; with `dead` only what waits for a person."""
    states = [State.REFUSED, State.DEAD] if dead else [State.WAITING, State.SENT, State.REFUSED, State.DEAD]
    return [_delivery(row) for row in await connection.fetch(_LISTED, states, min(count, LIST_MAX))]


async def retry(connection: Connection, number: int, by: str, reason: str) -> None:
    """Let a dead letter be sent again, with a new budget, at its old place in its lane.

    Raises `NotPossibleError`: "absent", "state", or "superseded" when a later version of the order has left:
    sent after it, the older one would undo it.
    """
    await _hold(connection, number)
    if await connection.fetchval(_SUPERSEDED, number):
        raise NotPossibleError("superseded")
    await connection.execute(_RETRY, number, by, reason)


async def discard(connection: Connection, number: int, by: str, reason: str) -> None:
    """Give a dead letter up. Raises `NotPossibleError`: "absent" or "state"."""
    await _hold(connection, number)
    await connection.execute(_DISCARD, number, by, reason)


async def _hold(connection: Connection, number: int) -> None:
    state = await connection.fetchval(_HOLD, number)
    if state is None:
        raise NotPossibleError("absent")
    if state not in (State.REFUSED, State.DEAD):
        raise NotPossibleError("state")


def _delivery(row: Any) -> Delivery:
    values = dict(row)
    return Delivery(**{**values, "state": State(values["state"])})


_CURSOR = "SELECT xid, rid FROM delivery_cursor WHERE destination = $1 FOR UPDATE"
_BEGIN = "INSERT INTO delivery_cursor (destination, xid, rid) VALUES ($1, $2, $3)"
_ADVANCE = "UPDATE delivery_cursor SET xid = $2, rid = $3 WHERE destination = $1"
_MAKE = """
INSERT INTO delivery (destination, type, id, version, lane, made) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (destination, type, id, version) DO NOTHING
"""
_COLUMNS = "number, destination, type, id, version, state, attempts, made, next_at, told, code"
# Nobody overtakes the first of a lane, also while that is not due.
_HEADS = f"""
WITH first AS (
    SELECT DISTINCT ON (lane) {_COLUMNS} FROM delivery
     WHERE destination = $1 AND state IN ('waiting', 'sent')
     ORDER BY lane, number)
SELECT {_COLUMNS} FROM first WHERE next_at <= now() ORDER BY number LIMIT $2
"""
_SETTLE = """
UPDATE delivery d
   SET state = s.state, code = s.code, told = now(), attempts = d.attempts + s.tried,
       next_at = now() + make_interval(secs => s.wait_s)
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::float8[], $5::integer[])
       s(number, state, code, wait_s, tried)
 WHERE d.number = s.number AND d.state IN ('waiting', 'sent')
"""
_FIGURES = """
SELECT c.destination, count(d.number) FILTER (WHERE d.state IN ('waiting', 'sent')),
       count(d.number) FILTER (WHERE d.state IN ('refused', 'dead')),
       coalesce(extract(epoch FROM now() - min(d.made) FILTER (WHERE d.state IN ('waiting', 'sent'))), 0)
           ::float8
  FROM delivery_cursor c
  LEFT JOIN delivery d ON d.destination = c.destination AND d.state IN ('waiting', 'sent', 'refused', 'dead')
 GROUP BY c.destination ORDER BY c.destination
"""
# The first condition is that of the index.
_LISTED = f"""
SELECT {_COLUMNS} FROM delivery
 WHERE state IN ('waiting', 'sent', 'refused', 'dead') AND state = ANY ($1::text[]) ORDER BY number LIMIT $2
"""
_HOLD = "SELECT state FROM delivery WHERE number = $1 FOR UPDATE"
_SUPERSEDED = """
SELECT EXISTS (
    SELECT FROM delivery d JOIN delivery later
      ON (later.destination, later.type, later.id) = (d.destination, d.type, d.id)
     WHERE d.number = $1 AND later.version > d.version AND later.state IN ('acknowledged', 'sent'))
"""
_RETRY = """
UPDATE delivery SET state = 'waiting', attempts = 0, next_at = now(), told = now(), by = $2, reason = $3
 WHERE number = $1
"""
_DISCARD = "UPDATE delivery SET state = 'discarded', told = now(), by = $2, reason = $3 WHERE number = $1"
