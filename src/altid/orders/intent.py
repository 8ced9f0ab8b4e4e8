"""What a server notes in its journal before it touches the record, and what came of it afterwards.

An intent without an outcome is what a server that died leaves behind: `recovery` looks it up by its key.
Records are sealed by the journal, so the whole order may stand in them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from altid.access.audit.event import moment_of

PURPOSE = "orders"
"""Of the journals' keys."""
ASKED_BYTES_MAX, CONTENT_BYTES_MAX = 64 * 1024, 128 * 1024
"""An order as it is sent, and as it is written. It has some 3 kB; so much fits into a record of the journal
(`RECORD_BYTES_MAX`), however little it compresses."""


class Action(StrEnum):
    """What a person does with an order."""

    DRAFT = "draft"
    SIGN = "sign"
    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RENEW = "renew"
    ADMINISTER = "administer"
    ACCEPT = "accept"
    SPECIMEN = "specimen"
    RESULT = "result"
    CANCEL = "cancel"
    COMPLETE = "complete"
    RETRACT = "retract"
    MARK_PRIVATE = "mark-private"
    UNMARK_PRIVATE = "unmark-private"


class End(StrEnum):
    """What came of an intent."""

    REGISTERED = "registered"
    REFUSED = "refused"
    """The record said no: another version was there, or the key was used for something else."""
    NOT_STORED = "not-stored"
    """The record was not reached, and whoever asked was told so."""
    SHOWN = "shown"
    """It was too old to be sent again unseen: it stands in `order_recovered`."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One version that is about to be written."""

    at_us: int
    """Microseconds since 1970."""
    key: str
    """As the client chose it; of an entry of a Bundle `KEY#n`."""
    write_key: str
    """The UUID of the write."""
    action: Action
    type: str
    id: str
    expected: int | None
    """As with a write: 0 must not exist, None any."""
    patient: str
    """Id; empty where the order names none."""
    organisation: str
    signer: str
    """Account or system."""
    signer_name: str
    content: str
    """The whole resource, JSON."""
    parts: int = 1
    """So many are written together, all or none; they stand one after the other."""

    @property
    def at(self) -> datetime:
        return moment_of(self.at_us)

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def identity(self) -> bytes:
        """As `order_key.identity`."""
        return UUID(self.write_key).bytes[:10]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the intent with this number in the same journal."""

    at_us: int
    intent: int
    end: End
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A browser has told what it holds unconfirmed."""

    at_us: int
    signer: str
    organisation: str
    keys: tuple[str, ...]
    patients: tuple[str, ...]
    """Ids, one for each key, as the browser says; empty where it doesn't."""

    @property
    def at(self) -> datetime:
        return moment_of(self.at_us)


Entry = Intent | Outcome | Held
"""One record of the journal."""

_KINDS: dict[str, type[Intent] | type[Outcome] | type[Held]] = {
    "intent": Intent,
    "outcome": Outcome,
    "held": Held,
}

_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}
_PLAIN_BYTES_MAX = 8 * 1024
"""The usual order: to compress it costs more than to write it."""


def encode(entry: Entry) -> bytes:
    """The bytes that are sealed: JSON, compressed where it is long."""
    kind = type(entry)
    content = {"is": kind.__name__.lower(), **{name: getattr(entry, name) for name in _NAMES[kind]}}
    plain = orjson.dumps(content)
    return plain if len(plain) <= _PLAIN_BYTES_MAX else zlib.compress(plain, 1)


def decode(body: bytes) -> Entry:
    """Raises `ValueError` for what was never encoded here."""
    try:
        content: dict[str, Any] = orjson.loads(body if body[:1] == b"{" else zlib.decompress(body))
        kind = _KINDS[content.pop("is")]
        if kind is Intent:
            content["action"] = Action(content["action"])
        elif kind is Outcome:
            content["end"] = End(content["end"])
        else:
            content["keys"], content["patients"] = tuple(content["keys"]), tuple(content["patients"])
        return kind(**content)
    except (zlib.error, KeyError, TypeError, ValueError) as error:
        raise ValueError("not an entry of an intent journal") from error


def open_intents(entries: Iterable[tuple[int, Entry]]) -> dict[int, Intent]:
    """The intents without an outcome, by their numbers, in order."""
    found: dict[int, Intent] = {}
    for number, entry in entries:
        if isinstance(entry, Intent):
            found[number] = entry
        elif isinstance(entry, Outcome):
            found.pop(entry.intent, None)
    return found
