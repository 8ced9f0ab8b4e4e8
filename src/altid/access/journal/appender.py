"""Appending from an event loop: many wait for one sync of the disk, and none for anything else.

While one group is being written, the next gathers; on a quiet server a body goes as soon as the event loop
has come round. A thread of its own seals, writes and syncs, so the event loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from altid.access.journal.journal import Journal
from altid.access.journal.limits import JournalLimits
from altid.access.journal.unavailable import Cause, JournalUnavailableError

_PROBE_EVERY_S = 1.0
"""How soon it is seen that a disk that failed can be written again, though nobody asks."""
_LAZY_S = 0.2
"""What need not be waited for goes with the next that is, and at the latest then."""

_log = logging.getLogger("altid.access.journal")


class _Item:
    """Bodies that belong together, and who waits for them; `seq` of the first when they are safe."""

    __slots__ = ("bodies", "future")

    def __init__(self, bodies: list[bytes], future: asyncio.Future[int] | None) -> None:
        self.bodies, self.future = bodies, future


class Appender:
    """One process's way into one journal. `start` it in the event loop that calls `append`, and `close` it
    there. `what` names the journal in the log."""

    def __init__(self, journal: Journal, limits: JournalLimits, what: str) -> None:
        self.journal = journal
        self._limits, self._what = limits, what
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{what} journal")
        self._waiting: list[_Item] = []
        self._group: list[_Item] = []
        self._due: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lazy: asyncio.TimerHandle | None = None
        self._fault: Cause | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_open = False
        self._probing: asyncio.Task[None] | None = None

    @property
    def fault(self) -> Cause | None:
        """Why something would not be kept now, as far as is known; None when it would."""
        if not self._is_open:
            return Cause.CLOSED
        return self._fault or (Cause.FULL if self._is_full else None)

    async def append(self, bodies: list[bytes]) -> int:
        """Return when all are safe on this machine's disk: the number of the first. Raises
        `JournalUnavailableError`."""
        self._require_room()
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Item(bodies, future))
        if not self._group and self._due is None:
            # When the loop has come round: what others bring in this very turn goes along.
            self._due = asyncio.get_running_loop().call_soon(self._come_round)
        return await future

    def append_later(self, bodies: list[bytes]) -> None:
        """Let them go with whatever comes next, and wait for nothing. What the disk refuses is lost: give
        only what can be found out again."""
        if not self._is_open or len(self._waiting) >= self._limits.waiting_max:
            return
        self._waiting.append(_Item(bodies, None))
        if self._lazy is None and not self._group:
            self._lazy = asyncio.get_running_loop().call_later(_LAZY_S, self._begin_if_free)

    def start(self) -> None:
        self._is_open = True
        self._probing = asyncio.create_task(self._probe())

    async def finish(self) -> None:
        """Take no more, and write what was given, within `close_s`."""
        self._is_open = False
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_s):
                self._begin_if_free()
                await self._idle.wait()

    async def close(self) -> None:
        """Let the journal go, after `finish`."""
        # A disk that hangs would keep a waiting end for ever; the process's end lets the lock go.
        self._thread.shutdown(wait=not self._group, cancel_futures=True)
        if not self._group:
            await asyncio.to_thread(self.journal.close)

    @property
    def _is_full(self) -> bool:
        return self.journal.size_bytes >= self._limits.bytes_max

    def _require_room(self) -> None:
        if not self._is_open:
            raise JournalUnavailableError(Cause.CLOSED)
        if self._fault is Cause.SLOW or len(self._waiting) >= self._limits.waiting_max:
            raise JournalUnavailableError(Cause.SLOW)

    def _come_round(self) -> None:
        self._due = None
        self._begin_if_free()

    def _begin_if_free(self) -> None:
        self._lazy = None
        if self._waiting and not self._group:
            self._begin()

    def _begin(self) -> None:
        """Hand the next group to the thread."""
        if self._lazy is not None:
            self._lazy.cancel()
            self._lazy = None
        self._idle.clear()
        limit = self._limits.group_max
        self._group, self._waiting = self._waiting[:limit], self._waiting[limit:]
        bodies = [body for item in self._group for body in item.bodies]
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.sync_s, self._give_up)
        self._thread.submit(self._write, bodies, loop)

    def _write(self, bodies: list[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread."""
        fault: Cause | None = None
        before = self.journal.head.seq
        try:
            self.journal.append(
                bodies, segment_bytes=self._limits.segment_bytes, bytes_max=self._limits.bytes_max
            )
        except JournalUnavailableError as error:
            fault = error.cause
        except Exception as error:
            fault = Cause.DISK
            if self._fault is None:
                _log.error("the %s journal can't be written (%s)", self._what, type(error).__name__)
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(self._written, before + 1, fault)

    def _written(self, seq: int, fault: Cause | None) -> None:
        """In the loop again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._fault is not None and fault is None:
            _log.info("the %s journal is written again", self._what)
        self._fault = None if fault is Cause.FULL else fault
        done, self._group = self._group, []
        for item in done:
            _settle(item, seq, fault)
            seq += len(item.bodies)
        if self._waiting:
            self._begin()
        else:
            self._idle.set()

    def _give_up(self) -> None:
        """The disk does not answer: refuse all who wait. What it does in the end may still be kept."""
        self._fault = Cause.SLOW
        _log.error("the %s journal's disk has not answered for %.1f s", self._what, self._limits.sync_s)
        for item in self._group + self._waiting:
            _settle(item, 0, Cause.SLOW)
        self._waiting = []

    async def _probe(self) -> None:
        """After a failure: try to write a new segment, until that works."""
        while True:
            await asyncio.sleep(_PROBE_EVERY_S)
            if self._fault is Cause.DISK and not self._group:
                with suppress(OSError):
                    await asyncio.get_running_loop().run_in_executor(self._thread, self.journal.rotate)
                    self._fault = None
                    _log.info("the %s journal can be written again", self._what)


def _settle(item: _Item, seq: int, fault: Cause | None) -> None:
    if item.future is None or item.future.done():
        return
    if fault is None:
        item.future.set_result(seq)
    else:
        item.future.set_exception(JournalUnavailableError(fault))
