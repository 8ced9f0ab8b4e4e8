"""The faults that drills are made of, on a running region: each real, each healed by its own name.

site-kill     kill -9 of everything at a site: its supervisor, PostgreSQL, Patroni, etcd, guardian, servers
part-kill     kill -9 of one part; the supervisor starts it again, so there is nothing to heal
part-freeze   SIGSTOP of one part (and its children): the kernel still takes connections, nobody answers
site-freeze   SIGSTOP of everything at a site: a zombie when it thaws
apply-freeze  SIGSTOP of the process that applies the log at a standby: it receives all and shows nothing
site-silent   every packet to and from a place vanishes, its processes live (needs `altid up --netns`)
partition     every packet between two places vanishes (likewise)
slow-line     every packet between two places is late (likewise; see `line`)
lossy-line    packets between two places vanish, as many as asked for (likewise)
disk-full     a part's folder can't be written any more: ENOSPC (see `smalldisk`)
clock-jump    the place's wall clock jumps (see `clock`)
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
from altid.region import checks, clock, events, linefaults, netns, processes, smalldisk
from altid.region.error import RegionError
from altid.region.layout import Layout, PlaceFolders, holder
from altid.region.linefaults import LINE_FAULTS, Degree
from altid.region.restart import restart_place
from altid.region.shutdown import kill_place
from altid.region.startup import start_place
from altid.region.status import parts, read_faults
from altid.region.topology import Place, Region, Site

FAULTS = {
    "site-kill": "kill -9 of everything at a place (--site)",
    "site-freeze": "stop every process of a place without ending it (--site); heal thaws it",
    "site-silent": "packets to and from a place vanish (--site); only in a region started with --netns",
    "partition": "packets between two places vanish (--site A,B); likewise",
    "slow-line": "packets between two places are late (--site A,B --ms ROUND-TRIP [--jitter-ms]); likewise",
    "lossy-line": "packets between two places vanish (--site A,B --loss SHARE [--seed]); likewise",
    "part-kill": "kill -9 of one part (--site, --part); its supervisor starts it again",
    "part-freeze": "stop one part without ending it (--site, --part); heal thaws it",
    "apply-freeze": "a standby receives the log and doesn't apply it (--site); heal thaws it",
    "disk-full": "PostgreSQL's folder can't be written (--site [--part etcd|intents]); needs root",
    "clock-jump": "a place's wall clock jumps (--site --seconds); needs libfaketime",
}
"""What can be injected, with a line of explanation."""

_NEED_PART = ("part-kill", "part-freeze")
_APPLIER = b"startup"
"""What PostgreSQL calls the process that applies the log, in its command line."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that is or was in force."""

    name: str
    site: str
    part: str | None
    since: str


async def inject(
    where: Layout, region: Region, name: str, site: str, part: str | None, degree: Degree | None = None
) -> Fault:
    """Do it now; gives the fault. Raises `RegionError` for one that isn't known or can't be done here."""
    if name not in FAULTS:
        raise RegionError(f"There is no fault {name[:32]!r}: `altid fault list` names them.")
    degree = degree or Degree()
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    if name in LINE_FAULTS:
        fault = Fault(name, ",".join(_places(region, name, site)), None, moment)
    else:
        place = _place(region, site)
        fault = Fault(name, place.name, _part(where, place, name, part), moment)
    if (name, fault.site, fault.part) in [(one.name, one.site, one.part) for one in active(where)]:
        raise RegionError(f"{name} of {fault.site} is in force already.")
    _check(where, region, fault, degree)
    events.record(where.events, fault.site, "fault injected", fault=name, part=fault.part)
    await _do(where, region, fault, degree)
    if name != "part-kill":
        _remember(where, [*active(where), fault])
    return fault


def _check(where: Layout, region: Region, fault: Fault, degree: Degree) -> None:
    """Raise `RegionError` if the fault can't be made, before anything of it is."""
    if fault.name in _NEED_PART:
        _processes_of_part(where, region.place(fault.site), fault.part or "")
    if fault.name == "apply-freeze":
        _appliers(where.place(fault.site))
    if fault.name in LINE_FAULTS:
        _namespaces(where, fault)
        linefaults.check(fault.name, degree)
    if fault.name == "disk-full":
        smalldisk.check()
    if fault.name == "clock-jump":
        clock.check()


def _part(where: Layout, place: Place, name: str, part: str | None) -> str | None:
    """The part that the fault is about. Raises `RegionError`."""
    if name in _NEED_PART and part is None:
        raise RegionError(f"{name} needs --part: {', '.join(_part_names(where, place))}.")
    if name == "disk-full":
        part = part or ("postgres" if isinstance(place, Site) else "etcd")
        if part not in smalldisk.PARTS or (part != "etcd" and not isinstance(place, Site)):
            raise RegionError(f"disk-full wants --part {' or '.join(smalldisk.PARTS)} that {place.name} has.")
        return part
    return part if name in _NEED_PART else None


