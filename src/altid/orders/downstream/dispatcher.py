"""The dispatcher: takes what is new from the change feed and sends it, one process at a time for the
region.

Whoever holds an advisory lock at the primary is it; the lock lives and dies with the session that
everything is kept through. So a process that dies, is frozen or loses the primary ends its lead by that
alone, and what it has sent without keeping the answer is sent again with the same control id. Of two that
believe they lead for a moment the former can keep nothing, so it never goes on to what comes next in a
lane, and what it repeats the receiver knows already.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.clients import BUILT_IN
from altid.hl7.acknowledgement import Acknowledgement
from altid.hl7.word import Word
from altid.orders.downstream import leaving, queue
from altid.orders.downstream.destinations import Destination
from altid.orders.downstream.hl7.orders import UnencodableError, control_id, encode
from altid.orders.downstream.leaving import Order
from altid.orders.downstream.line import Line, UnansweredError, UnreachableError
from altid.orders.downstream.queue import Delivery, Settled, State
from altid.record.attempt import LocalOnlyError, check
from altid.record.connection import WriteConnection
from altid.record.database import Connection, Database
from altid.record.primary import FAILURES, NoPrimaryError

LOCK = 0x416C7469644F75  # "AltidOu"
_BATCH_MAX = 64
"""Messages between two commits of their outcomes: so many, at most, are sent twice when a process dies."""
_SETTLE_EVERY_S = 1.0
"""Nor are outcomes kept back for longer by a receiver that is slow."""
_POLL_S = 0.3
_STATEMENT_S_MAX = 15.0
_TRY_EVERY_S, _TRY_AFAR_EVERY_S = 0.5, 5.0
"""How often the lock is tried for, where the primary is and at the other site: the near one is first."""
_LOST = (NoPrimaryError, LocalOnlyError, TimeoutError, *FAILURES)
_OURSELVES = Who(BUILT_IN, "Altid", "system", "")

_log = logging.getLogger("altid.orders.downstream")

Tell = Callable[[Sequence[Event]], Awaitable[None]]
"""Puts events where none is lost; raises `AuditUnavailableError`."""
Beside = Callable[[], Awaitable[None]]
"""Other work that one process of the region does: called again and again, and quick."""


class Exchange(Protocol):
    """The line to one destination, as the dispatcher uses it (`line.Line`)."""

    async def open(self) -> None: ...

    async def exchange(self, message: bytes, control_id: str) -> Acknowledgement: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """A delivery with its content; None where the version is gone."""

    delivery: Delivery
    order: Order | None


class Dispatcher:
    """One process's."""

    def __init__(
        self,
        database: Database,
        destinations: Sequence[Destination],
        tell: Tell,
        *,
        beside: Sequence[Beside] = (),
        line: Callable[[Destination], Exchange] = Line,
        rng: random.Random | None = None,
        poll_s: float = _POLL_S,
    ) -> None:
        self._database, self._destinations, self._tell = database, destinations, tell
        self._beside, self._line, self._poll_s = beside, line, poll_s
        self._rng = rng or random.Random()
        self.leads = False
        """Orders are sent by this process, as far as it knows."""

    async def run(self) -> None:
        """Lead whenever nobody else does, until it is cancelled."""
        near = True
        while True:
            # In a task of its own: a task group that meets a fault while it is cancelled gives on the fault,
            # and the cancellation would be lost.
            turn = asyncio.create_task(self._take_turn(near))
            try:
                await asyncio.wait({turn})
            finally:
                turn.cancel()
                await asyncio.wait({turn})
            near = _end_of(turn)

    async def _take_turn(self, near: bool) -> bool:
        """Lead, if nobody does, until that is lost; whether the primary is near."""
        every_s = _TRY_EVERY_S if near else _TRY_AFAR_EVERY_S
        await asyncio.sleep(every_s * self._rng.uniform(0.5, 1.0))
        near = await self._is_near()
        async with self._database.lasting() as connection:
            async with asyncio.timeout(_STATEMENT_S_MAX):
                leads = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
            if leads:
                _log.info("orders are sent from here")
                self.leads = True
                try:
                    await self._lead(_Session(connection))
                finally:
                    self.leads = False
        return near

    async def _is_near(self) -> bool:
        async with self._database.reading() as connection:
            return not await connection.fetchval("SELECT pg_is_in_recovery()")

    async def _lead(self, session: _Session) -> None:
        async with asyncio.TaskGroup() as group:
            for destination in self._destinations:
                group.create_task(self._serve(session, destination))
            for work in self._beside:
                group.create_task(self._repeat(work))
            group.create_task(self._stay(session))

    async def _repeat(self, work: Beside) -> None:
        while True:
            await work()
            await asyncio.sleep(self._poll_s * 10)

    async def _stay(self, session: _Session) -> None:
        """Notice a session that is gone, also where there is nothing to send."""
        while True:
            await asyncio.sleep(self._poll_s * 10)
            async with session.transaction() as connection:
                await connection.fetchval("SELECT 1")

    async def _serve(self, session: _Session, destination: Destination) -> None:
        sender = _Sender(destination, self._line(destination), self._tell, self._rng)
        try:
            while True:
                async with session.transaction() as connection:
                    caught_up = await queue.fill(connection, destination)
                    due = await queue.heads(connection, destination.name, _BATCH_MAX)
                    ready = [await _ready(connection, one) for one in due]
                settled = await sender.send(ready)
                if settled:
                    async with session.transaction() as connection:
                        await queue.settle(connection, settled)
                if sender.pause_s or (caught_up and not settled):
                    await asyncio.sleep(sender.pause_s or self._poll_s)
        finally:
            await sender.line.close()


