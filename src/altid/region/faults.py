"""The faults that drills are made of, on a running region: each real, each healed by its own name.

site-kill     kill -9 of everything at a site: its supervisor, PostgreSQL, Patroni, etcd, guardian, servers
part-kill     kill -9 of one part; the supervisor starts it again, so there is nothing to heal
site-silent   every packet to and from a place vanishes, its processes live (needs `altid up --netns`)
partition     every packet between two places vanishes (likewise)
part-freeze   SIGSTOP of one part (and its children): the kernel still takes connections, nobody answers
site-freeze   SIGSTOP of everything at a site: a zombie when it thaws
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region import checks, events, netns, processes
from altid.region.error import RegionError
from altid.region.layout import Layout, holder
from altid.region.shutdown import kill_place
from altid.region.startup import start_place
from altid.region.status import parts, read_faults
from altid.region.topology import Place, Region, Site

FAULTS = {
    "site-kill": "kill -9 of everything at a place (--site)",
    "site-freeze": "stop every process of a place without ending it (--site); heal thaws it",
    "site-silent": "packets to and from a place vanish (--site); only in a region started with --netns",
    "partition": "packets between two places vanish (--site A,B); likewise",
    "part-kill": "kill -9 of one part (--site, --part); its supervisor starts it again",
    "part-freeze": "stop one part without ending it (--site, --part); heal thaws it",
}
"""What can be injected, with a line of explanation."""

_LINE_FAULTS = {"site-silent": 1, "partition": 2}
"""Faults of lines, and how many places each names."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that is or was in force."""

    name: str
    site: str
    part: str | None
    since: str


async def inject(where: Layout, region: Region, name: str, site: str, part: str | None) -> Fault:
    """Do it now; gives the fault. Raises `RegionError` for one that isn't known or can't be done here."""
    if name not in FAULTS:
        raise RegionError(f"There is no fault {name[:32]!r}: `altid fault list` names them.")
    if name in _LINE_FAULTS:
        return _cut(where, region, name, site)
    place = _place(region, site)
    if name.startswith("part-") and part is None:
        raise RegionError(f"{name} needs --part: {', '.join(_part_names(where, place))}.")
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    fault = Fault(name, place.name, part if name.startswith("part-") else None, moment)
    events.record(where.events, place.name, "fault injected", fault=name, part=fault.part)
    if name == "site-kill":
        await kill_place(where, place)
    elif name == "site-freeze":
        _signal(processes.of_place(where.place(place.name).root), signal.SIGSTOP)
    else:
        number = signal.SIGKILL if name == "part-kill" else signal.SIGSTOP
        _signal(_processes_of_part(where, place, part or ""), number)
    if name != "part-kill":
        _remember(where, [*active(where), fault])
    return fault


def _cut(where: Layout, region: Region, name: str, site: str) -> Fault:
    """Cut a line, in the router between the namespaces."""
    found = netns.load(where.data)
    if found is None:
        raise RegionError(f"{name} needs a region started with --netns: here there is no line to cut.")
    places = [_place(region, one).name for one in site.split(",")]
    if len(set(places)) != _LINE_FAULTS[name]:
        wanted = "two places, as in --site A,B" if _LINE_FAULTS[name] == 2 else "one place"
        raise RegionError(f"{name} wants {wanted}.")
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    fault = Fault(name, ",".join(places), None, moment)
    if fault.site in [one.site for one in active(where) if one.name == name]:
        raise RegionError(f"{name} of {fault.site} is in force already.")
    _set_line(found, fault, cut=True)
    events.record(where.events, fault.site, "fault injected", fault=name, part=None)
    _remember(where, [*active(where), fault])
    return fault


def _set_line(found: netns.Namespaces, fault: Fault, *, cut: bool) -> None:
    if fault.name == "site-silent":
        netns.silence(found, fault.site, cut=cut)
        return
    one, other = fault.site.split(",")
    netns.part(found, one, other, cut=cut)


async def heal(where: Layout, region: Region, name: str | None = None) -> list[Fault]:
    """Undo the faults of that name, or all; gives what was undone."""
    healed, left = [], []
    for fault in active(where):
        if name is not None and fault.name != name:
            left.append(fault)
            continue
        _undo(where, region, fault)
        events.record(where.events, fault.site, "fault healed", fault=fault.name, part=fault.part)
        healed.append(fault)
    _remember(where, left)
    return healed


def _undo(where: Layout, region: Region, fault: Fault) -> None:
    if fault.name in _LINE_FAULTS:
        found = netns.load(where.data)
        if found is not None:
            _set_line(found, fault, cut=False)
        return
    place = region.place(fault.site)
    if fault.name == "site-kill":
        if processes.of_place(where.place(place.name).root):
            return  # somebody has started it already
        if netns.load(where.data) is None:
            checks.check_addresses(place)
        start_place(where, place, accounts.choose(where.place(region.sites[0].name).postgres))
    else:
        _signal(processes.of_place(where.place(place.name).root), signal.SIGCONT)


async def heal_later(where: Layout, region: Region, fault: Fault, seconds: float) -> None:
    """Wait and undo this kind of fault."""
    await asyncio.sleep(seconds)
    await heal(where, region, fault.name)


def _place(region: Region, name: str) -> Place:
    try:
        return region.place(name)
    except KeyError:
        names = ", ".join(place.name for place in region.places)
        raise RegionError(f"The region has no place {name[:32]!r}: {names}.") from None


def _part_names(where: Layout, place: Place) -> list[str]:
    names = list(parts(where, place))
    return ["supervisor", *names, *(["postgres"] if isinstance(place, Site) else [])]


def _processes_of_part(where: Layout, place: Place, part: str) -> list[int]:
    """The part's processes; for PostgreSQL all of it. Raises `RegionError` if it doesn't run."""
    folders = where.place(place.name)
    if part == "postgres":
        found = [one for one in processes.of_place(folders.root) if processes.is_postgres(one)]
    elif part == "supervisor":
        found = _supervisor(where, place)
    else:
        told = parts(where, place).get(part)
        found = [told["pid"]] if told and told["pid"] else []
    if not found:
        known = ", ".join(_part_names(where, place))
        raise RegionError(f"{place.name} has no running part {part[:32]!r}: {known}.")
    return found


def _supervisor(where: Layout, place: Place) -> list[int]:
    found = holder(where.place(place.name).lock)
    return [found] if found is not None else []


def _signal(found: Sequence[int], number: signal.Signals) -> None:
    for process in found:
        processes.send(process, number)


def active(where: Layout) -> list[Fault]:
    """The faults that are in force."""
    return [Fault(**fault) for fault in read_faults(where)]


def _remember(where: Layout, faults: Sequence[Fault]) -> None:
    account = accounts.choose(where.data) if os.geteuid() == 0 else accounts.current()
    write_owned(where.faults, json.dumps([asdict(fault) for fault in faults]), account)
