"""Asks the region once a second at most, however many look, and never makes one who looks wait for long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

FRESH_S = 1.0
"""A picture so old is shown as it is; the next one who looks causes a new question."""

WAIT_S_MAX = 1.5
"""A question takes a second at most; whoever has waited longer is shown the picture before, with its age."""

OLD_S = 4.0
"""A picture older than this is called old: questions are asked and get no answer."""

_ASK_S_MAX = 10.0
"""A question that hangs longer is given up, so that the next may do better."""

Picture = dict[str, Any]

_log = logging.getLogger("altid.region.page")


class Asked(NamedTuple):
    """A picture and when it was asked for, on the clock that the `Asker` has."""

    picture: Picture
    at_s: float
    number: int
    """Counts the pictures, so that what was made of one can be kept for the next who looks."""


class Asker:
    """Keeps the newest picture. `ask` may fail or hang; then the one before is kept."""

    def __init__(
        self, ask: Callable[[], Awaitable[Picture]], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._now_s = ask, now_s
        self._newest: Asked | None = None
        self._question: asyncio.Task[None] | None = None

    async def newest(self, wait_s_max: float = WAIT_S_MAX) -> Asked | None:
        """The newest picture there is; None when there never was one."""
        if self._newest is not None and self.age_s(self._newest) < FRESH_S:
            return self._newest
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._once())
        await asyncio.wait({self._question}, timeout=wait_s_max)
        return self._newest

    def age_s(self, asked: Asked) -> float:
        return self._now_s() - asked.at_s

    async def close(self) -> None:
        """End the question that is underway."""
        if self._question is not None:
            self._question.cancel()
            await asyncio.wait({self._question})

    async def _once(self) -> None:
        at_s = self._now_s()
        try:
            async with asyncio.timeout(_ASK_S_MAX):
                picture = await self._ask()
        except Exception as error:
            _log.error("the region could not be asked: %s", type(error).__name__)
            return
        self._newest = Asked(picture, at_s, self._newest.number + 1 if self._newest else 1)
