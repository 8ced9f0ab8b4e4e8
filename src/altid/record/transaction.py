"""A transaction of several statements that survives the loss of its server.

Until its COMMIT is sent nothing of it is stored, so it is simply run again. When the answer to the COMMIT is
lost, one of its own writes is the witness: all of it is stored or nothing, so if the version that carries the
witness' key is there, it was committed and its result stands; if not, it is run again.

What it answers without having written ("it is there already") waits for the other site like a write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

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
from altid.record.database import Connection, Database
from altid.record.primary import FAILURES, NoPrimaryError
from altid.record.write import Safety, Write, Written, write
from altid.record.write_key import WriteKey, new_key

_RERUNS_MAX = 4
"""A transaction that met a deadlock is run again from its beginning: nothing of it was stored."""

_RERUN_PAUSE_S = 0.01
_STORED = ("created", "updated", "deleted")

Result = TypeVar("Result")


class _Witness(NamedTuple):
    type: str
    id: str
    key: WriteKey


class Transaction:
    """An open transaction, as its work sees it."""

    def __init__(self, connection: WriteConnection) -> None:
        self._connection = connection
        self.witness: _Witness | None = None
        self.position: int | None = None

    @property
    def connection(self) -> Connection:
        """For reading and locking."""
        return self._connection

    async def write(self, writes: Sequence[Write], keys: Sequence[WriteKey] | None = None) -> list[Written]:
        """As `record.write.write`."""
        keys = keys or [new_key() for _ in writes]
        written = await write(self._connection, writes, keys)
        for prepared, key, result in zip(writes, keys, written, strict=True):
            if result.outcome in _STORED:
                self.witness = _Witness(prepared.type, prepared.id, key)
                self.position = written[-1].position
                break
        return written


Work = Callable[[Transaction], Awaitable[Result]]


class Done(NamedTuple, Generic[Result]):
    """What the work has given, how safe the commit is (None: there is one site), and the primary's site,
    if it is known."""

    result: Result
    safety: Safety | None
    site: str | None = None


async def run_transaction(
    database: Database, work: Work[Result], *, may_take_long: bool = False
) -> Done[Result]:
    """Run `work` in a transaction and commit it, as often as it takes until it is answered.

    `work` may run several times and changes nothing but the record. Raises what it raises (nothing is stored
    then), `OutcomeUnknownError` or `NotStoredError` at the deadline. It goes on by itself when the caller is
    cancelled: a commit is never cut short.
    """
    limits = database.limits
    patience_s = limits.transaction_deadline_s if may_take_long else limits.write_deadline_s
    run = _Run(database, work, patience_s)
    task = asyncio.create_task(run.to_the_end())
    _underway.add(task)
    task.add_done_callback(_underway.discard)
    done, _ = await asyncio.wait({task}, timeout=patience_s)
    if not done:
        task.add_done_callback(_look_at)
        raise run.give_up()
    return task.result()


_underway: set[asyncio.Task[Any]] = set()
"""The event loop itself holds its tasks only weakly."""


class _Run(Generic[Result]):
    """Attempt after attempt."""

    def __init__(self, database: Database, work: Work[Result], patience_s: float) -> None:
        self._database, self._work = database, work
        self._until_s = asyncio.get_running_loop().time() + patience_s
        self._earlier: list[Backend] = []
        self._reruns = 0
        self._connection: WriteConnection | None = None
        self._is_given_up = False
        self._committed: tuple[Result, _Witness] | None = None
        """The result and the witness of a COMMIT that was sent and not answered."""

    def give_up(self) -> Exception:
        """The deadline has come. Without a COMMIT sent, closing the socket makes sure that none will be, and
        a session that comes late is not used."""
        self._is_given_up = True
        if self._committed is not None:
            return OutcomeUnknownError()
        if self._connection is not None:
            self._connection.terminate()
        return NotStoredError()

    async def to_the_end(self) -> Done[Result]:
        while True:
            try:
                done = await self._attempt()
            except NoPrimaryError:
                raise self.give_up() from None
            if done is not None:
                return done
            if asyncio.get_running_loop().time() > self._until_s:
                raise self.give_up()

    async def _attempt(self) -> Done[Result] | None:
        """One attempt; None if it must be made again."""
        async with self._database.writing(self._until_s) as connection:
            self._connection = connection
            settling = self._committed is not None
            try:
                self._stop_if_given_up()
                await wait_for_end(connection, self._earlier, self._until_s)
                if self._committed is not None:
                    settled = await self._settle(connection, *self._committed)
                    self._committed = None
                    if settled is not None:
                        return settled
                    settling = False
                return await self._run_once(connection)
            except NoPrimaryError:
                raise
            except Exception as error:
                if not self._may_go_on(error, connection, settling=settling):
                    if self._committed is not None:
                        raise OutcomeUnknownError from None
                    raise
            finally:
                self._connection = None
        await asyncio.sleep(_RERUN_PAUSE_S * 2**self._reruns)
        return None

    def _stop_if_given_up(self) -> None:
        if self._is_given_up:
            raise NoPrimaryError

    def _may_go_on(self, error: Exception, connection: WriteConnection, *, settling: bool) -> bool:
        """With `settling` the error says nothing about the COMMIT before it, whose answer was lost."""
        if is_lost(error, connection):
            self._earlier.append(connection.backend)
            connection.terminate()
            self._database.suspect_primary()
            return True
        if not settling:
            self._committed = None  # the server has said no
        if is_unfit(error):
            connection.terminate()
            self._database.suspect_primary()
            return True
        self._reruns += is_refused(error)
        return is_refused(error) and self._reruns < _RERUNS_MAX

    async def _run_once(self, connection: WriteConnection) -> Done[Result]:
        opened = connection.transaction()
        await opened.start()
        transaction = Transaction(connection)
        try:
            result = await self._work(transaction)
            if transaction.witness is None:
                transaction.position = await connection.fetchval(_CONFIRM)
            self._stop_if_given_up()
        except BaseException:
            with suppress(*FAILURES):
                await opened.rollback()
            raise
        if transaction.witness is not None:
            self._committed = (result, transaction.witness)
        await opened.commit()
        check(connection)
        done = Done(result, await self._safety(connection, transaction.position), connection.site)
        self._committed = None
        return done

    async def _settle(
        self, connection: WriteConnection, result: Result, witness: _Witness
    ) -> Done[Result] | None:
        """Was the transaction committed whose answer was lost?"""
        stored = await connection.fetchval(_STORED_WITH_KEY, witness.type, witness.id, witness.key.value)
        if stored is None:
            return None
        position = await connection.fetchval(_CONFIRM)
        check(connection)
        return Done(result, await self._safety(connection, position), connection.site)

    async def _safety(self, connection: WriteConnection, position: int | None) -> Safety | None:
        if not self._database.is_replicated or position is None:
            return None
        return await safety_of(connection, position)


_CONFIRM = "SELECT confirm_record()"
_STORED_WITH_KEY = "SELECT outcome FROM find_write($1, $2, $3)"


def _look_at(task: asyncio.Task[Any]) -> None:
    """Nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
