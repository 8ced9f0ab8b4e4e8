"""All of it in one server process: the dispatcher, the listener, the alarm."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from altid.access.audit.event import Event
from altid.access.audit.recorder import Audit
from altid.orders.downstream import alarm, inbox
from altid.orders.downstream.alarm import Bell
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.dispatcher import Dispatcher
from altid.orders.downstream.listener import Results, listening
from altid.record.database import Database
from altid.record.primary import FAILURES, NoPrimaryError

_LOOK_EVERY_S = 10.0
_LOOK_S_MAX = 5.0

_log = logging.getLogger("altid.orders.downstream")


@asynccontextmanager
async def open_downstream(
    database: Database, settings: Downstream, audit: Audit
) -> AsyncIterator[Callable[[], bool]]:
    """As long as the context lasts; gives what tells whether orders are sent by this process. Raises
    `OSError` where the listener's address can't be had."""

    async def tell(events: Sequence[Event]) -> None:
        await asyncio.gather(*map(audit.record, events))

    async def try_again() -> None:
        await inbox.try_again(database, tell)

    rng = random.Random()
    dispatcher = Dispatcher(database, settings.destinations, tell, beside=(try_again,))
    async with AsyncExitStack() as stack:
        if settings.listener is not None:
            results = Results(database, settings.listener, tell, rng)
            await stack.enter_async_context(listening(results, settings.listener))
        if settings.destinations or settings.listener:
            for work in (dispatcher.run(), _watch(database, settings, dispatcher)):
                stack.push_async_callback(_cancel, asyncio.create_task(work))
        yield lambda: dispatcher.leads


async def _watch(database: Database, settings: Downstream, dispatcher: Dispatcher) -> None:
    bell = Bell()
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        try:
            async with asyncio.timeout(_LOOK_S_MAX), database.writing() as connection:
                bell.ring(await alarm.health(connection, settings), leads=dispatcher.leads)
        except (NoPrimaryError, TimeoutError, *FAILURES):
            continue  # a record that can't be reached has alarms of its own


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
