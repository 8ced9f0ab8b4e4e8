"""Receive the log from whoever leads, with pg_receivewal and a replication slot that both sites keep.

pg_receivewal follows a change of timeline by itself. Two things it can't do, and this does: go on when it has
log that the new leader never had (it is set aside), and go on after a gap (when the witness was away for
longer than the sites keep log for it).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from altid.record.backup.take import end, program_environment
from altid.record.backup.wal import position, set_aside, shelve_all
from altid.record.postgres import launch
from altid.record.postgres.account import Account
from altid.region.backup.access import SLOT
from altid.region.backup.watch import Sight

_PAUSE_S_MIN, _PAUSE_S_MAX = 0.2, 5.0
_LOOK_S = 0.2
_HEALTHY_S = 10.0
_REASON_CHARACTERS_MAX = 200

_FORKED = re.compile(r"forked from timeline (\d+) at ([0-9A-F]+/[0-9A-F]+)")
_GONE = re.compile(r"has already been removed|invalidated|can no longer (get|access)")

Tell = Callable[..., None]


class Receiver:
    """One archive's receiving end. `leader` gives who leads now; `tell` takes events."""

    def __init__(
        self,
        folder: Path,
        work: Path,
        conninfos: dict[str, str],
        account: Account,
        bin_folder: Path,
        leader: Callable[[], Sight | None],
        tell: Tell,
    ) -> None:
        self._folder, self._work, self._conninfos = folder, work, conninfos
        self._account, self._bin, self._leader, self._tell = account, bin_folder, leader, tell
        self.source: str | None = None
        self.reason = ""
        self.gap_at: datetime | None = None

    async def run(self) -> None:
        """Follow the leader for ever."""
        pause_s = _PAUSE_S_MIN
        loop = asyncio.get_running_loop()
        while True:
            leader = self._leader()
            if leader is None:
                self.reason = "no site leads"
                await asyncio.sleep(_LOOK_S)
                continue
            began_s = loop.time()
            said = await self._receive(leader)
            self.source = None
            pause_s = _PAUSE_S_MIN if loop.time() - began_s > _HEALTHY_S else min(pause_s * 2, _PAUSE_S_MAX)
            if await self.mend(said):
                pause_s = _PAUSE_S_MIN
            await asyncio.sleep(pause_s)

    async def _receive(self, leader: Sight) -> str:
        """Receive from this leader until that ends or another one leads; gives what the program said."""
        process = await asyncio.create_subprocess_exec(
            *launch.command(self._account, self._work, self._command(leader), tied=True),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=program_environment(),
            start_new_session=True,
        )
        self.source = leader.site.name
        listening = asyncio.create_task(process.communicate())
        try:
            while not listening.done():
                now = self._leader()
                if now is not None and now.site.name != leader.site.name:
                    break
                await asyncio.wait([listening], timeout=_LOOK_S)
        finally:
            await end(process)
        _, said = await listening
        return said.decode("utf-8", "replace")

    def _command(self, leader: Sight) -> list[str]:
        return [
            str(self._bin / "pg_receivewal"),
            "--dbname",
            self._conninfos[leader.site.name],
            "--no-password",
            "--slot",
            SLOT,
            "--directory",
            str(self._folder / "incoming"),
            "--synchronous",
            "--no-loop",
            "--status-interval",
            "1",
        ]

    async def mend(self, said: str) -> bool:
        """Clear what stands in the way of going on; whether there was something."""
        errors = [line for line in said.splitlines() if "rror" in line or "FATAL" in line]
        self.reason = (errors or [""])[0].strip()[:_REASON_CHARACTERS_MAX]
        if fork := _FORKED.search(said):
            count = await asyncio.to_thread(set_aside, self._folder, int(fork[1]), position(fork[2]))
            self._tell("archive set log aside", timeline=int(fork[1]), left_at=fork[2], segments=count)
            return count > 0
        if _GONE.search(said) and any((self._folder / "incoming").iterdir()):
            await asyncio.to_thread(shelve_all, self._folder)
            self.gap_at = datetime.now(UTC)
            self._tell("archive has a gap", reason=self.reason)
            return True
        return False
