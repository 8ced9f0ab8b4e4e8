"""How the sources are doing, what is held, and what a person decides about it. Nothing here shows what is in
a message: that would be a look at a patient."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.lookup.beside.fhir.comparing import accepted
from altid.lookup.beside.hl7.inbox import count_held
from altid.lookup.beside.store import Store
from altid.lookup.change import Heartbeat

LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class State:
    """Of one source. `asked_to`: everything up to then is here; None where nobody knows. `code`: what
    fails."""

    source: str
    phase: str
    code: str
    loaded: int
    told: datetime
    asked_to: datetime | None
    held: int


@dataclass(frozen=True, slots=True)
class Held:
    """A message that waits for a person; `state`: held, or waiting to be tried again."""

    number: int
    source: str
    control_id: str
    state: str
    code: str
    arrived: datetime


def states(store: Store, heartbeats: Mapping[str, Heartbeat]) -> list[State]:
    """All sources that ever ran here."""
    with store.reading() as connection:
        rows = connection.execute(_STATES).fetchall()
    return [
        State(name, phase, code, done, _moment(told), _asked_to(heartbeats.get(name)), waiting)
        for name, phase, code, done, told, waiting in rows
    ]


def held(store: Store) -> list[Held]:
    """The oldest first, at most `LISTED_MAX`."""
    with store.reading() as connection:
        rows = connection.execute(_HELD, (LISTED_MAX,)).fetchall()
    return [
        Held(number, source, control_id, state, code, _moment(arrived))
        for number, source, control_id, state, code, arrived in rows
    ]


def retry(store: Store, number: int, by: str) -> bool:
    """Have a held message tried again; whether it was held."""
    return _decide(store, number, "waiting", by, "")


def discard(store: Store, number: int, by: str, reason: str) -> bool:
    """Give a held message up, and forget what is in it; whether it was held."""
    return _decide(store, number, "discarded", by, reason)


def accept_loss(store: Store, source: str) -> None:
    """It is so that the server has lost most of what it had: the next comparison follows it, once."""
    store.set_meta(accepted(source), "1")


def _decide(store: Store, number: int, state: str, by: str, reason: str) -> bool:
    with store.writing() as connection:
        done = connection.execute(_DECIDE, (state, by, reason, time.time_ns() // 1_000, state, number))
        was_held: bool = done.rowcount == 1
    count_held(store)
    return was_held


def _asked_to(heartbeat: Heartbeat | None) -> datetime | None:
    return heartbeat.at if heartbeat else None


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


_STATES = """
SELECT source, phase, code, done, told, (SELECT count(*) FROM beside_message AS message
        WHERE message.source = one.source AND state IN ('held', 'waiting'))
  FROM beside_source AS one ORDER BY source
"""
_HELD = """
SELECT number, source, control_id, state, code, arrived FROM beside_message
 WHERE state IN ('held', 'waiting') ORDER BY number LIMIT ?
"""
_DECIDE = """
UPDATE beside_message SET state = ?, by = ?, reason = ?, told = ?,
       message = CASE WHEN ? = 'discarded' THEN NULL ELSE message END
 WHERE number = ? AND state = 'held'
"""
