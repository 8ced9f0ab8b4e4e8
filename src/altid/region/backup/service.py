"""The part `archive`: `python -m altid.region.backup.service DATA PLACE BIN`, as the service user.

Tasks beside each other: watch the sites, receive the log, take backups in their turn, pack the log, tell.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from altid.record.backup.catalogue import make_folder
from altid.record.backup.state import State, read_state, write_state
from altid.record.postgres import account as accounts
from altid.record.postgres.error import PostgresError
from altid.record.postgres.folder import write_owned
from altid.region import events
from altid.region.addresses import monitor_dsn, replication_dsn
from altid.region.backup.access import conninfo, write_passfile
from altid.region.backup.folder import backup_folder, owner_of, plan_of
from altid.region.backup.receiver import Receiver
from altid.region.backup.rota import Rota
from altid.region.backup.watch import Marks, Sight, Watch, leader_among
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region, load_secrets
from altid.region.regionfile import render_region

_WATCH_S = 1.0
"""Each look is written down durably, beside an etcd that must not wait for its disk."""

REGION_FILE = "region.toml"
"""A copy of the region file in the backup folder, for a restore where nothing else is left. No secrets."""


class Service:
    """Everything that the part does."""

    def __init__(self, where: Layout, place: str, bin_folder: Path) -> None:
        self._where, self._place = where, place
        self._region, secrets = load_region(where), load_secrets(where)
        self._account = accounts.current()
        self._folder = backup_folder(where, self._region)
        make_folder(self._folder, owner_of(self._region, secrets), self._account)
        write_owned(self._folder / REGION_FILE, render_region(self._region), self._account)
        work = where.place(place).root
        passfile = work / "pgpass"
        dsns = {site.name: replication_dsn(secrets, site) for site in self._region.sites}
        write_passfile(passfile, list(dsns.values()), self._account)
        conninfos = {name: conninfo(dsn, passfile) for name, dsn in dsns.items()}
        self._watches = [Watch(site, monitor_dsn(secrets, site)) for site in self._region.sites]
        self._sights: list[Sight] = []
        self._marks = Marks()
        before = read_state(self._folder)
        self._marks.archived_until = before.archived_until
        self._receiver = Receiver(
            self._folder, work, conninfos, self._account, bin_folder, self._leader, self._event
        )
        self._receiver.gap_at = before.gap_at
        self._rota = Rota(
            self._folder,
            work,
            conninfos,
            self._account,
            bin_folder,
            plan_of(self._region),
            lambda: self._sights,
            lambda: self._receiver.gap_at,
            self._event,
        )
        self._told = before

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._receiver.run())
            tasks.create_task(self._rota.run())
            tasks.create_task(self._rota.shelve())

    async def _watch(self) -> None:
        try:
            while True:
                seen = await asyncio.gather(*(watch.look() for watch in self._watches))
                self._sights = [sight for sight in seen if sight is not None]
                if leader := self._leader():
                    self._marks.note(leader)
                self._tell()
                await asyncio.sleep(_WATCH_S)
        finally:
            for watch in self._watches:
                watch.close()

    def _leader(self) -> Sight | None:
        return leader_among(self._sights)

    def _tell(self) -> None:
        leader = self._leader()
        streams = leader is not None and leader.archived is not None
        state = State(
            "streaming" if streams else "connecting",
            self._marks.archived_until,
            self._receiver.source,
            self._receiver.gap_at,
            self._rota.reason or ("" if streams else self._receiver.reason),
        )
        if state.state != self._told.state:
            self._event(f"archive {state.state}", source=state.source, reason=state.reason)
        if state != self._told:
            with suppress(OSError):  # a full disk: then receiving fails as well, and the sites keep the log
                write_state(self._folder, state, self._account)
                self._told = replace(state)

    def _event(self, event: str, **detail: Any) -> None:
        events.record(self._where.events, self._place, event, **detail)


async def _main(where: Layout, place: str, bin_folder: Path) -> None:
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await Service(where, place, bin_folder).run()


def main(data: str, place: str, bin_folder: str) -> int:
    """Archive until told to stop; 1 when the folder can't be used."""
    try:
        asyncio.run(_main(Layout(Path(data)), place, Path(bin_folder)))
    except (PostgresError, RegionError) as error:
        print(error, file=sys.stderr)  # noqa: T201  into the part's log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3]))
