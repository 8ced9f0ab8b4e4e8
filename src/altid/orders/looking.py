"""What became of a key, asked at the leader, so that the answer is true at that moment and at both sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from altid.hl7.word import Word
from altid.orders.receipt import PARTS_MAX, Detail, Receipt, identity_of, part_key, position_text, sites_of
from altid.orders.registering import NotRegisteredError
from altid.record.database import Connection, Database
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import Safety


class Kept(NamedTuple):
    """One row of `order_key`; version 0: the key was discarded."""

    identity: bytes
    key: str
    type: str
    id: str
    version: int
    at: datetime
    position: int


async def kept(connection: Connection, identities: Sequence[bytes]) -> dict[bytes, Kept]:
    """What the record has of these keys. Inside a transaction that confirms, it is so at both sites."""
    rows = await connection.fetch(_KEPT, list(identities))
    return {row[0]: Kept(*row) for row in rows}


async def look_up(database: Database, sites: Sequence[str], keys: Sequence[str]) -> list[Receipt]:
    """The receipts of keys, in their order: of each its own, or those of the entries of the Bundle that it is
    of. Raises as `run_transaction`.

    `one-site` becomes `two-sites` by itself: looking waits for the other site, if there is one again.
    """
    names = {identity_of(name): name for key in keys for name in (key, *_parts(key))}

    async def work(transaction: Transaction) -> tuple[datetime, dict[bytes, Kept], set[bytes]]:
        connection = transaction.connection
        found = await kept(connection, list(names))
        waiting = {row[0] for row in await connection.fetch(_RECOVERED, list(names))}
        return await connection.fetchval("SELECT clock_timestamp()"), found, waiting

    (moment, found, waiting), safety, site = await run_transaction(database, work)
    where = sites_of(safety, site, sites)
    known = {names[one.identity]: _receipt(names[one.identity], one, where, safety) for one in found.values()}
    unsure = {names[one]: _unsure(names[one]) for one in waiting}
    receipts: list[Receipt] = []
    for key in keys:
        some = [known.get(name) or unsure.get(name) for name in (key, *_parts(key))]
        receipts += [one for one in some if one] or [Receipt(key, Word.NEVER_SEEN, detail=_NEVER_SEEN)]
    return [replace(one, as_of=moment) for one in receipts]


async def made_before(
    database: Database, sites: Sequence[str], keys: Sequence[tuple[str, UUID]]
) -> list[Receipt]:
    """The receipts of what these keys made, the same as then. Raises `NotRegisteredError` if one of them made
    something else, nothing, or was discarded."""
    identities = {identity_of(key): key for key, _ in keys}

    async def work(transaction: Transaction) -> dict[bytes, Kept]:
        return await kept(transaction.connection, list(identities))

    found, safety, site = await run_transaction(database, work)
    where, receipts = sites_of(safety, site, sites), []
    for place, (key, made) in enumerate(keys):
        one = found.get(identity_of(key))
        if one is None or not one.version or one.key != str(made):
            raise NotRegisteredError("key-used", place, 0)
        receipts.append(_receipt(key, one, where, safety))
    return receipts


def _parts(key: str) -> list[str]:
    return [] if "#" in key else [part_key(key, place) for place in range(1, PARTS_MAX + 1)]


def _receipt(key: str, one: Kept, sites: tuple[str, ...], safety: Safety | None) -> Receipt:
    if not one.version:
        return Receipt(key, Word.FATAL_ERROR, detail=_DISCARDED)
    order = f"{one.type}/{one.id}"
    return Receipt(key, Word.OK, order, one.version, one.at, sites, safety, position_text(one.position))


def _unsure(key: str) -> Receipt:
    return Receipt(key, Word.TRANSIENT_ERROR, detail=_WAITING)


_NEVER_SEEN = Detail(
    "Journalen har intet med denne nøgle. Ordinationen er ikke registreret.",
    "The record has nothing of this key. The order is not registered.",
)
_WAITING = Detail(
    "Ordinationen blev fundet hos en server, der døde, og venter på, at nogen tager stilling til den.",
    "The order was found at a server that died, and waits for somebody to decide.",
)
_DISCARDED = Detail(
    "Ordinationen blev fundet hos en server, der døde, og er kasseret af en bruger.",
    "The order was found at a server that died, and was discarded by a person.",
)

_KEPT = """
SELECT identity, key::text, type, id, version, at, (position - '0/0')::bigint AS position
  FROM order_key WHERE identity = ANY($1)
"""
_RECOVERED = "SELECT identity FROM order_recovered WHERE identity = ANY($1) AND state = 'open'"
