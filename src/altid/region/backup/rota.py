"""Base backups in their turn: taken when due or asked for, from the standby if there is one; old ones go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from altid.record.backup import take
from altid.record.backup.catalogue import Backup, read_backups
from altid.record.backup.prune import prune
from altid.record.backup.schedule import Due, Plan, due, wished
from altid.record.backup.wal import shelve
from altid.record.postgres.account import Account
from altid.record.postgres.error import PostgresError
from altid.region.backup import ask
from altid.region.backup.watch import Sight

_LOOK_S = 1.0
_RETRY_S = 300.0
"""After a failure. Whoever asks with `altid backup now` need not wait for it."""

_SHELVE_S = 5.0

Tell = Callable[..., None]


class Rota:
    """The turns of one archive. `sights` gives the sites that answer, `gap_at` when the log had a gap."""

    def __init__(
        self,
        folder: Path,
        work: Path,
        conninfos: dict[str, str],
        account: Account,
        bin_folder: Path,
        plan: Plan,
        sights: Callable[[], list[Sight]],
        gap_at: Callable[[], datetime | None],
        tell: Tell,
    ) -> None:
        self._folder, self._work, self._conninfos = folder, work, conninfos
        self._account, self._bin, self._plan = account, bin_folder, plan
        self._sights, self._gap_at, self._tell = sights, gap_at, tell
        self._retry_s = 0.0
        self.reason = ""

    async def run(self) -> None:
        """Take what is due, for ever."""
        await asyncio.to_thread(take.clear_unfinished, self._folder)
        while True:
            await asyncio.sleep(_LOOK_S)
            wish = ask.read_wish(self._folder)
            streams = any(sight.primary and sight.archived is not None for sight in self._sights())
            if not streams:  # a base backup without the log after it brings nothing back
                continue
            backups = await asyncio.to_thread(read_backups, self._folder)
            if wish is not None:
                await self._turn(wished(wish.kind, backups, self._gap_at()), wish)
            elif time.monotonic() >= self._retry_s and (
                now_due := due(backups, datetime.now(UTC), self._plan, gap_at=self._gap_at())
            ):
                await self._turn(now_due, None)

    async def shelve(self) -> None:
        """Pack complete segments as they come, for ever."""
        while True:
            try:
                await asyncio.to_thread(shelve, self._folder)
            except OSError as error:  # a full disk: receiving fails too, and says so
                self.reason = f"the log cannot be packed: {error.strerror}"
            await asyncio.sleep(_SHELVE_S)

    async def _turn(self, todo: Due, wish: ask.Wish | None) -> None:
        try:
            backup = await self._take(todo)
        except PostgresError as error:
            self.reason = str(error)
            self._retry_s = time.monotonic() + _RETRY_S
            self._tell("backup failed", kind=todo.kind, reason=self.reason)
            ask.answer(self._folder, wish, None, self.reason, self._account)
            return
        self.reason = ""
        self._tell("backup taken", name=backup.name, bytes=backup.bytes, source=backup.source)
        for gone in await asyncio.to_thread(prune, self._folder, self._plan, datetime.now(UTC)):
            self._tell("backup removed", name=gone.name)
        ask.answer(self._folder, wish, backup.name, "", self._account)

    async def _take(self, todo: Due) -> Backup:
        """From the standby, else from the leader; and a full one if an incremental can't be had.

        A standby may have had no checkpoint since the last one, and summaries of the log end after ten days.
        """
        sights = sorted(self._sights(), key=lambda sight: sight.primary)
        last = PostgresError("No site answers.")
        for kind in dict.fromkeys((todo.kind, "full")):
            for sight in sights:
                wish = todo if kind == todo.kind else Due("full")
                name = sight.site.name
                try:
                    return await take.take(
                        self._folder,
                        wish,
                        self._conninfos[name],
                        name,
                        self._account,
                        self._bin,
                        self._work,
                    )
                except PostgresError as error:
                    last = error
                    self._tell("backup not taken there", site=name, kind=wish.kind, reason=str(error))
        raise last
