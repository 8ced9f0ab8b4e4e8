"""Messages into the copy, each once; or held for a person, never dropped.

A message is known by its sender, its control id and its content. What it changes, its mark that it is there,
and whose numbers it named are one transaction. What can't be understood is held with its bytes, in the same
encrypted file, and tried again when a person says so; what has come meanwhile is not undone by that, for each
resource knows the time of the message that it is from. Otherwise it is the order of coming that counts, and
not the time that a sender writes: an hour comes twice each October.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from altid.fhir import json
from altid.fhir.validation import validate
from altid.hl7.text import Hl7Error, Message, parse
from altid.hl7.values import instant
from altid.lookup.beside.hl7.numbers import Number, Owner
from altid.lookup.beside.hl7.taking import Taken, take
from altid.lookup.beside.naming import Resource, tagged
from altid.lookup.beside.sources import Hl7Source
from altid.lookup.beside.store import HELD, Store
from altid.lookup.change import Change, Heartbeat, Position

HELD_MAX = 10_000
"""Of all senders: then senders must keep them, so that the disk does not fill."""
KNOWN_S = 30 * 86_400
"""So long a message that comes again is known."""
_RETRIED_AT_ONCE = 50

_log = logging.getLogger("altid.lookup.beside")


class HeldFullError(Exception):
    """Nothing more can be held."""


def place(store: Store, source: Hl7Source, data: bytes, now: datetime, *, is_late: bool = False) -> str:
    """Put a message into the copy: empty when it is there, else the code under which it is held. `is_late`:
    others have come since.

    Raises `HeldFullError`, or as the store does: then nothing is known to be kept, and it must come again.
    """
    try:
        message = parse(data, source.charset)
    except Hl7Error as error:
        return _hold(store, source, "", data, error.code, None, now)
    at = _sent_at(message, now)
    # A sender tells in order: all that was before this message is in what was applied.
    heartbeat = None if is_late else Heartbeat(at, now)
    if _is_applied(store, source, message.control_id, data):
        return ""
    try:
        if not message.control_id:
            raise Hl7Error("no-control-id")
        here = _Here(store, source)
        taken = take(message, source, here)
        changes = _changes(here, taken, source, at, is_late)
    except Hl7Error as error:
        return _hold(store, source, message.control_id, data, error.code, heartbeat, now)
    except (LookupError, ValueError, TypeError, AttributeError):  # what nobody has thought of
        return _hold(store, source, message.control_id, data, "fault", heartbeat, now)
    position = Position(source.name, "1", message.control_id)
    mark = (source.name, message.control_id, _digest(data), "applied", "", None, _us(now), _us(now))

    def also(connection: Any) -> None:
        _keep_numbers(connection, source.name, taken)
        connection.execute(_MARK, mark)
        connection.execute(_PRUNE, (_us(now) - KNOWN_S * 1_000_000,))

    store.apply(changes, position, heartbeat, also)
    return ""


def try_again(store: Store, source: Hl7Source, now: datetime) -> int:
    """Place what a person wants tried again; how many are in the copy now."""
    with store.reading() as connection:
        rows = connection.execute(_WAITING, (source.name, _RETRIED_AT_ONCE)).fetchall()
    placed = [place(store, source, row[0], now, is_late=True) for row in rows]
    count_held(store)
    return placed.count("")


def count_held(store: Store) -> int:
    """Count them anew, and keep the number where the pages find it."""
    with store.reading() as connection:
        number: int = connection.execute(_COUNT_HELD).fetchone()[0]
    if store.meta(HELD) != str(number):
        store.set_meta(HELD, str(number))
    return number


@dataclass(frozen=True, slots=True)
class _Here:
    """What is in the copy of this sender."""

    store: Store
    source: Hl7Source

    def resource(self, type_: str, id_: str) -> Resource | None:
        found = self.store.resource(type_, id_)
        return json.loads(found.body) if found is not None and found.body is not None else None

    def of_patient(self, patient: str) -> Iterable[Resource]:
        for one in self.store.patient_resources(patient):
            if one.body is not None:
                yield json.loads(one.body)

    def owners(self, number: Number) -> list[Owner]:
        with self.store.reading() as connection:
            rows = connection.execute(_OWNERS, (self.source.name, number.authority, number.value)).fetchall()
        return [Owner(patient, bool(has_own)) for patient, has_own in rows]


def _changes(here: _Here, taken: Taken, source: Hl7Source, at: datetime, is_late: bool) -> list[Change]:
    """What differs from what is there; of a late message, what is not older. Raises `Hl7Error`."""
    made = []
    checks_age = is_late and taken.merged is None
    for one in taken.resources:
        if any(issue.severity in ("error", "fatal") for issue in validate(one)):
            raise Hl7Error("not-valid")
        known = here.store.resource(one["resourceType"], one["id"])
        before = json.loads(known.body) if known is not None and known.body is not None else None
        if known is not None and known.at > at and checks_age:
            continue
        since = max(at, known.at) if known else at
        whole = tagged({**one, "meta": {"lastUpdated": _text(since)}}, source.name)
        if before is None or _content(before) != _content(whole):
            version = known.version + 1 if known else 1
            made.append(Change(one["resourceType"], one["id"], version, since, json.dumps(whole)))
    for type_, id_ in taken.gone:
        known = here.store.resource(type_, id_)
        if known is not None and known.body is not None and not (checks_age and known.at > at):
            made.append(Change(type_, id_, known.version + 1, max(at, known.at), None))
    return made


def _content(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if key != "meta"}


def _hold(
    store: Store,
    source: Hl7Source,
    control_id: str,
    data: bytes,
    code: str,
    heartbeat: Heartbeat | None,
    now: datetime,
) -> str:
    with store.reading() as connection:
        if connection.execute(_COUNT_HELD).fetchone()[0] >= HELD_MAX:
            raise HeldFullError
    row = (source.name, control_id, _digest(data), "held", code, data, _us(now), _us(now))
    position = store.positions().get(source.name) or Position(source.name, "1", "")
    store.apply((), position, heartbeat, lambda connection: connection.execute(_HOLD, row))
    count_held(store)
    _log.error("a message from %s is held: %s", source.name, code)
    return code


def _is_applied(store: Store, source: Hl7Source, control_id: str, data: bytes) -> bool:
    with store.reading() as connection:
        row = connection.execute(_KNOWN, (source.name, control_id, _digest(data))).fetchone()
    return row is not None


def _keep_numbers(connection: Any, source: str, taken: Taken) -> None:
    if taken.merged:
        former, patient = taken.merged
        connection.execute(_MOVE_NUMBERS, (patient, source, former))
        connection.execute("DELETE FROM beside_number WHERE source = ? AND patient = ?", (source, former))
    connection.executemany(
        _KEEP_NUMBER, [(source, one.authority, one.value, who, one.is_own) for one, who in taken.numbers]
    )


def _sent_at(message: Message, now: datetime) -> datetime:
    """MSH-7, but never later than now: a sender whose clock is fast must not make our data look young."""
    try:
        told = instant(message.header.text(7))
        at = datetime.fromisoformat(told).astimezone(UTC) if told else now
    except (Hl7Error, ValueError):
        at = now
    return min(at, now)


def _digest(data: bytes) -> bytes:
    """Of all behind the header: that says when it was sent, which may be another time."""
    return hashlib.sha256(data.partition(b"\r")[2]).digest()


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_COUNT_HELD = "SELECT count(*) FROM beside_message WHERE state IN ('held', 'waiting')"
_KNOWN = """
SELECT 1 FROM beside_message WHERE source = ? AND control_id = ? AND digest = ? AND state = 'applied'
"""
_MARK = """
INSERT INTO beside_message (source, control_id, digest, state, code, message, arrived, told)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, control_id, digest) DO UPDATE
   SET state = 'applied', code = '', message = NULL, told = excluded.told
"""
# What a person gave up stays so, and is held again only if its sender sends it again.
_HOLD = """
INSERT INTO beside_message (source, control_id, digest, state, code, message, arrived, told)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, control_id, digest) DO UPDATE
   SET state = 'held', code = excluded.code, message = excluded.message, told = excluded.told
 WHERE state <> 'applied'
"""
_PRUNE = "DELETE FROM beside_message WHERE state IN ('applied', 'discarded') AND told < ?"
_WAITING = """
SELECT message FROM beside_message WHERE source = ? AND state = 'waiting' ORDER BY number LIMIT ?
"""
_OWNERS = """
SELECT patient, EXISTS (SELECT 1 FROM beside_number AS own
    WHERE own.source = named.source AND own.patient = named.patient AND own.is_own)
  FROM beside_number AS named WHERE source = ? AND authority = ? AND value = ?
"""
_MOVE_NUMBERS = """
INSERT OR IGNORE INTO beside_number (source, authority, value, patient, is_own)
SELECT source, authority, value, ?, is_own FROM beside_number WHERE source = ? AND patient = ?
"""
_KEEP_NUMBER = """
INSERT OR IGNORE INTO beside_number (source, authority, value, patient, is_own) VALUES (?, ?, ?, ?, ?)
"""
