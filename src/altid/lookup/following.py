"""What keeps a copy up to date while it is answered from: the record's feed, systems of others, a spare.

Made in the background after the first page can be answered: what talks to the network takes a quarter of the
start to load, and there may be no network.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altid.lookup.copy import Copy
from altid.lookup.entry.line import Answer, LineDownError
from altid.lookup.settings import Settings

if TYPE_CHECKING:
    from altid.lookup.sync.line import Line as Sources
    from altid.lookup.sync.syncer import Syncer


class Following:
    """Of one process."""

    def __init__(self, copy: Copy, settings: Settings) -> None:
        self._copy, self._settings = copy, settings
        self._sources: Sources | None = None
        self._syncer: Syncer | None = None

    async def line(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Ask whichever source can be reached. Raises `LineDownError`, also until `run` has begun."""
        if self._sources is None:
            raise LineDownError
        return await self._sources(method, path, body)

    async def run(self) -> None:
        """For ever. Raises `CredentialsError`, `OSError` where the files of the sources can't be used."""
        from altid.lookup.keeping import Keeper

        if self._settings.sources and self._sources is None:
            self._sources = await asyncio.to_thread(self._open_line)
            self._syncer = self._made_syncer(self._sources)
        keeper = Keeper(self._copy, self._syncer.run if self._syncer else None)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keeper.run())
            if self._settings.beside:
                from altid.lookup.beside.running import run_sources

                tasks.create_task(run_sources(self._copy, self._settings.beside))

    async def close(self) -> None:
        """Hang up, in the loop that asked."""
        if self._sources is not None:
            await self._sources.close()

    def told(self) -> dict[str, Any] | None:
        """How the feed gets on, for programs and for the bar; None where nothing is followed yet."""
        if self._syncer is None:
            return None
        state = self._syncer.state
        return {
            "phase": state.phase,
            "done": state.done,
            "total": state.total,
            "per_s": round(state.per_s, 1),
            "source": state.source,
            "problem": state.problem,
            "differences": state.differences,
        }

    def _open_line(self) -> Sources:
        from altid.lookup.sync.credentials import read_credentials
        from altid.lookup.sync.line import Line as Sources

        return Sources(self._settings.sources, read_credentials(Path(self._settings.credentials)))

    def _made_syncer(self, sources: Sources) -> Syncer:
        from altid.lookup.sync.feed import Feed
        from altid.lookup.sync.syncer import Syncer

        return Syncer(self._copy, Feed(sources), self._settings.wards, named=lambda: sources.name)
