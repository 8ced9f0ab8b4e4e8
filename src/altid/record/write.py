"""Write versions: one call, one round trip, one transaction, for one resource or for hundreds.

A write is prepared without the database (`create`, `update`, `delete`), then given to `write`, which returns
what became of each: a version conflict is an outcome, not an exception, so that the caller decides whether
the others stand.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from altid.fhir.search.entries import Entries
from altid.fhir.search.extract import extract
from altid.record.database import Connection
from altid.record.keys import name_key, present_key, term_keys
from altid.record.stored import Stored, split
from altid.record.write_key import WriteKey, new_key

Outcome = Literal["created", "updated", "deleted", "unchanged", "conflict", "mismatch"]

Safety = Literal["two-sites", "one-site"]

ANY_VERSION = None
MUST_BE_NEW = 0

_WRITE = """
SELECT outcome, version, last_updated, "position", order_position
  FROM write_resources($1::resource_write[], $2::uuid[], $3)
"""


class Write(NamedTuple):
    """One prepared write; the members are those of SQL's type `resource_write`, in its order."""

    type: str
    id: str
    expected: int | None
    method: str
    body: bytes | None
    terms: list[Any]
    present: list[int]
    refs: list[str]
    ranges_digest: bytes
    dates: list[tuple[Any, ...]]
    numbers: list[tuple[Any, ...]]
    quantities: list[tuple[Any, ...]]
    strings: list[tuple[Any, ...]]


class Written(NamedTuple):
    """What became of a write. At a conflict `version` is the one that is there (0: none); at a mismatch it is
    the one that the key has made with another content."""

    outcome: Outcome
    version: int
    last_updated: datetime | None
    position: int | None = None
    """Where PostgreSQL's log was then, in bytes: with the last of the writes that went together."""
    order_position: int | None = None
    """Of a version of an order: a place in the log that its commit is behind, the same whenever it is
    asked."""
    safety: Safety | None = None
    """How safe the commit was; None where there is one site, or it was not asked."""
    site: str | None = None
    """The site of the primary that has it; None where its PostgreSQL was not told."""


def create(resource: dict[str, Any], id_: str | None = None) -> Write:
    """A new resource under a new id of ours; the resource's own id, if any, is ignored as FHIR asks."""
    return _prepare(resource, id_ or new_id(), MUST_BE_NEW, "POST")


def update(resource: dict[str, Any], expected: int | None = ANY_VERSION) -> Write:
    """A new version of the resource's id, or its first. `expected`: the version that must be there."""
    return _prepare(resource, resource["id"], expected, "PUT")


def delete(type_: str, id_: str, expected: int | None = ANY_VERSION) -> Write:
    """A deletion: a version without content."""
    return Write(type_, id_, expected, "DELETE", None, [], [], [], b"", [], [], [], [])


async def write(
    connection: Connection,
    writes: Sequence[Write],
    keys: Sequence[WriteKey] | None = None,
    *,
    again: bool = False,
) -> list[Written]:
    """Write all in one statement, which is a transaction of its own unless one is open.

    Give them sorted by (type, id): rows are locked in this order. With `again`, or a key that asks for it,
    what was done before with the same key is not done again: its first outcome is given.
    """
    if keys is None:
        keys = [new_key() for _ in writes]
    again = again or any(key.again for key in keys)
    rows = await connection.fetch(_WRITE, writes, [key.value for key in keys], again)
    return [Written(*row) for row in rows]


def stored(write: Write, written: Written) -> Stored:
    """The version as it is stored now."""
    assert written.last_updated is not None
    return Stored(write.type, write.id, written.version, written.last_updated, write.body)


def new_id() -> str:
    """A new logical id: UUID version 7 (RFC 9562 §5.7), so that new rows are neighbours in the index."""
    moment_ms = time.time_ns() // 1_000_000
    number = (moment_ms & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _prepare(resource: dict[str, Any], id_: str, expected: int | None, method: str) -> Write:
    entries = extract(resource)
    return Write(
        resource["resourceType"],
        id_,
        expected,
        method,
        split(resource),
        term_keys(entries.terms),
        [present_key(code) for code in entries.present],
        entries.refs,
        _ranges_digest(entries),
        [(name_key(key), low, high) for key, low, high in entries.dates],
        [(name_key(key), low, high) for key, low, high in entries.numbers],
        [(name_key(key), low, high, system, unit) for key, low, high, system, unit in entries.quantities],
        [(name_key(key), value) for key, value in entries.strings],
    )


def _ranges_digest(entries: Entries) -> bytes:
    """Two resources with the same digest have the same range entries."""
    lines = [f"{key}|{low.timestamp()}|{high.timestamp()}" for key, low, high in entries.dates]
    lines += [f"{key}|{low}|{high}" for key, low, high in entries.numbers]
    lines += ["|".join((key, str(low), str(high), *unit)) for key, low, high, *unit in entries.quantities]
    lines += [f"{key}|{value}" for key, value in entries.strings]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).digest() if lines else b""