async def _do(where: Layout, region: Region, fault: Fault, degree: Degree) -> None:
    if fault.name in LINE_FAULTS:
        linefaults.make(_namespaces(where, fault), fault.name, fault.site.split(","), degree)
        return
    place, folders = region.place(fault.site), where.place(fault.site)
    match fault.name:
        case "site-kill":
            await kill_place(where, place)
        case "site-freeze":
            _signal(processes.of_place(folders.root), signal.SIGSTOP)
        case "apply-freeze":
            _signal(_appliers(folders), signal.SIGSTOP)
        case "disk-full":
            await prepare(where, region, fault.name, place, fault.part)
            smalldisk.fill(folders, fault.part or "postgres")
        case "clock-jump":
            await prepare(where, region, fault.name, place, None)
            clock.jump(folders.root, degree.seconds)
        case _:
            number = signal.SIGKILL if fault.name == "part-kill" else signal.SIGSTOP
            _signal(_processes_of_part(where, place, fault.part or ""), number)


async def prepare(where: Layout, region: Region, name: str, place: Place, part: str | None) -> None:
    """Start the place again so that the fault can happen to it while it runs; nothing if it can already."""
    folders = where.place(place.name)
    if name == "disk-full" and not smalldisk.is_small(folders, part or "postgres"):
        await restart_place(where, region, place, lambda: smalldisk.shrink(folders, part or "postgres"))
    if name == "clock-jump" and not clock.is_own(folders.root):
        await restart_place(where, region, place, lambda: clock.make_own(folders.root))


async def tidy(where: Layout, region: Region) -> list[str]:
    """Take away what `prepare` made, by starting those places again; gives their names."""
    if active(where):
        return []
    done = []
    for place in region.places:
        folders = where.place(place.name)
        if not smalldisk.any_small(folders) and not clock.is_own(folders.root):
            continue

        def ordinary(folders: PlaceFolders = folders) -> None:
            smalldisk.put_back(folders)
            clock.give_up(folders.root)

        await restart_place(where, region, place, ordinary)
        done.append(place.name)
    return done


def _places(region: Region, name: str, site: str) -> list[str]:
    places = [_place(region, one).name for one in site.split(",")]
    if len(set(places)) != LINE_FAULTS[name] or len(places) != LINE_FAULTS[name]:
        wanted = "two places, as in --site A,B" if LINE_FAULTS[name] == 2 else "one place"
        raise RegionError(f"{name} wants {wanted}.")
    return sorted(places)


def _namespaces(where: Layout, fault: Fault) -> netns.Namespaces:
    found = netns.load(where.data)
    if found is None:
        raise RegionError(f"{fault.name} needs a region started with --netns: here there is no line to cut.")
    return found


async def heal(
    where: Layout, region: Region, name: str | None = None, site: str | None = None
) -> list[Fault]:
    """Undo the faults of that name and place, or all; gives what was undone."""
    healed, left = [], []
    for fault in active(where):
        if name not in (None, fault.name) or site not in (None, fault.site):
            left.append(fault)
            continue
        _undo(where, region, fault)
        events.record(where.events, fault.site, "fault healed", fault=fault.name, part=fault.part)
        healed.append(fault)
    _remember(where, left)
    return healed


def _undo(where: Layout, region: Region, fault: Fault) -> None:
    if fault.name in LINE_FAULTS:
        found = netns.load(where.data)
        if found is not None:
            linefaults.mend(found, fault.name, fault.site.split(","))
        return
    place, folders = region.place(fault.site), where.place(fault.site)
    match fault.name:
        case "site-kill":
            if processes.of_place(folders.root):
                return  # somebody has started it already
            if netns.load(where.data) is None:
                checks.check_addresses(place)
            start_place(where, place, accounts.choose(where.place(region.sites[0].name).postgres))
        case "disk-full":
            if smalldisk.any_small(folders):
                smalldisk.empty(folders, fault.part or "postgres")
        case "clock-jump":
            if clock.is_own(folders.root):
                clock.jump(folders.root, 0.0)
        case _:
            _signal(processes.of_place(folders.root), signal.SIGCONT)


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


def _appliers(folders: PlaceFolders) -> list[int]:
    """The process that applies the log at a standby. Raises `RegionError` if there is none."""
    running = [one for one in processes.of_place(folders.root) if processes.is_postgres(one)]
    found = [one for one in running if _APPLIER in processes.command_line(one)]
    if not found:
        raise RegionError("apply-freeze wants the standby's site: here no process applies a log.")
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


__all__ = ["FAULTS", "Degree", "Fault", "active", "heal", "heal_later", "inject", "prepare", "tidy"]
