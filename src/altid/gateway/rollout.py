"""A site's servers restarted one by one behind the gateway, with nothing dropped; and whole sites drained.

Each server is drained (no new requests), its last request is waited for, its supervisor starts it again, and
it gets requests again once it is ready. Whatever goes wrong, nothing stays drained by a rollout: it is the
gateway's health checks that keep requests away from a server that isn't well.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from altid.gateway import admin, files
from altid.gateway.clusters import OTHER
from altid.gateway.plan import Server, servers_of
from altid.record.postgres import account as accounts
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region import events, layout, processes
from altid.region.drained import Drained, read_drained
from altid.region.error import RegionError
from altid.region.http import get_json
from altid.region.layout import Layout
from altid.region.status import parts
from altid.region.topology import Region, Site

_DRAIN_S_MAX = 45.0
"""For the requests that are underway: a little longer than the gateway waits for any answer."""

_TAKEN_OVER_S_MAX = 10.0
"""Envoy takes a changed file over in milliseconds."""

_STOP_S_MAX = 20.0
"""The supervisor kills a server that hasn't ended 15 s after it was asked to."""

_ASK_S_MAX = 1.0
_POLL_S = 0.1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rolled:
    """One server that was restarted, and how long each step took, in seconds."""

    site: str
    server: str
    drained_s: float
    restarted_s: float
    serving_s: float


async def roll(
    where: Layout, region: Region, site: str | None = None, tell: Tell | None = None
) -> list[Rolled]:
    """Restart the servers of the site (or of every site that runs here) one by one.

    Gives what was done, in order. Raises `RegionError` before anything is touched when a server would be
    missed, and at the first server that doesn't come back; those after it are left as they were.
    """
    say = tell or (lambda _line: None)
    chosen = _sites(where, region, site)
    async with _alone(where, region) as account:
        for one in chosen:
            await _check(where, region, one, account)
        rolled = []
        for one in chosen:
            for server in _in_turn(servers_of(one, read_drained(where, one))):
                rolled.append(await _roll_one(where, region, one, server, account))
                last = rolled[-1]
                say(
                    f"{one.name} {server.name}: drained in {last.drained_s:.1f} s, restarted in "
                    f"{last.restarted_s:.1f} s, serving after {last.serving_s:.1f} s"
                )
    return rolled


async def drain_site(where: Layout, region: Region, name: str, *, drained: bool) -> None:
    """Let the other site answer this one's requests, or its own servers again.

    A drained site stays a spare: it answers when the other one can't. Raises `RegionError` when the other
    site is not there to stand in, or the gateway doesn't take it over.
    """
    [site] = _sites(where, region, name)
    async with _alone(where, region) as account:
        other = region.other(site)
        if drained and read_drained(where, other).site:
            raise RegionError(f"{other.name} is drained already: `altid undrain {other.name}` first.")
        if drained and not await _stands_in(where, site):
            raise RegionError(f"{other.name} is not ready to stand in for {site.name}: see `altid status`.")
        wish = replace(read_drained(where, site), site=drained)
        files.drain(where, region, site, wish, account)
        await _seen(where, site, "spare" if drained else "healthy", servers_of(site, wish))
        events.record(where.events, site.name, "site drained" if drained else "site undrained")


def _sites(where: Layout, region: Region, name: str | None) -> list[Site]:
    """The site of that name, or all; each must run on this machine."""
    known = [site.name for site in region.sites]
    if name is not None and name not in known:
        raise RegionError(f"The region has no site {name[:32]!r}: {', '.join(known)}.")
    found = [
        site
        for site in region.sites
        if name in (None, site.name) and layout.holder(where.place(site.name).lock) is not None
    ]
    if not found:
        raise RegionError(f"{name or 'No site'} doesn't run here: `altid up` starts the region.")
    return found


@asynccontextmanager
async def _alone(where: Layout, region: Region) -> AsyncIterator[Account]:
    """Nobody else drains meanwhile. Gives the account that the region's files belong to."""
    account = accounts.choose(where.place(region.sites[0].name).postgres)
    with layout.held(where.data / "rollout", account) as ours:
        if not ours:
            raise RegionError("Another rollout or drain is underway: wait for it, then see `altid status`.")
        yield account


async def _check(where: Layout, region: Region, site: Site, account: Account) -> None:
    """Nobody may miss the server that is away: its fellows serve, or the other site does."""
    left = read_drained(where, site)
    if left.servers:  # by a rollout that was killed
        files.drain(where, region, site, replace(left, servers=frozenset()), account)
    # Nobody misses a server that the canary has taken out: it is exchanged as it is.
    known = servers_of(site, Drained(site=left.site, out=left.out))
    servers = [one for one in known if one.duty != "draining"]
    ready = await asyncio.gather(*(_is_ready(one.host, one.port) for one in servers))
    away = ", ".join(one.name for one, is_ready in zip(servers, ready, strict=True) if not is_ready)
    if away:
        raise RegionError(f"{away} of {site.name} is not ready, so no other may be away: see `altid status`.")
    await _seen(where, site, "spare" if left.site else "healthy", servers)
    if (len(servers) <= 1 or left.site) and not await _stands_in(where, site):
        raise RegionError(
            f"{site.name} has no other server to stand in and {region.other(site).name} is not ready: "
            "see `altid status`."
        )


