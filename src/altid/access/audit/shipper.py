"""Brings journals into the table `audit` in batches, as often as it takes, and deletes what is safe there.

A batch is put in and committed at both sites, and what was there already is compared; only then may its
segment go. Sent again, it changes nothing. While only one site has it, segments stay until half of the
journal's bound. The journals of processes that died are brought in the same way.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from altid.access.audit import store
from altid.access.audit.event import NOBODY, Action, Event, Outcome, moment_of
from altid.access.audit.limits import AuditLimits
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.journal.journal import Journal
from altid.access.journal.journals import SET_ASIDE, journals, set_aside, take_or_set_aside
from altid.access.journal.sealed import Record
from altid.access.journal.segment import Reader, segments
from altid.access.secret import AccessSecret
from altid.access.settings import Clock
from altid.record.attempt import LocalOnlyError, check, safety_of
from altid.record.database import Database
from altid.record.primary import NoPrimaryError

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    NoPrimaryError,
    LocalOnlyError,
)
HEADS_MAX = 256
"""Writers in one checkpoint: a region has some tens that write."""

_log = logging.getLogger("altid.access.audit")


class ConflictError(Exception):
    """The table has another event under a number that this journal has used."""


@dataclass(slots=True)
class Outbox:
    """One journal on its way: where reading is, and what was read but is not known to be stored."""

    journal: Journal
    reader: Reader
    positioned: bool = False
    pending: list[Record] = field(default_factory=list)
    told: int = 0
    """Damages that were told already."""


class Shipper:
    """Of one process. `run` never ends by itself; `problems` is for operations and for tests."""

    def __init__(
        self,
        own: Journal,
        secret: AccessSecret,
        database: Database,
        limits: AuditLimits,
        clock: Clock,
        record: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._own = Outbox(own, Reader(own.folder, own.sealer))
        self._secret, self._database, self._limits = secret, database, limits
        self._clock, self._record = clock, record
        self._orphans_s, self._checkpoint_s = float("-inf"), clock()
        self._finished: dict[Path, tuple[str, int]] = {}
        self._turn = asyncio.Lock()
        self.problems: list[str] = []
        self.shipped_seq = 0
        """Of the own journal: stored up to here."""

    async def run(self) -> None:
        """Until cancelled. That the database is away is said once, and once that it is back."""
        task = asyncio.current_task()
        assert task is not None
        away, pause_s = False, self._limits.ship_every_s
        # A rollback on a session that a cancellation has closed fails, and hides the cancellation.
        while not task.cancelling():
            try:
                await self.step()
                if away:
                    _log.info("audit events reach the database again")
                away, pause_s = False, self._limits.ship_every_s
            except AWAY as error:
                if not away:
                    _log.warning("audit events stay in the journal for now (%s)", type(error).__name__)
                away, pause_s = True, min(2 * pause_s, self._limits.retry_s_max)
            except Exception as error:  # must not end it; its text could quote an event
                self._tell(f"shipping failed ({type(error).__name__})")
                pause_s = min(2 * pause_s, self._limits.retry_s_max)
            if not task.cancelling():
                await asyncio.sleep(pause_s)

    async def step(self) -> None:
        """Ship what there is. Raises one of `AWAY`, and can then be called again."""
        async with self._turn:
            await self._ship(self._own)
            await self._look_around()

    async def _look_around(self) -> None:
        now = self._clock()
        if now - self._orphans_s >= self._limits.orphans_every_s:
            await self._ship_orphans()
            self._orphans_s = now
        if now - self._checkpoint_s >= self._limits.checkpoint_every_s:
            await self._checkpoint(now)
            self._checkpoint_s = now

    async def finish(self) -> None:
        """Ship what the own journal holds, and nothing else. Raises one of `AWAY`."""
        async with self._turn:
            await self._ship(self._own)

    async def _ship(self, outbox: Outbox) -> None:
        try:
            if not outbox.positioned:
                await self._position(outbox)
            while await self._ship_batch(outbox):
                pass
        except ConflictError as error:
            self._tell(f"{outbox.journal.folder}: {error}")
            await asyncio.to_thread(set_aside, outbox.journal.folder)

    async def _position(self, outbox: Outbox) -> None:
        """Begin where the table ends; what it has may be there at one site only until a commit is sure."""
        writer = outbox.journal.writer
        async with asyncio.timeout(self._limits.batch_s), self._database.writing() as connection:
            stored = await store.head(connection, writer)
        if stored.seq > outbox.journal.head.seq:
            raise ConflictError(f"the table has {stored.seq} events, the journal {outbox.journal.head.seq}")
        outbox.reader, outbox.told = Reader(outbox.journal.folder, outbox.journal.sealer), 0
        await asyncio.to_thread(outbox.reader.skip_to, stored.seq)
        if outbox.reader.head.seq == stored.seq and outbox.reader.head != stored:
            raise ConflictError(f"the table has another event {stored.seq}")
        if stored.seq:
            await self._send(outbox, [], stored.seq)
        outbox.positioned = True

    async def _ship_batch(self, outbox: Outbox) -> bool:
        if not outbox.pending:
            upto, count = outbox.journal.head.seq, self._limits.batch_events
            outbox.positioned = False  # should this be broken off, the thread may have read on
            outbox.pending = await asyncio.to_thread(outbox.reader.read, upto, count)
            outbox.positioned = True
            await asyncio.to_thread(self._look_at_damages, outbox)
        if not outbox.pending:
            return False
        await self._send(outbox, outbox.pending, outbox.pending[-1].seq)
        outbox.pending = []
        return True

    async def _send(self, outbox: Outbox, records: list[Record], upto: int) -> None:
        """Commit, compare, and let go of what is safe."""
        journal = outbox.journal
        rows = [store.row_of(journal.writer, record) for record in records]
        async with asyncio.timeout(self._limits.batch_s), self._database.writing() as connection:
            async with connection.transaction():
                put = await store.put(connection, rows)
            check(connection)
            # What this very transaction has put in is as it was sent.
            wrong = await store.differing(connection, put.there)
            is_both = not self._database.is_replicated or (
                await safety_of(connection, put.position) == "two-sites"
            )
        if wrong:
            raise ConflictError(f"the table has other events under {len(wrong)} numbers from {wrong[0]} on")
        if journal is self._own.journal:
            self.shipped_seq = upto
        if is_both or journal.size_bytes > self._limits.journal_bytes_max // 2:
            await asyncio.to_thread(journal.release, upto)

    async def _ship_orphans(self) -> None:
        for path in await asyncio.to_thread(journals, self._own.journal.folder.parent):
            if path != self._own.journal.folder and self._finished.get(path) != _state(path):
                await self._ship_orphan(path)

    async def _ship_orphan(self, path: Path) -> None:
        if (path / SET_ASIDE).exists():
            self._finished[path] = _state(path)
            self._tell(f"{path} was set aside: it was altered, or the table has other events of it")
            return
        journal = await asyncio.to_thread(take_or_set_aside, path, self._secret, store.PURPOSE)
        if journal is None:
            return
        try:
            await self._ship(Outbox(journal, Reader(path, journal.sealer)))
            self._finished[path] = _state(path)
        finally:
            journal.close()

    def _look_at_damages(self, outbox: Outbox) -> None:
        """Tell, and keep the file under a second name, which nothing deletes."""
        for damage in outbox.reader.damages[outbox.told :]:
            with suppress(OSError):
                os.link(damage.path, damage.path.with_suffix(".damaged"))
            self._tell(str(damage))
        outbox.told = len(outbox.reader.damages)

    async def _checkpoint(self, now_s: float) -> None:
        """Write into the own chain how far all chains are, if anything has happened."""
        since = moment_of(max(0, int(self._last_checkpoint_s * 1e6)))
        async with asyncio.timeout(self._limits.batch_s), self._database.writing() as connection:
            if not await store.has_news(connection, since):
                return
            known = await store.heads(connection, HEADS_MAX)
        heads = tuple((writer, head.seq, head.hash.hex()) for writer, head in known)
        event = Event(round(now_s * 1e6), Action.CHECKPOINT, Outcome.DONE, NOBODY, type="audit", heads=heads)
        with suppress(AuditUnavailableError):  # the next one tells the same
            await self._record(event)

    @property
    def _last_checkpoint_s(self) -> float:
        """A little earlier, since events come to the table a little late."""
        return self._checkpoint_s - 2 * self._limits.checkpoint_every_s

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)
            _log.error("audit: %s", problem)


def _state(path: Path) -> tuple[str, int]:
    """Changes when the journal gets events."""
    known = segments(path)
    return (known[-1].path.name, known[-1].path.stat().st_size) if known else ("", 0)
