"""Recording events: many wait for one sync of the disk, and none for anything else.

While one group is being written, the next gathers; on a quiet server an event goes as soon as the event loop
has come round. A thread of its own seals, writes and syncs, so the event loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from altid.access.audit.event import Event, encode, parts_of
from altid.access.audit.journal import Journal
from altid.access.audit.journals import take_own
from altid.access.audit.limits import AuditLimits
from altid.access.audit.shipper import AWAY, Shipper
from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.access.secret import AccessSecret
from altid.access.settings import Clock
from altid.record.database import Database

_PROBE_EVERY_S = 1.0
"""How soon it is seen that a disk that failed can be written again, though nobody asks."""

_Waiting = list[tuple[list[bytes], asyncio.Future[None]]]

_log = logging.getLogger("altid.access.audit")


class Audit:
    """One process's way to record. `start` it in the event loop that calls `record`, and `close` it there."""

    def __init__(
        self,
        journal: Journal,
        secret: AccessSecret,
        database: Database,
        site: str,
        limits: AuditLimits,
        clock: Clock,
    ) -> None:
        self._journal, self._site, self._limits = journal, site, limits
        self.shipper = Shipper(journal, secret, database, limits, clock, self.record)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit journal")
        self._waiting: _Waiting = []
        self._group: _Waiting = []
        self._due: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fault: Cause | None = None
        self._is_open = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def healthy(self) -> bool:
        """Whether an event would be kept now, as far as is known. False: show nothing of a patient."""
        return self.fault is None

    @property
    def fault(self) -> Cause | None:
        """Why an event would not be kept now, as far as is known; None when it would."""
        if not self._is_open:
            return Cause.CLOSED
        if self._fault is not None:
            return self._fault
        return Cause.FULL if self._is_full else None

    @property
    def unshipped_bytes(self) -> int:
        """What the journal holds on disk; its bound is `AuditLimits.journal_bytes_max`."""
        return self._journal.size_bytes

    @property
    def writer(self) -> str:
        return self._journal.writer

    async def record(self, event: Event) -> None:
        """Return when the event is safe on this machine's disk. Raises `AuditUnavailableError`."""
        if not self._is_open:
            raise AuditUnavailableError(Cause.CLOSED)
        if self._fault is Cause.SLOW or len(self._waiting) >= self._limits.waiting_max:
            raise AuditUnavailableError(Cause.SLOW)
        bodies = [encode(part, self._site) for part in parts_of(event)]
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((bodies, future))
        if not self._group and self._due is None:
            # When the loop has come round: what others look at in this very turn goes along.
            self._due = loop.call_soon(self._begin)
        await future

    async def start(self) -> None:
        """From now on events are taken, and shipped."""
        self._is_open = True
        self._tasks = [asyncio.create_task(self.shipper.run()), asyncio.create_task(self._probe())]

    async def close(self) -> None:
        """Keep what was given, ship what can be shipped in short time, and let the journal go."""
        self._is_open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=self._limits.close_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_s):
                while waited := self._group + self._waiting:
                    await asyncio.wait([future for _, future in waited])
                    await asyncio.sleep(0)
        with suppress(*AWAY):
            async with asyncio.timeout(self._limits.close_s):
                await self.shipper.finish()
        # A disk that hangs would keep a waiting end for ever; the process's end lets the lock go.
        self._thread.shutdown(wait=not self._group, cancel_futures=True)
        if not self._group:
            await asyncio.to_thread(self._journal.close)

    @property
    def _is_full(self) -> bool:
        return self._journal.size_bytes >= self._limits.journal_bytes_max

    def _begin(self) -> None:
        """Hand the next group to the thread, unless one is there."""
        self._due = None
        if self._group or not self._waiting:
            return
        limit = self._limits.group_max
        self._group, self._waiting = self._waiting[:limit], self._waiting[limit:]
        bodies = [body for some, _ in self._group for body in some]
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.record_s, self._give_up)
        self._thread.submit(self._write, bodies, loop)

    def _write(self, bodies: list[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread."""
        fault: Cause | None = None
        try:
            limits = self._limits
            self._journal.append(
                bodies, segment_bytes=limits.segment_bytes, bytes_max=limits.journal_bytes_max
            )
        except AuditUnavailableError as error:
            fault = error.cause
        except Exception as error:
            fault = Cause.DISK
            if self._fault is None:
                _log.error("the audit journal can't be written (%s)", type(error).__name__)
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(self._written, fault)

    def _written(self, fault: Cause | None) -> None:
        """In the loop again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._fault is not None and fault is None:
            _log.info("the audit journal is written again")
        self._fault = None if fault is Cause.FULL else fault
        done, self._group = self._group, []
        for _, future in done:
            if not future.done():
                _settle(future, fault)
        self._begin()

    def _give_up(self) -> None:
        """The disk does not answer: refuse all who wait. What it does in the end may still be kept."""
        self._fault = Cause.SLOW
        _log.error("the audit journal's disk has not answered for %.1f s", self._limits.record_s)
        for _, future in self._group + self._waiting:
            if not future.done():
                _settle(future, Cause.SLOW)
        self._waiting = []

    async def _probe(self) -> None:
        """After a failure: try to write a new segment, until that works."""
        while True:
            await asyncio.sleep(_PROBE_EVERY_S)
            if self._fault is Cause.DISK and not self._group:
                with suppress(OSError):
                    await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.rotate)
                    self._fault = None
                    _log.info("the audit journal can be written again")


def _settle(future: asyncio.Future[None], fault: Cause | None) -> None:
    if fault is None:
        future.set_result(None)
    else:
        future.set_exception(AuditUnavailableError(fault))


@asynccontextmanager
async def open_audit(
    folder: Path,
    secret: AccessSecret,
    writer_name: str,
    database: Database,
    site: str,
    *,
    limits: AuditLimits | None = None,
    clock: Clock = time.time,
    rng: random.Random | None = None,
) -> AsyncIterator[Audit]:
    """The audit of one process, in a folder that all processes of a machine share.

    `writer_name` may be the same for all of them: each takes a journal of its own. Raises `OSError` when the
    folder can't be written.
    """
    chosen = rng or random.SystemRandom()
    journal = await asyncio.to_thread(take_own, folder, writer_name, secret, chosen)
    audit = Audit(journal, secret, database, site, limits or AuditLimits(), clock)
    await audit.start()
    try:
        yield audit
    finally:
        await audit.close()
