"""Recording events: each is safe in this process's journal before its look is answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from altid.access.audit.event import Event, encode, parts_of
from altid.access.audit.limits import AuditLimits
from altid.access.audit.shipper import AWAY, Shipper
from altid.access.audit.store import PURPOSE
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.journal.appender import Appender
from altid.access.journal.journal import Journal
from altid.access.journal.journals import take_own
from altid.access.journal.unavailable import Cause, JournalUnavailableError
from altid.access.secret import AccessSecret
from altid.access.settings import Clock
from altid.record.database import Database


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
        self._appender = Appender(journal, limits.journal, PURPOSE)
        self.shipper = Shipper(journal, secret, database, limits, clock, self.record)
        self._shipping: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether an event would be kept now, as far as is known. False: show nothing of a patient."""
        return self.fault is None

    @property
    def fault(self) -> Cause | None:
        """Why an event would not be kept now, as far as is known; None when it would."""
        return self._appender.fault

    @property
    def unshipped_bytes(self) -> int:
        """What the journal holds on disk; its bound is `AuditLimits.journal_bytes_max`."""
        return self._journal.size_bytes

    @property
    def writer(self) -> str:
        return self._journal.writer

    async def record(self, event: Event) -> None:
        """Return when the event is safe on this machine's disk. Raises `AuditUnavailableError`."""
        try:
            await self._appender.append([encode(part, self._site) for part in parts_of(event)])
        except JournalUnavailableError as error:
            raise AuditUnavailableError(error.cause) from None

    async def start(self) -> None:
        """From now on events are taken, and shipped."""
        self._appender.start()
        self._shipping = asyncio.create_task(self.shipper.run())

    async def close(self) -> None:
        """Keep what was given, ship what can be shipped in short time, and let the journal go."""
        if self._shipping is not None:
            self._shipping.cancel()
            await asyncio.wait({self._shipping}, timeout=self._limits.close_s)
        await self._appender.finish()
        with suppress(*AWAY):
            async with asyncio.timeout(self._limits.close_s):
                await self.shipper.finish()
        await self._appender.close()


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
    journal = await asyncio.to_thread(take_own, folder, writer_name, secret, PURPOSE, chosen)
    audit = Audit(journal, secret, database, site, limits or AuditLimits(), clock)
    await audit.start()
    try:
        yield audit
    finally:
        await audit.close()
