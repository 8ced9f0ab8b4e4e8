"""`altid up`: check, make the folders, start a supervisor for each place, wait until the region is whole."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg

from altid.record.postgres import account as accounts
from altid.record.postgres import launch
from altid.record.postgres.account import Account
from altid.region import checks, layout, netns, processes, programs, schema
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.regionfile import read_region
from altid.region.status import Status, gather
from altid.region.topology import Place, Region

_POLL_S = 0.25

Tell = Callable[[str], None]


async def up(where: Layout, region_file: Path | None, tell: Tell, *, in_netns: bool = False) -> Status:
    """Start what doesn't run yet; gives the region's status. Raises `RegionError` or `PostgresError`."""
    in_netns = in_netns or netns.load(where.data) is not None
    region = _region(where, region_file, in_netns)
    layout.check_ours(where, region)
    account = accounts.choose(where.place(region.sites[0].name).postgres)
    found = programs.find(account)
    waiting = [place for place in region.places if layout.holder(where.place(place.name).lock) is None]
    checks.check_disk(where.data, region)
    if in_netns:
        netns.check(region)
    for place in waiting:
        if not in_netns:
            checks.check_addresses(place)
    layout.make(where, region, account)
    if in_netns:
        netns.make(where.data, region)
    if not found.etcd_is_sound:
        version = ".".join(map(str, found.etcd_version))
        tell(f"etcd {version} may lose consistency after a crash: for a demonstration only (3.5.3 mends it).")
    for place in waiting:
        start_place(where, place, account)
        tell(f"{place.name} at {place.host} is started")
    for place in region.places:
        if place not in waiting:
            tell(f"{place.name} at {place.host} runs already")
    return await _whole(where, region, tell)


def start_place(where: Layout, place: Place, account: Account) -> None:
    """Start the place's supervisor, detached from this process and its terminal."""
    folders = where.place(place.name)
    log = os.open(
        folders.log / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    try:
        if os.geteuid() == 0:
            os.fchown(log, account.uid, account.gid)
        program = [sys.executable, "-m", "altid.region.supervisor", str(where.data), place.name]
        inside = netns.entering(netns.load(where.data), place.name)
        command = [*inside, *launch.command(account, folders.root, program)]
        environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
        os.posix_spawn(
            command[0],
            command,
            environment | {processes.MARK: str(folders.root)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)


def _region(where: Layout, region_file: Path | None, in_netns: bool) -> Region:
    """The region of the file; else the one that the data folder has; else the built-in one."""
    if region_file is not None:
        return read_region(region_file)
    if where.marker.is_file():
        return layout.load_region(where)
    return builtin_netns_region(netns.free_prefix()) if in_netns else builtin_region()


async def _whole(where: Layout, region: Region, tell: Tell) -> Status:
    """Wait until there is a leader, complete its schema, and wait for standby and servers."""
    end = time.monotonic() + region.limits.start_s_max
    secrets = layout.load_secrets(where)
    completed = False
    while True:
        status = await gather(where, region)
        if status.leader and not completed:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                steps = await schema.complete(region, secrets)
                completed = True
                tell(f"{status.leader} leads" + (f"; schema: {len(steps)} steps" if steps else ""))
        if (
            completed
            and status.durability == "two-sites"
            and all(site.state == "live" for site in status.sites)
        ):
            return status
        if time.monotonic() > end:
            raise RegionError(
                f"The region is not whole after {region.limits.start_s_max:.0f} s ({status.summary()}): "
                f"see `altid status` and the logs in {where.data}."
            )
        await asyncio.sleep(_POLL_S)
