"""Group commit: single writes that arrive together are written together, in one statement and one commit.

Half of the cost of a small write is its commit and its round trip. While one statement is underway, more
writes gather and go with the next one; on a quiet server a write goes at once and alone, so nothing ever
waits for company. The writes stay independent: a version conflict is the outcome of one, and if a statement
fails, each of its writes is tried again by itself.

A client that hangs up does not take its statement along: the commit is never cancelled underway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg

from altid.record.database import Connection, Database
from altid.record.write import Write, Written, write

GROUP_MAX = 64
"""Writes of one statement: beyond this the saving is small and the others' wait is not."""

STATEMENTS_MAX = 3
"""Statements underway at once in one process; more would only make the groups smaller."""

LOST_CONNECTION = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)
"""What a statement raises when its answer can no longer come."""


class OutcomeUnknownError(Exception):
    """The connection broke after the write was sent: it may be stored or not."""


@asynccontextmanager
async def committing(connection: Connection) -> AsyncIterator[None]:
    """A transaction, committed at the end. `OutcomeUnknownError` if the answer to the commit is lost."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        with suppress(*LOST_CONNECTION):
            await transaction.rollback()
        raise
    try:
        await transaction.commit()
    except (*LOST_CONNECTION, asyncpg.OperatorInterventionError):
        raise OutcomeUnknownError from None


class GroupWriter:
    """Writes single versions in groups. One for each process; `close` waits for what is underway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[Write, asyncio.Future[Written]]] = deque()
        self._underway: set[asyncio.Task[None]] = set()

    async def write(self, prepared: Write) -> Written:
        """Write one version. Raises `OutcomeUnknownError`, or what kept it from being stored."""
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append((prepared, future))
        if len(self._underway) < STATEMENTS_MAX:
            task = asyncio.create_task(self._write_waiting())
            self._underway.add(task)
            task.add_done_callback(self._underway.discard)
        return await future

    async def close(self) -> None:
        while self._underway:
            await asyncio.wait(self._underway)

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = self._take()
            try:
                async with self._database.writing() as connection:
                    await _write_group(connection, group)
            except Exception as error:
                _fail(group, error)

    def _take(self) -> list[tuple[Write, asyncio.Future[Written]]]:
        """The next writes, each resource once: its second write is for a later statement."""
        group: list[tuple[Write, asyncio.Future[Written]]] = []
        seen: set[tuple[str, str]] = set()
        while self._waiting and len(group) < GROUP_MAX:
            prepared = self._waiting[0][0]
            if (prepared.type, prepared.id) in seen:
                break
            seen.add((prepared.type, prepared.id))
            group.append(self._waiting.popleft())
        # All writers of all processes lock rows in this order.
        group.sort(key=lambda item: (item[0].type, item[0].id))
        return group


async def _write_group(
    connection: Connection, group: Sequence[tuple[Write, asyncio.Future[Written]]]
) -> None:
    try:
        written = await write(connection, [prepared for prepared, _ in group])
    except LOST_CONNECTION:
        raise OutcomeUnknownError from None
    except asyncpg.PostgresError as error:
        # The statement was rolled back as a whole; find out whose fault it was.
        if len(group) == 1:
            raise
        if isinstance(error, asyncpg.QueryCanceledError | asyncpg.OperatorInterventionError):
            raise
        for item in group:
            try:
                await _write_group(connection, [item])
            except Exception as own:
                _fail([item], own)
        return
    for (_, future), result in zip(group, written, strict=True):
        if not future.done():
            future.set_result(result)


def _fail(group: Sequence[tuple[Write, asyncio.Future[Written]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