class _Session:
    """The one session, lent for one transaction at a time."""

    def __init__(self, connection: WriteConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._turn, asyncio.timeout(_STATEMENT_S_MAX):
            async with self._connection.transaction():
                yield self._connection
            check(self._connection)


class _Sender:
    """Sends to one destination, one message after the other, and rests when its line is bad."""

    def __init__(self, destination: Destination, line: Exchange, tell: Tell, rng: random.Random) -> None:
        self.line = line
        self.pause_s = 0.0
        """How long to rest before the next; 0: the line is good."""
        self._destination, self._tell, self._rng = destination, tell, rng
        self._failures = 0

    async def send(self, ready: Sequence[_Ready]) -> list[Settled]:
        """Send what can be sent now; the outcomes of those that were tried."""
        until_s = time.monotonic() + _SETTLE_EVERY_S
        settled: list[Settled] = []
        self.pause_s = 0.0
        messages = [(one, _message(one, self._destination)) for one in ready]
        settled += [refused for _, refused in messages if isinstance(refused, Settled)]
        to_send = [(one, made) for one, made in messages if isinstance(made, bytes)]
        if self._failures:
            to_send = to_send[:1]  # one finds out whether the line is good again
        if not to_send or not await self._opened() or not await self._told([one for one, _ in to_send]):
            return settled
        for one, made in to_send:
            outcome = await self._send(one.delivery, made)
            if outcome is not None:
                settled.append(outcome)
            if self.pause_s or time.monotonic() > until_s:
                break
        return settled

    async def _opened(self) -> bool:
        try:
            await self.line.open()
        except UnreachableError:
            self._fail("it can't be reached")
            return False
        return True

    async def _told(self, ready: Sequence[_Ready]) -> bool:
        """The audit knows of all before one of them leaves."""
        events = [_event(one, self._destination) for one in ready]
        try:
            await self._tell(events)
        except AuditUnavailableError:
            self._fail("the audit takes nothing")
            return False
        return True

    async def _send(self, delivery: Delivery, message: bytes) -> Settled | None:
        id_ = control_id(delivery.type, delivery.id, delivery.version)
        try:
            answer = await self.line.exchange(message, id_)
        except UnreachableError:  # it was open a moment ago
            self._fail("it can't be reached")
            return None
        except UnansweredError as error:
            self._fail(error.code)
            return self._again(delivery, State.SENT, error.code)
        self._failures = 0
        if answer.word is Word.OK:
            return Settled(delivery.number, State.ACKNOWLEDGED, answer.code)
        if answer.word is Word.FATAL_ERROR:
            return Settled(delivery.number, State.REFUSED, answer.code)
        return self._again(delivery, State.WAITING, answer.code)

    def _again(self, delivery: Delivery, state: State, code: str) -> Settled:
        """Later, or never if its attempts are used up."""
        if delivery.attempts + 1 >= self._destination.attempts_max:
            return Settled(delivery.number, State.DEAD, code)
        return Settled(delivery.number, state, code, self._wait_s(delivery.attempts))

    def _fail(self, why: str) -> None:
        if not self._failures:
            _log.warning("orders for %s wait: %s", self._destination.name, why)
        self.pause_s = self._wait_s(self._failures)
        self._failures += 1

    def _wait_s(self, failures: int) -> float:
        """Doubled with each, and spread, or everybody who waits comes back as one."""
        longest_s = self._destination.pause_s * (1 << min(failures, 16))
        return self._rng.uniform(0.5, 1.0) * min(longest_s, self._destination.pause_s_max)


async def _ready(connection: Connection, delivery: Delivery) -> _Ready:
    return _Ready(delivery, await leaving.load(connection, delivery.type, delivery.id, delivery.version))


def _message(ready: _Ready, destination: Destination) -> bytes | Settled:
    """The bytes; or why a person must look at it."""
    number = ready.delivery.number
    if ready.order is None:
        return Settled(number, State.REFUSED, "version-gone")
    try:
        return encode(ready.order, destination)
    except UnencodableError as error:
        return Settled(number, State.REFUSED, f"not-encodable {error.code}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Settled(number, State.REFUSED, f"not-encodable {type(error).__name__}")


def _event(ready: _Ready, destination: Destination) -> Event:
    delivery, patient = ready.delivery, ready.order.patient if ready.order else None
    return Event(
        time.time_ns() // 1_000,
        Action.OPERATION,
        Outcome.DONE,
        _OURSELVES,
        patients=(patient["id"],) if patient else (),
        type=delivery.type,
        id=delivery.id,
        version=delivery.version,
        operation=f"send-to-{destination.name}",
    )


def _end_of(turn: asyncio.Task[bool]) -> bool:
    """Whether the primary is near, as far as is known. A fault is told, and the next turn begins."""
    fault = None if turn.cancelled() else turn.exception()
    if fault is None:
        return not turn.cancelled() and turn.result()
    if isinstance(_first(fault), _LOST):
        _log.info("orders are not sent from here any more (%s)", _kind(fault))
    else:
        _log.error("the dispatcher of orders failed: %s", _kind(fault))
    return True


def _first(fault: BaseException) -> BaseException:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault


def _kind(fault: BaseException) -> str:
    """The kind and place of a fault; never its text, which may quote a patient."""
    fault = _first(fault)
    frame = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__} at {frame.filename}:{frame.lineno}"
