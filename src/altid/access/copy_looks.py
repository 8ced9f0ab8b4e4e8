"""Looks at a copy, taken into the audit: each once, in order, without a gap.

A copy chains its looks under a key of its own, which we don't have. So it is checked that each follows the
one before by the hash that it names, and the events go on in a chain of ours, one for each place. What
somebody said with a broken glass is kept with it, to be followed up as any other.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import orjson

from altid.access import code_uses
from altid.access.audit import store
from altid.access.audit.event import Action, Event, Outcome, decode, encode, parts_of
from altid.access.audit.store import Row
from altid.access.copies import Place
from altid.access.glass import KINDS, OVERRIDE_S, REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.access.journal.sealed import Chain, Head, Record
from altid.access.secret import AccessSecret
from altid.record.database import Connection

LOOKS_MAX = 500
COPY = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

_log = logging.getLogger("altid.access.audit")


class LooksError(ValueError):
    """They have not the form that they must have. One line, with nothing of what was sent."""


class NotNextError(Exception):
    """They do not follow what is kept. `last`: the number of the last that is."""

    def __init__(self, last: int) -> None:
        super().__init__(f"the last that is kept is {last}")
        self.last = last


@dataclass(frozen=True, slots=True)
class Look:
    """One, as its copy has told it."""

    sequence: int
    before: bytes
    hash: bytes
    event: Event
    said: Mapping[str, str]


def read_looks(content: Any, place: Place) -> tuple[str, list[Look]]:
    """The copy's name and its looks. Raises `LooksError`."""
    if not isinstance(content, dict) or not isinstance(content.get("looks"), list):
        raise LooksError('A JSON object with "copy" and "looks" is expected.')
    copy, sent = content.get("copy"), content["looks"]
    if not isinstance(copy, str) or not COPY.fullmatch(copy) or len(sent) > LOOKS_MAX:
        raise LooksError(f"A copy has a name, and sends at most {LOOKS_MAX} looks at once.")
    looks = [_look(each, place) for each in sent]
    for earlier, later in pairwise(looks):
        if later.sequence != earlier.sequence + 1 or later.before != earlier.hash:
            raise LooksError("Each look follows the one before.")
    return copy, looks


async def keep(
    connection: Connection, secret: AccessSecret, place: Place, copy: str, looks: Sequence[Look]
) -> int:
    """Keep those that are new, in the caller's transaction; gives the number of the last that is kept.

    Raises `NotNextError`.
    """
    await connection.execute(_LOCK, f"looks of {place.client}")
    row = await connection.fetchrow(_KEPT, place.client, copy)
    last, hash_ = (row["last"], row["hash"]) if row else (0, None)
    new = [look for look in looks if look.sequence > last]
    known = next((look for look in looks if look.sequence == last), None)
    if known is not None and known.hash != hash_:
        raise NotNextError(last)
    if not new:
        return int(last)
    if new[0].sequence != last + 1 or (hash_ is not None and new[0].before != hash_):
        raise NotNextError(last)
    await _put(connection, secret, place, [look.event for look in new])
    for look in new:
        await _keep_said(connection, place, copy, look)
    await connection.execute(_KEEP, place.client, copy, new[-1].sequence, new[-1].hash)
    return new[-1].sequence


async def _put(connection: Connection, secret: AccessSecret, place: Place, events: Sequence[Event]) -> None:
    writer = f"opslag-{place.client}.00000000"
    head, chain = await store.head(connection, writer), Chain(secret, store.PURPOSE)
    rows: list[Row] = []
    for event in (part for whole in events for part in parts_of(whole)):
        body = encode(event, place.client)
        head = Head(head.seq + 1, chain.link(head.hash, writer, head.seq + 1, body))
        rows.append(store.row_of(writer, Record(head.seq, head.hash, body)))
    await store.put(connection, rows)


async def _keep_said(connection: Connection, place: Place, copy: str, look: Look) -> None:
    event = look.event
    if event.action is Action.EMERGENCY_CODE and event.outcome is Outcome.DONE:
        _log.warning("an emergency code was used at %s", place.client)
        await code_uses.keep(connection, place.client, f"{copy}/{look.sequence}", look.said, event.at)
    if event.action is not Action.OVERRIDE or not look.said:
        return
    kind, reason = look.said.get("kind", ""), " ".join(look.said.get("reason", "").split())
    is_good = kind in KINDS and REASON_CHARACTERS_MIN <= len(reason) <= REASON_CHARACTERS_MAX
    if not is_good or not reason.isprintable() or len(event.patients) != 1:
        raise LooksError("A broken glass has a patient, a kind and a reason.")
    await connection.execute(
        _OVERRIDE,
        _uuid(event.override),
        event.who.subject,
        event.who.role,
        event.who.organisation,
        event.patients[0],
        kind,
        reason,
        event.at,
        event.at + timedelta(seconds=OVERRIDE_S),
    )


def _look(sent: Any, place: Place) -> Look:
    try:
        sequence, before, hash_ = sent["sequence"], sent["before"], sent["hash"]
        event, site = decode(orjson.dumps(sent["event"]))
        said = sent.get("said") or {}
        is_good = (
            type(sequence) is int
            and 0 < sequence < 2**63
            and _HASH.fullmatch(before) is not None
            and _HASH.fullmatch(hash_) is not None
            and all(isinstance(one, str) for one in (*said.keys(), *said.values()))
        )
        if not is_good:
            raise LooksError("A look has a sequence, two hashes and an event.")
        return Look(sequence, bytes.fromhex(before), bytes.fromhex(hash_), _placed(event, site, place), said)
    except (KeyError, TypeError, AttributeError, OverflowError):
        raise LooksError("A look has a sequence, two hashes and an event.") from None
    except ValueError as error:
        raise LooksError(
            str(error) if isinstance(error, LooksError) else "A look's event can't be read."
        ) from None


def _placed(event: Event, site: str, place: Place) -> Event:
    """Where it was is what we know of the place, beside what it says itself; checkpoints are the record's."""
    if event.action is Action.CHECKPOINT or event.heads:
        raise LooksError("A copy has no checkpoints.")
    return replace(event, workplace=event.workplace or site)


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise LooksError("A broken glass has an id.") from None


_KEPT = "SELECT last, hash FROM feed_look WHERE client = $1 AND copy = $2"
_KEEP = """
INSERT INTO feed_look (client, copy, last, hash) VALUES ($1, $2, $3, $4)
    ON CONFLICT (client, copy) DO UPDATE SET last = excluded.last, hash = excluded.hash, told = now()
"""
_OVERRIDE = """
INSERT INTO override (id, account, role, organisation, patient, kind, reason, began, until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
