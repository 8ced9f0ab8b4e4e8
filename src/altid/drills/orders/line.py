"""The bad line of a drill: requests come late, twice, and out of order; answers are lost after the commit.

It lies between a client and a gateway, so what the record has done and what the client was told differ, as
they do when a network fails. A copy that comes late may come after newer requests: that is the reordering.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from altid.region.http import Answer, HttpError

Ask = Callable[[], Awaitable[Answer]]

_COPIES_MAX = 500
"""More are never underway: a drill must end."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the line is. Shares are of requests, from 0 to 1."""

    late_s_max: float = 0.0
    """Every request is late, up to so long."""
    copied: float = 0.0
    """So many are sent a second time."""
    copy_late_s_max: float = 0.0
    """And that much later, perhaps after newer ones."""
    lost: float = 0.0
    """Of so many the answer is lost on its way back."""
    unsent: float = 0.0
    """So many never arrive anywhere."""


FAIR = Weather()


@dataclass(slots=True)
class Line:
    """One client's line. Set `weather` whenever it shall change."""

    dice: random.Random
    weather: Weather = FAIR
    _copies: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, ask: Ask, copy: Callable[[], Awaitable[None]]) -> Answer:
        """Send a request by `ask`; gives its answer. Raises `HttpError` also for an answer that is lost.

        `copy` sends the same request once more and remembers what it was told.
        """
        weather = self.weather
        await asyncio.sleep(self.dice.uniform(0.0, weather.late_s_max))
        if self.dice.random() < weather.copied and len(self._copies) < _COPIES_MAX:
            late_s = self.dice.uniform(0.0, weather.copy_late_s_max)
            task = asyncio.create_task(_later(late_s, copy))
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)
        is_lost, is_unsent = (self.dice.random() < share for share in (weather.lost, weather.unsent))
        if is_unsent:
            raise HttpError("the request was lost")
        answer = await ask()
        if is_lost:
            raise HttpError("the answer was lost")
        return answer

    async def settle(self) -> None:
        """Wait for the copies that are underway."""
        await asyncio.gather(*self._copies)


async def _later(late_s: float, copy: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(late_s)
    await copy()
