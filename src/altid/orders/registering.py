"""Writing orders: the intent first, then the record, then what came of it.

One order is one grouped statement, as any other write; several (a Bundle, an act that touches two resources)
are one transaction, all or none. So is a dose, which is looked at under its order's lock. Sent again with its
keys, it is done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import asyncpg

from altid.fhir import json
from altid.orders import doses
from altid.orders.intent import End, Intent
from altid.orders.notebook import Notebook
from altid.record.attempt import NotStoredError
from altid.record.database import Database
from altid.record.grouping import GroupWriter
from altid.record.stored import Found
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import Write, Written, create
from altid.record.write_key import WriteKey


class Planned(NamedTuple):
    """One version to be written, with its intent."""

    prepared: Write
    key: WriteKey
    intent: Intent
    order_version: int | None = None
    """Of a dose: the version of its order that was seen. None where that does not matter any more."""


Why = Literal["conflict", "key-used", "dose-since", "dose-given"]


class NotRegisteredError(Exception):
    """The record said no, and nothing was stored. `key-used`: the key belongs to another order or content, or
    was discarded; `conflict`: the order is at version `version` (0: it is not there); `dose-since` and
    `dose-given`: because of this other dose (`doses.Refusal`)."""

    def __init__(self, why: Why, place: int, version: int, dose: Found | None = None) -> None:
        super().__init__(why)
        self.why, self.place, self.version, self.dose = why, place, version, dose


@dataclass(frozen=True, slots=True)
class Registrar:
    """Of one process."""

    database: Database
    writer: GroupWriter
    notebook: Notebook

    async def register(self, planned: Sequence[Planned]) -> list[Written]:
        """Write all or none. Raises `JournalUnavailableError` (nothing was touched), `NotRegisteredError`,
        `NotStoredError` or `OutcomeUnknownError`; after the last, and when it is cancelled, the outcome is
        looked up and the order sent again by this process, or by whoever finds its journal."""
        numbers = await self.notebook.begin([one.intent for one in planned])
        try:
            written = await write_all(self.database, self.writer, planned)
        except NotRegisteredError:
            self.notebook.settle(numbers, End.REFUSED)
            raise
        except NotStoredError:
            self.notebook.settle(numbers, End.NOT_STORED)
            raise
        self.notebook.settle(numbers, End.REGISTERED, [one.version for one in written])
        return written


async def write_all(database: Database, writer: GroupWriter, planned: Sequence[Planned]) -> list[Written]:
    """Write without an intent of its own. Raises as `register`."""
    try:
        if len(planned) == 1 and planned[0].prepared.type == doses.KIND:
            return [await _give(database, planned[0])]
        if len(planned) == 1:
            return _checked([await writer.write(planned[0].prepared, planned[0].key)])
        return await _write_together(database, planned)
    except asyncpg.UniqueViolationError:
        raise NotRegisteredError("key-used", 0, 0) from None


async def _give(database: Database, planned: Planned) -> Written:
    async def work(transaction: Transaction) -> Written:
        return await write_dose(transaction, planned.prepared.id, planned.key, dose, planned.order_version)

    dose = json.loads(planned.intent.content.encode())
    written, safety, site = await run_transaction(database, work)
    return written._replace(safety=safety, site=site)


async def write_dose(
    transaction: Transaction,
    id_: str,
    key: WriteKey,
    dose: dict[str, Any],
    order_version: int | None,
    *,
    is_decided: bool = False,
) -> Written:
    """Write a dose if nothing stands against it; as `doses.checked`. Raises `NotRegisteredError`."""
    found = await doses.checked(transaction.connection, dose, order_version, is_decided=is_decided)
    if isinstance(found, doses.Refusal):
        raise NotRegisteredError(found.why, 0, found.version, found.dose)
    return _checked(await transaction.write([create(found, id_)], [key]))[0]


async def _write_together(database: Database, planned: Sequence[Planned]) -> list[Written]:
    # All writers of all processes lock rows in this order.
    order = sorted(range(len(planned)), key=lambda n: (planned[n].prepared.type, planned[n].prepared.id))

    async def work(transaction: Transaction) -> list[Written]:
        some = [planned[n] for n in order]
        written = await transaction.write([one.prepared for one in some], [one.key for one in some])
        in_place = dict(zip(order, written, strict=True))
        return _checked([in_place[n] for n in range(len(planned))])

    written, safety, site = await run_transaction(database, work)
    return [one._replace(safety=safety, site=site) for one in written]


def _checked(written: list[Written]) -> list[Written]:
    for place, one in enumerate(written):
        if one.outcome == "mismatch":
            raise NotRegisteredError("key-used", place, one.version)
        if one.outcome == "conflict":
            raise NotRegisteredError("conflict", place, one.version)
    return written


def planned_of(prepared: Write, made: WriteKey, content: bytes, **about: Any) -> Planned:
    """A version to be written, and its intent. `content`: the resource as JSON; `about`: what else
    an intent has."""
    intent = Intent(
        write_key=str(made.value),
        type=prepared.type,
        id=prepared.id,
        expected=prepared.expected,
        content=content.decode(),
        **about,
    )
    return Planned(prepared, made, intent)
