"""Everything of one server process that has to do with orders, opened and closed together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from altid.access.audit.event import Action as Told
from altid.access.audit.event import Event, Outcome, Who
from altid.access.audit.recorder import Audit
from altid.access.guard import INTENTS_FOLDER
from altid.access.secret import AccessSecret
from altid.orders.intent import Intent
from altid.orders.limits import OrderLimits
from altid.orders.notebook import Notebook, new_notebook
from altid.orders.recovery import Recovery
from altid.orders.registering import Registrar
from altid.orders.signers import Signers
from altid.orders.trimming import keep_trimmed
from altid.record.database import Database
from altid.record.grouping import GroupWriter
from altid.record.write import MUST_BE_NEW

FOLDER = INTENTS_FOLDER
"""Of the journals, beside those of the audit."""


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """One process's."""

    registrar: Registrar
    recovery: Recovery
    site: str
    """Where this server is."""
    sites: tuple[str, ...]
    """All of the region; of a server alone, its own."""
    secret: AccessSecret = field(repr=False)
    limits: OrderLimits
    signers: Signers

    @property
    def notebook(self) -> Notebook:
        return self.registrar.notebook

    @property
    def folder(self) -> Path:
        """Of all journals of this machine."""
        return self.notebook.journal.folder.parent


@asynccontextmanager
async def open_orders(
    database: Database,
    writer: GroupWriter,
    audit: Audit,
    secret: AccessSecret,
    folder: Path,
    site: str,
    sites: Sequence[str] = (),
    *,
    limits: OrderLimits | None = None,
    rng: random.Random | None = None,
) -> AsyncIterator[OrderDesk]:
    """The desk, with what recovers the orders of processes that died and trims what is settled. `folder`: the
    guard's.

    Raises `OSError` when the folder can't be written.
    """
    chosen = limits or OrderLimits()
    rng = rng or random.SystemRandom()
    notebook = await asyncio.to_thread(new_notebook, folder / FOLDER, site, secret, chosen, time.time, rng)

    async def told(intent: Intent, version: int) -> None:
        await audit.record(_event(intent, version))

    registrar = Registrar(database, writer, notebook)
    recovery = Recovery(registrar, secret, site, chosen, told)
    notebook.start()
    running = {asyncio.create_task(work) for work in (recovery.run(), keep_trimmed(database, rng))}
    try:
        yield OrderDesk(registrar, recovery, site, tuple(sites) or (site,), secret, chosen, Signers(database))
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=chosen.lookup_s)
        await notebook.close()


def _event(intent: Intent, version: int) -> Event:
    """Of an order that was sent again: whoever signed it has done it, and this server has carried it out."""
    return Event(
        at_us=time.time_ns() // 1_000,
        action=Told.CREATE if intent.expected == MUST_BE_NEW else Told.UPDATE,
        outcome=Outcome.DONE,
        who=Who(intent.signer, intent.signer_name, "", intent.organisation),
        patients=(intent.patient,) if intent.patient else (),
        type=intent.type,
        id=intent.id,
        version=version,
        operation="recovered",
    )
