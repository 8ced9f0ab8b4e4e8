"""`altid down`: stop the places in an order that moves no lead, and see that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from altid.region import clock, events, layout, line, netns, processes, smalldisk
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.status import gather
from altid.region.topology import Place, Region

_STOP_S_MAX = 75.0
"""A supervisor gives its parts 30 s each at most, in order; what is not gone then is killed."""

_EXIT_S_MAX = 3.0
"""Between letting go of its lock and being gone a supervisor does nothing more."""

_POLL_S = 0.05


async def down(where: Layout) -> list[str]:
    """Stop everything; gives the places that ran. Raises `RegionError` if something won't end."""
    region = layout.load_region(where)
    stopped = []
    for place in await _order(where, region):
        if await stop_place(where, place):
            stopped.append(place.name)
    left = [
        process for place in region.places for process in processes.of_place(where.place(place.name).root)
    ]
    if left:
        raise RegionError(
            f"{len(left)} processes of {where.data} do not end, even by force: is its disk dead?"
        )
    _clear_faults(where, region)
    return stopped


def _clear_faults(where: Layout, region: Region) -> None:
    """What faults have made is no part of a region that is down: slow lines, small disks, other clocks."""
    found = netns.load(where.data)
    if found is not None:
        line.stop_all(found)
    netns.remove(where.data)
    for place in region.places:
        folders = where.place(place.name)
        smalldisk.put_back(folders)
        clock.give_up(folders.root)


async def _order(where: Layout, region: Region) -> list[Place]:
    """The standby first, then the leader, and the witness last: so nobody takes a lead over meanwhile."""
    leader = None
    with suppress(RegionError):  # without an identity nobody answers, and even so it can be stopped
        leader = (await gather(where, region)).leader
    sites = sorted(region.sites, key=lambda site: site.name == leader)
    return [*sites, region.witness]


async def stop_place(where: Layout, place: Place) -> bool:
    """Stop one place, by force if need be; false if nothing of it ran."""
    folders = where.place(place.name)
    supervisor = layout.holder(folders.lock)
    ran = supervisor is not None or bool(processes.of_place(folders.root))
    if supervisor is not None:
        processes.send(supervisor, signal.SIGCONT)
        processes.send(supervisor, signal.SIGTERM)
        end = time.monotonic() + _STOP_S_MAX
        await until(lambda: layout.holder(folders.lock) is None, end)
        await until(lambda: not processes.of_place(folders.root), time.monotonic() + _EXIT_S_MAX)
    if processes.of_place(folders.root):
        await kill_place(where, place)
    return ran


async def until(holds: Callable[[], bool], end_s: float) -> bool:
    """Wait until it holds, or until the monotonic clock shows `end_s`; whether it holds."""
    while not (true := holds()) and time.monotonic() < end_s:  # noqa: ASYNC110  others' processes
        await asyncio.sleep(_POLL_S)
    return true


async def kill_place(where: Layout, place: Place) -> int:
    """kill -9 everything of a place, the supervisor first so that it restarts nothing; gives how many."""
    folders = where.place(place.name)
    killed: set[int] = set()
    supervisor = layout.holder(folders.lock)
    if supervisor is not None and processes.send(supervisor, signal.SIGKILL):
        killed.add(supervisor)
    end = time.monotonic() + _STOP_S_MAX
    while (left := processes.of_place(folders.root)) and time.monotonic() < end:
        for process in left:
            if process != os.getpid() and processes.send(process, signal.SIGKILL):
                killed.add(process)
        await asyncio.sleep(_POLL_S)
    events.record(where.events, place.name, "place killed", processes=len(killed))
    return len(killed)
