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
from altid.region.guardian.lease import LiveLease
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

    def __init__(
        self, site: Site, folders: PlaceFolders, secrets: Secrets, lease: LiveLease, tell: Tell
    ) -> None:
        self._apply = ApplyWatch(monitor_dsn(secrets, site))
        self._disk = DiskWatch(folders.postgres)
        self._tag = NoSyncTag(folders)
        self._lease, self._tell = lease, tell
        self._fitness = Fitness()
        self._tagged: bool | None = None
        """What Patroni's file said when it was last looked up; None: not yet."""

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

    @property
    def is_aside(self) -> bool:
        """Whether the leader may have been told not to wait for this site, as a standby."""
        return self._fitness.aside or self._tagged is not False

    def streamed_s(self, seen_s: float | None, *, is_seen: bool) -> float | None:
        """When the log was last received as far as that counts for the lease; None: it isn't.

        A stream that ends while its site can be seen may mean that the leader goes on alone. One that ends
        with its site is the loss of the site: the leader is gone, or waits until the standby's time is over,
        which is counted from when the site was last seen.
        """
        return self._apply.streamed_s if is_seen else seen_s

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
        is_known = False  # the supervisor writes Patroni's file before it starts anybody
        while True:
            if is_known:
                await self._step(judge(self._fitness, self._health()))
            elif is_known := await self._looked():
                self._fitness = Fitness(aside=bool(self._tagged), times=1, reason="it was so before")
            await asyncio.sleep(_JUDGE_EVERY_S)

    async def _step(self, fitness: Fitness) -> None:
        before, self._fitness = self._fitness, fitness
        if fitness.aside != before.aside:
            if fitness.aside:
                self._lease.end()  # before the leader can hear of it, and go on alone
            self._tell("set aside" if fitness.aside else "waited for", reason=fitness.reason)
        if await self._looked() and fitness.aside != self._tagged:
            await self._set(fitness.aside)

    async def _looked(self) -> bool:
        """Look up the tag; whether that could be done."""
        try:
            self._tagged = await asyncio.to_thread(self._tag.look)
        except (OSError, ValueError):
            return False
        return True

    async def _set(self, aside: bool) -> None:
        try:
            await asyncio.to_thread(self._tag.set, aside)
        except (OSError, ValueError) as error:
            self._tell("tag not set", reason=getattr(error, "strerror", None) or str(error))
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
