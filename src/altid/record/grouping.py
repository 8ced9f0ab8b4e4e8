"""Group commit: single writes that arrive together are written together, in one statement and one commit.

Half of the cost of a small write is its commit and its round trip. While one statement is underway, more
writes gather and go with the next one; on a quiet server a write goes at once and alone, so nothing ever
waits for company. The writes stay independent: a version conflict is the outcome of one, and if a statement
fails, each of its writes is tried again by itself.

A write whose answer is lost is sent again with the same key, to whichever server leads by then, until its
deadline. A client that hangs up does not take its statement along: the commit is never cancelled underway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from altid.record.attempt import (
    NotStoredError,
    OutcomeUnknownError,
    check,
    is_lost,
    is_refused,
    is_unfit,
    safety_of,
    wait_for_end,
)
from altid.record.connection import Backend, WriteConnection
from altid.record.database import Database
from altid.record.primary import NoPrimaryError
from altid.record.write import Write, Written, write
from altid.record.write_key import WriteKey, new_key

GROUP_MAX = 64
"""Writes of one statement: beyond this the saving is small and the others' wait is not."""

STATEMENTS_MAX = 3
"""Statements underway at once in one process; more would only make the groups smaller."""

_REFUSED_PAUSE_S = 0.02


@dataclass(slots=True, eq=False)
class _Item:
    """A write and who waits for it."""

    prepared: Write
    key: WriteKey
    future: asyncio.Future[Written]
    sent: bool = False
    """It may have been carried out, whatever comes of it."""


class GroupWriter:
    """Writes single versions in groups. One for each process; `close` waits for what is underway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Item] = deque()
        self._underway: set[asyncio.Task[None]] = set()

    async def write(self, prepared: Write, key: WriteKey | None = None) -> Written:
        """Write one version, once, however often it must be sent.

        Raises `OutcomeUnknownError` or `NotStoredError` at the deadline, or what kept it from being stored.
        """
        loop = asyncio.get_running_loop()
        item = _Item(prepared, key or new_key(), loop.create_future())
        self._waiting.append(item)
        if len(self._underway) < STATEMENTS_MAX:
            self._start()
        deadline = loop.call_later(self._database.limits.write_deadline_s, _give_up, item)
        try:
            return await item.future
        finally:
            deadline.cancel()

    async def write_together(self, writes: Sequence[Write]) -> list[Written]:
        """Write all or none, in one statement. None of them may expect a version: there is no conflict.

        They come sorted by (type, id). Raises as `write` does.
        """
        loop = asyncio.get_running_loop()
        group = [_Item(prepared, new_key(), loop.create_future()) for prepared in writes]
        task = asyncio.create_task(self._write_whole(group))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)
        done, _ = await asyncio.wait({task}, timeout=self._database.limits.transaction_deadline_s)
        if not done:
            for item in group:
                _give_up(item)
        results = await asyncio.gather(*(item.future for item in group), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def close(self) -> None:
        """Wait for what is underway, no longer than its deadline."""
        if self._underway:
            await asyncio.wait(self._underway, timeout=self._database.limits.write_deadline_s)

    def _start(self) -> None:
        task = asyncio.create_task(self._write_waiting())
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = self._take()
            await _Group(self._database, group, self._database.limits.write_deadline_s).write()

    async def _write_whole(self, group: list[_Item]) -> None:
        whole = _Group(self._database, group, self._database.limits.transaction_deadline_s)
        await whole.write(apart=False)

    def _take(self) -> list[_Item]:
        """The next writes, each resource once: its second write is for a later statement."""
        group: list[_Item] = []
        seen: set[tuple[str, str]] = set()
        while self._waiting and len(group) < GROUP_MAX:
            prepared = self._waiting[0].prepared
            if (prepared.type, prepared.id) in seen:
                break
            item = self._waiting.popleft()
            if not item.future.done():
                seen.add((prepared.type, prepared.id))
                group.append(item)
        # All writers of all processes lock rows in this order.
        group.sort(key=lambda item: (item.prepared.type, item.prepared.id))
        return group


class _Group:
    """Writes that go together, attempt after attempt."""

    def __init__(
        self, database: Database, items: list[_Item], patience_s: float, earlier: Sequence[Backend] = ()
    ) -> None:
        self._database, self._items = database, items
        self._until_s = asyncio.get_running_loop().time() + patience_s
        self._earlier = list(earlier)
        """Processes that may still be carrying out an attempt that was lost."""

    async def write(self, *, apart: bool = True) -> None:
        """Write, and tell everybody what came of it. With `apart` each on its own where together fails."""
        while waiting := [item for item in self._items if not item.future.done()]:
            try:
                await self._attempt(waiting)
            except NoPrimaryError:
                for item in waiting:
                    _give_up(item)
            except Exception as error:
                if apart and len(waiting) > 1 and _is_of_one(error):
                    for item in waiting:
                        await _Group(self._database, [item], self._left_s(), self._earlier).write()
                else:
                    _fail(waiting, error)

    def _left_s(self) -> float:
        return self._until_s - asyncio.get_running_loop().time()

    async def _attempt(self, items: Sequence[_Item]) -> None:
        """Send them once. A loss is noted for the next attempt; what else goes wrong is raised."""
        async with self._database.writing(self._until_s) as connection:
            again = any(item.sent for item in items)
            try:
                await wait_for_end(connection, self._earlier, self._until_s)
                # Who was told meanwhile that nothing will be stored was told the truth.
                items = [item for item in items if not item.future.done()]
                if not items:
                    return
                for item in items:
                    item.sent = True
                written = await write(
                    connection, [item.prepared for item in items], [item.key for item in items], again=again
                )
                check(connection)
                written = await self._with_safety(connection, written)
            except NoPrimaryError:
                raise
            except Exception as error:
                if is_lost(error, connection):
                    self._earlier.append(connection.backend)
                    connection.terminate()
                    self._database.suspect_primary()
                    return
                for item in items:
                    item.sent = again
                if is_unfit(error):
                    connection.terminate()
                    self._database.suspect_primary()
                if is_unfit(error) or (again and is_refused(error)):
                    await asyncio.sleep(_REFUSED_PAUSE_S)
                    return
                raise
        for item, result in zip(items, written, strict=True):
            if not item.future.done():
                item.future.set_result(result)

    async def _with_safety(self, connection: WriteConnection, written: list[Written]) -> list[Written]:
        """Where they are, and how safe their commit is in a region."""
        written = [one._replace(site=connection.site) for one in written]
        if not self._database.is_replicated:
            return written
        assert written[-1].position is not None
        safety = await safety_of(connection, written[-1].position)
        return [one._replace(safety=safety) for one in written]


def _is_of_one(error: Exception) -> bool:
    """Whether one of the writes may be at fault; the statement was rolled back as a whole."""
    return isinstance(error, asyncpg.PostgresError) and not _is_of_server(error)


def _is_of_server(error: Exception) -> bool:
    return isinstance(error, asyncpg.QueryCanceledError | asyncpg.OperatorInterventionError)


def _give_up(item: _Item) -> None:
    """The deadline has come."""
    if not item.future.done():
        item.future.set_exception(OutcomeUnknownError() if item.sent else NotStoredError())


def _fail(items: Sequence[_Item], error: Exception) -> None:
    """The error is of the last attempt: of one before it, whose answer was lost, it says nothing."""
    for item in items:
        if not item.future.done():
            item.future.set_exception(OutcomeUnknownError() if item.sent else error)
