"""Sees that the file of a copy is whole, keeps a spare of it, and goes on with that when it is not."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from altid.lookup.copy import Copy
from altid.lookup.damage import CopyDamagedError, CopyFullError

EVERY_S = 3_600.0
"""So often the whole file is read, and the spare made anew: it is then an hour old at most, and what came
since is asked for again."""
_RETRY_S = 2.0
_BEDS_EVERY_S = 1.0
"""Rows of wards that have changed are made anew before somebody asks, or by whoever asks."""

_log = logging.getLogger("altid.lookup")


@dataclass(slots=True)
class Kept:
    """For whoever looks."""

    damaged: int = 0
    """How often the file was not whole since the start."""
    saved_s: float | None = None
    """When the spare was made (time.time())."""
    problem: str = ""


class Keeper:
    """Of one copy. `follow`: what brings it up to date for ever (`Syncer.run`); None: nothing does."""

    def __init__(
        self, copy: Copy, follow: Callable[[], Awaitable[None]] | None = None, *, every_s: float = EVERY_S
    ) -> None:
        self._copy, self._follow, self._every_s = copy, follow, every_s
        self._damaged = asyncio.Event()
        self.state = Kept()

    async def run(self) -> None:
        """Never ends by itself."""
        loop = asyncio.get_running_loop()
        self._copy.sessions.on_damage = lambda: _tell(loop, self._damaged)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._mend())
                tasks.create_task(self._check())
                tasks.create_task(self._make_beds())
                if self._follow is not None:
                    tasks.create_task(self._followed(self._follow))
        finally:
            self._copy.sessions.on_damage = _nothing

    async def check(self) -> None:
        """Once: read all of it, then save it."""
        try:
            if not await asyncio.to_thread(self._copy.is_whole):
                self._damaged.set()
                return
            await asyncio.to_thread(self._copy.save)
            self.state.problem, self.state.saved_s = "", time.time()
        except CopyDamagedError:
            self._damaged.set()
        except CopyFullError:
            self._hold("the spare could not be made: the disk is full")
        except OSError as error:
            self._hold(f"the spare could not be made: {error.strerror}")

    def _hold(self, problem: str) -> None:
        if problem != self.state.problem:
            _log.warning("%s", problem)
        self.state.problem = problem

    async def _followed(self, follow: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await follow()
            except CopyDamagedError:
                self._damaged.set()
                await asyncio.sleep(_RETRY_S)

    async def _mend(self) -> None:
        while True:
            await self._damaged.wait()
            self.state.damaged += 1
            _log.error("the copy is damaged: put aside, and gone on with the spare")
            try:
                if not await asyncio.to_thread(self._copy.recover):
                    _log.error("there is no good spare: the copy is loaded anew")
                self._damaged.clear()
            except OSError as error:
                self._hold(f"the spare could not be put in place: {error.strerror}")
                await asyncio.sleep(_RETRY_S)

    async def _check(self) -> None:
        """Soon after the start, since a power loss may have been before it; then now and again."""
        await asyncio.sleep(self._every_s * random.uniform(0.02, 0.05))
        while True:
            await self.check()
            await asyncio.sleep(self._every_s * random.uniform(0.8, 1.2))

    async def _make_beds(self) -> None:
        while True:
            with suppress(CopyDamagedError):  # `_mend` has been told
                await asyncio.to_thread(self._copy.make_beds)
            await asyncio.sleep(_BEDS_EVERY_S)


def _tell(loop: asyncio.AbstractEventLoop, damaged: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(damaged.set)


def _nothing() -> None:
    """Nobody sees to the file now."""
