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
from altid.region import (
    certificates,
    checks,
    identities,
    layout,
    netns,
    processes,
    programs,
    schema,
    smalldisk,
)
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.programs import Programs
from altid.region.regionfile import read_region
from altid.region.status import Status, gather
from altid.region.topology import Place, Region

_POLL_S = 0.25

Tell = Callable[[str], None]
Prepare = Callable[[Layout, Region, Account], None]


async def up(
    where: Layout,
    region_file: Path | None,
    tell: Tell,
    *,
    in_netns: bool = False,
    prepare: Prepare | None = None,
) -> Status:
    """Start what doesn't run yet; gives the region's status. Raises `RegionError` or `PostgresError`.

    `prepare` writes what rooms above this one add to a place, such as its gateway, before anything starts.
    """
    _check_alone(where)
    in_netns = in_netns or netns.load(where.data) is not None
    _check(where, region := _region(where, region_file, in_netns), in_netns)
    account = accounts.choose(where.place(region.sites[0].name).postgres)
    found = programs.find(account)
    layout.check_reach(where, account)
    layout.make_folder(where.data, account)
    with layout.held(where.starting, account) as ours:
        if not ours:
            raise _started_twice(where)
        # Once more, now that nobody else can change what is looked at.
        waiting = _check(where, region := _region(where, region_file, in_netns), in_netns)
        layout.make(where, region, account)
        certificates.make(where, region, account)
        identities.spread(where, region, account)
        if prepare is not None:
            prepare(where, region, account)
        return await _start(where, region, account, found, waiting, tell, in_netns=in_netns)


def _check_alone(where: Layout) -> None:
    if layout.holder(where.starting) is not None:
        raise _started_twice(where)


def _started_twice(where: Layout) -> RegionError:
    process = layout.holder(where.starting)
    who = f" (process {process})" if process else ""
    return RegionError(
        f"Another `altid up`{who} is starting {where.data}: wait for that one, then see `altid status`."
    )


def _check(where: Layout, region: Region, in_netns: bool) -> list[Place]:
    """Raise `RegionError` if the region can't be started here; gives the places that don't run yet."""
    layout.check_ours(where, region)
    waiting = [place for place in region.places if layout.holder(where.place(place.name).lock) is None]
    checks.check_disk(where.data, region)
    checks.check_clock(where, region)
    if in_netns:
        netns.check(region)
        return waiting
    for place in waiting:
        checks.check_addresses(place)
    checks.check_lines(region)
    return waiting


async def _start(
    where: Layout,
    region: Region,
    account: Account,
    found: Programs,
    waiting: list[Place],
    tell: Tell,
    *,
    in_netns: bool,
) -> Status:
    """Start a supervisor for each place that waits, and wait until the region is whole."""
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
    return await whole(where, region, tell)


def start_place(where: Layout, place: Place, account: Account) -> None:
    """Start the place's supervisor, detached from this process and its terminal."""
    folders = where.place(place.name)
    smalldisk.attach(folders)
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


async def whole(where: Layout, region: Region, tell: Tell) -> Status:
    """Wait until there is a leader, complete its schema, and wait for standby and servers.

    Raises `RegionError` when that takes too long.
    """
    end = time.monotonic() + region.limits.start_s_max
    completed = False
    while True:
        status = await gather(where, region)
        if status.leader and not completed:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                steps = await schema.complete(where, region)
                completed = True
                tell(f"{status.leader} leads" + (f"; schema: {len(steps)} steps" if steps else ""))
        if (
            completed
            and status.durability == "two-sites"
            and all(site.state in ("live", "draining") for site in status.sites)
        ):
            return status
        if time.monotonic() > end:
            raise RegionError(
                f"The region is not whole after {region.limits.start_s_max:.0f} s ({status.summary()}): "
                f"see `altid status` and the logs in {where.data}."
            )
        await asyncio.sleep(_POLL_S)
