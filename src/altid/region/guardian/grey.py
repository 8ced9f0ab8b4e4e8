"""Grey failures of this very site: a disk that can't be written, a log that isn't applied.

What is found is told to the other site's guardian (it takes the lead from one that can't write), and a
standby that would hold up every commit sets itself aside (`fitness`, `tag`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from altid.region.addresses import monitor_dsn
from altid.region.guardian.apply import ApplyWatch
from altid.region.guardian.disk import DiskWatch
from altid.region.guardian.fitness import Fitness, Health, judge
from altid.region.guardian.tag import NoSyncTag
from altid.region.layout import PlaceFolders, Secrets
from altid.region.topology import Site

UNWRITABLE_S = 3.0
"""A disk that fails for so long is full, and no hiccup."""

YIELDING_LEASE_S = 0.2
"""A leader that can't write may lose the lead at any moment: its site's right to answer is renewed for no
longer than the other site needs from taking the lead to its first write (0.25 s at least, in bare trials)."""

_JUDGE_EVERY_S = 0.25

Tell = Callable[..., None]


def yielding_lease_s(s: float, unwritable_s: float | None, asked_s: float, now_s: float) -> float:
    """The lease of a leader that may be relieved while it lives: shorter well before it can be."""
    if unwritable_s is None or unwritable_s < UNWRITABLE_S / 2:
        return s
    return min(s, asked_s + YIELDING_LEASE_S - now_s)


class GreyWatch:
    """The deep checks of one site's own."""

    def __init__(self, site: Site, folders: PlaceFolders, secrets: Secrets, tell: Tell) -> None:
        self._apply = ApplyWatch(monitor_dsn(secrets, site))
        self._disk = DiskWatch(folders.postgres)
        self._tag = NoSyncTag(folders)
        self._tell = tell
        self._fitness = Fitness()
        self._tagged = False

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._apply.run())
            tasks.create_task(self._disk.run())
            tasks.create_task(self._judge())

    def full(self) -> str:
        """Why this site can't write either, or nothing."""
        return f"this site's disk can't be written: {self._disk.reason}" if self._disk.reason else ""

    def lease_s(self, s: float, asked_s: float) -> float:
        """The live lease that a leader with such a disk may have, of the `s` seconds that it would get.

        `asked_s`: when the question was sent to which a quorum answered that it leads.
        """
        now_s = time.monotonic()
        return yielding_lease_s(s, self._disk.unwritable_s(now_s), asked_s, now_s)

    def answer(self) -> dict[str, Any]:
        """What the guardian tells of it."""
        now_s = time.monotonic()
        behind_s, unwritable_s = self._apply.backlog.behind_s(now_s), self._disk.unwritable_s(now_s)
        return {
            "behind_s": None if behind_s is None else round(behind_s, 2),
            "unwritable_s": None if unwritable_s is None else round(unwritable_s, 2),
            "breaks": self._apply.breaks(now_s),
            "set_aside": self._fitness.reason if self._fitness.aside else "",
        }

    async def _judge(self) -> None:
        """Keep Patroni's tag as the judgement says, whatever happened to either."""
        self._tagged = await self._prepared()
        self._fitness = Fitness(aside=self._tagged, times=1, reason="it was so before")
        while True:
            await asyncio.sleep(_JUDGE_EVERY_S)
            before, self._fitness = self._fitness, judge(self._fitness, self._health())
            if self._fitness.aside != before.aside:
                self._tell("set aside" if self._fitness.aside else "waited for", reason=self._fitness.reason)
            if self._fitness.aside != self._tagged:
                await self._set(self._fitness.aside)

    async def _prepared(self) -> bool:
        """Wait for Patroni's file, which the supervisor writes before it starts anybody."""
        while True:
            try:
                return await asyncio.to_thread(self._tag.prepare)
            except (OSError, ValueError):
                await asyncio.sleep(_JUDGE_EVERY_S)

    async def _set(self, aside: bool) -> None:
        try:
            await asyncio.to_thread(self._tag.set, aside)
        except OSError as error:
            self._tell("tag not set", reason=error.strerror)
            await asyncio.sleep(1.0)
        else:
            self._tagged = aside

    def _health(self) -> Health:
        now_s = time.monotonic()
        return Health(
            now_s=now_s,
            standby=self._apply.standby,
            behind_s=self._apply.backlog.behind_s(now_s),
            unwritable_s=self._disk.unwritable_s(now_s),
            breaks=self._apply.breaks(now_s),
            streams=self._apply.streams,
        )
