"""All sources of this room, run side by side: what befalls one is not felt by the others, nor by readers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from altid.lookup.beside.fhir.asking import Asker
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.hl7.listener import listen
from altid.lookup.beside.sources import FhirSource, Hl7Source
from altid.lookup.beside.store import Store, tell

RESTART_S = 10.0

_log = logging.getLogger("altid.lookup.beside")


async def run_sources(store: Store, sources: Sequence[FhirSource | Hl7Source]) -> None:
    """Until it is cancelled."""
    # It would log each URL that is asked for, and a URL may hold a patient's id.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(_run(store, source))


async def _run(store: Store, source: FhirSource | Hl7Source) -> None:
    """What nobody has foreseen (an answer of an unheard-of shape, a full disk) ends no other source."""
    while True:
        try:
            await _run_once(store, source)
        except Exception as error:
            _log.error("source %s: %s", source.name, type(error).__name__)
            try:
                await asyncio.to_thread(tell, store, source.name, "failing", type(error).__name__)
            except Exception as second:  # the disk may be full
                _log.error("source %s: its state can't be kept (%s)", source.name, type(second).__name__)
        await asyncio.sleep(RESTART_S)


async def _run_once(store: Store, source: FhirSource | Hl7Source) -> None:
    if isinstance(source, Hl7Source):
        await listen(store, source)
    else:
        asker = Asker(source)
        try:
            await Poller(store, asker).run()
        finally:
            await asker.close()