def _in_turn(servers: Sequence[Server]) -> list[Server]:
    """Those that are out first: perhaps they are back when their fellows' turn comes."""
    return sorted(servers, key=lambda one: one.duty != "draining")


async def _stands_in(where: Layout, site: Site) -> bool:
    """Whether the site's gateway finds the other one well: nothing else of the other site is in reach."""
    found = await asyncio.to_thread(admin.hosts, where.place(site.name).gateway, OTHER)
    return any(host.health == "healthy" for host in found)


async def _roll_one(where: Layout, region: Region, site: Site, server: Server, account: Account) -> Rolled:
    before = read_drained(where, site)
    began = time.monotonic()
    files.drain(where, region, site, replace(before, servers=frozenset({server.name})), account)
    try:
        await _emptied(where, site, server)
        events.record(where.events, site.name, "server drained", part=server.name)
        drained = time.monotonic()
        await _restart(where, region, site, server, account)
        restarted = time.monotonic()
    finally:
        files.drain(where, region, site, before, account)
    if server.name not in before.out:  # else the canary says when its successor is well
        await _seen(where, site, "spare" if before.site else "healthy", [server])
    events.record(where.events, site.name, "server rolled", part=server.name)
    end = time.monotonic()
    return Rolled(
        site.name,
        server.name,
        round(drained - began, 2),
        round(restarted - drained, 2),
        round(end - restarted, 2),
    )


async def _emptied(where: Layout, site: Site, server: Server) -> None:
    """No request is underway at the server, twice in a row: Envoy's threads learn of a change one by one."""
    quiet = 0

    async def empty() -> bool:
        nonlocal quiet
        host = (await _hosts(where, site)).get(f"{server.host}:{server.port}")
        done = host is not None and host.health == "draining" and host.in_flight == 0
        quiet = quiet + 1 if done else 0
        return quiet > 1

    # What is still underway after this is older than any answer that is waited for: the restart ends it.
    await _until(empty, _DRAIN_S_MAX)


async def _restart(where: Layout, region: Region, site: Site, server: Server, account: Account) -> None:
    """Have the supervisor start the server again, and wait until it is ready."""
    folders = where.place(site.name)
    old = parts(where, site).get(server.name, {}).get("pid")
    write_owned(folders.restart, json.dumps({"part": server.name}), account)
    supervisor = layout.holder(folders.lock)
    if supervisor is None or not processes.send(supervisor, signal.SIGHUP):
        raise RegionError(f"{site.name} has stopped: `altid up` starts it again.")

    async def back() -> bool:
        new = parts(where, site).get(server.name, {})
        started = new.get("state") == "running" and new.get("pid") not in (old, None)
        return started and await _is_ready(server.host, server.port)

    if not await _until(back, _STOP_S_MAX + region.limits.start_s_max):
        raise RegionError(
            f"{server.name} of {site.name} did not come back: see {folders.log / server.name}.log. "
            "The servers after it were left as they are."
        )


async def _seen(where: Layout, site: Site, health: str, servers: Sequence[Server]) -> None:
    """Wait until the gateway sees the servers so. Raises `RegionError`."""
    found: dict[str, admin.Host] = {}

    async def so() -> bool:
        nonlocal found
        found = await _hosts(where, site)
        return all(
            (host := found.get(f"{one.host}:{one.port}")) is not None and host.health == health
            for one in servers
        )

    if not await _until(so, _TAKEN_OVER_S_MAX):
        wrong = ", ".join(
            f"{one.name} {host.health}"
            for one in servers
            if (host := found.get(f"{one.host}:{one.port}")) is not None and host.health != health
        )
        raise RegionError(f"The gateway of {site.name} doesn't find its servers {health}: {wrong or 'none'}.")


async def _hosts(where: Layout, site: Site) -> dict[str, admin.Host]:
    hosts = await asyncio.to_thread(admin.hosts, where.place(site.name).gateway)
    return {host.address: host for host in hosts}


async def _is_ready(host: str, port: int) -> bool:
    told = await get_json(host, port, "/health/ready", _ASK_S_MAX)
    return told is not None and told.get("status") == "ready"


async def _until(holds: Callable[[], Awaitable[bool]], s_max: float) -> bool:
    """Wait until it holds; whether it does in time."""
    end_s = time.monotonic() + s_max
    while not (true := await holds()) and time.monotonic() < end_s:  # noqa: ASYNC110  others' processes
        await asyncio.sleep(_POLL_S)
    return true
