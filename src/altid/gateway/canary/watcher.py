"""Watches one site: trials at every server and through the gateway, and what follows from them.

A server that is out is taken away from the gateway's servers, is in the region's events and in the status.
All of that is written again whenever it isn't so, so it makes no difference what a rollout writes meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg

from altid.access.keys import NoSigningKeyError
from altid.access.programs import Credentials
from altid.access.secret import SecretError
from altid.gateway import files
from altid.gateway.canary.credential import tokens_for
from altid.gateway.canary.leaving import tell_alarms
from altid.gateway.canary.probe import Probe, Seen
from altid.gateway.canary.trimming import trim
from altid.orders.canary import Patience, State, Watch, after, forgotten, pause_s, watch_of
from altid.orders.synthetic import canary_patient
from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region import events
from altid.region.drained import read_drained, read_losers, write_out
from altid.region.error import RegionError
from altid.region.http import Connection, get_json
from altid.region.layout import Layout
from altid.region.status import parts
from altid.region.tls import Identity, of_place
from altid.region.topology import Region, Site

GATEWAY = "gateway"
"""The name of the trials that go through the gateway, as a doctor's orders do."""

_START_S = 5.0
"""A process that is younger is starting: the health check keeps requests away until it is ready."""
_FIRST_S = 30.0
"""A region that starts needs so long until the first order; then it is an alarm as well."""
_READY_S_MAX = 1.0
_TELL_EVERY_S = 1.0
_REFRESH_EVERY_S = 30.0
_TRIM_EVERY_S = 300.0
_BLIND = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    NoSigningKeyError,
    SecretError,
    RegionError,
)
"""Why there may be no token: the database that signs them is away."""

_log = logging.getLogger("altid.gateway.canary")


@dataclass(slots=True)
class _Watched:
    """One set of trials that are judged together: the servers, or the gateway alone."""

    watch: Watch
    seen: dict[str, Seen] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_told: bool = False
    """That nobody can have an order registered has been told."""
    was_good: bool = False
    """Since this process began."""


class Watcher:
    """One site's canary."""

    def __init__(
        self,
        where: Layout,
        region: Region,
        site: Site,
        patience: Patience | None = None,
        dice: random.Random | None = None,
        credentials: Callable[[str], Credentials] | None = None,
    ) -> None:
        """`credentials`: tokens for a patient, of whose id."""
        self._where, self._region, self._site = where, region, site
        self._patience, self._dice = patience or Patience(), dice or random.SystemRandom()
        self._identity: Identity = of_place(where, site)
        self._account = accounts.current()
        self._credentials = credentials or partial(tokens_for, where, region, site)
        names = [f"server-{number}" for number in range(1, site.servers + 1)]
        self._began_s = now_s = time.monotonic()
        out, lost = read_drained(where, site).out, read_losers(where, site)
        self._servers = _Watched(watch_of(names, now_s, out, lost))
        self._gateway = _Watched(watch_of([GATEWAY], now_s))
        self._blind = ""

    async def run(self) -> None:
        """Watch until cancelled."""
        host, names = self._site.host, self._servers.watch.servers
        servers = [
            self._probe(name, Connection(host, port))
            for name, port in zip(names, self._site.server_ports, strict=True)
        ]
        gateway = self._probe(GATEWAY, Connection(host, self._site.gateway, self._identity.client))
        try:
            async with asyncio.TaskGroup() as tasks:
                for probe in servers:
                    tasks.create_task(self._keep(self._servers, probe))
                tasks.create_task(self._keep(self._gateway, gateway))
                tasks.create_task(self._tell())
                tasks.create_task(self._refresh())
                tasks.create_task(self._trim())
                tasks.create_task(tell_alarms(self._where, self._site))
        finally:
            for probe in (*servers, gateway):
                probe.close()

    def _probe(self, name: str, at: Connection) -> Probe:
        """Its order is read through the other site's gateway, and through the own one if need be."""
        patient = canary_patient(self._site.name, name)
        sites = (self._region.other(self._site), self._site)
        readers = [Connection(site.host, site.gateway, self._identity.client) for site in sites]
        tokens = self._credentials(patient)
        return Probe(name, patient, at, readers, tokens, is_gateway=name == GATEWAY)

    async def _keep(self, watched: _Watched, probe: Probe) -> None:
        """One trial after the other, for ever."""
        await asyncio.sleep(self._dice.uniform(0.0, self._patience.usual_s))
        while True:
            process = self._process(probe.name) if watched is self._servers else None
            if watched is self._servers and (process is None or not await self._is_used(probe)):
                watched.watch = forgotten(watched.watch, probe.name, time.monotonic())
                await asyncio.sleep(self._patience.out_s)
                continue
            await self._try(watched, probe, process)
            await self._pause(watched, probe.name)

    async def _try(self, watched: _Watched, probe: Probe, process: int | None) -> None:
        try:
            seen = await probe.trial(process)
        except _BLIND as error:
            self._blind = type(error).__name__
            return
        self._blind = ""
        before = watched.watch
        watched.watch = after(before, seen.trial, self._patience)
        watched.seen[probe.name] = seen
        watched.was_good = watched.was_good or seen.trial.fault is None
        if watched.watch != before:
            self._follow(watched, before)
            watched.changed.set()
            watched.changed = asyncio.Event()

    async def _pause(self, watched: _Watched, name: str) -> None:
        """Until its next trial, which comes sooner when another's has changed what is known."""
        jitter = self._dice.uniform(1 - self._patience.jitter, 1 + self._patience.jitter)
        began_s = time.monotonic()
        while (
            left_s := began_s + pause_s(watched.watch, name, self._patience) * jitter - time.monotonic()
        ) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await watched.changed.wait()

    def _process(self, name: str) -> int | None:
        """The server's process, once it has been running for a while."""
        part = parts(self._where, self._site).get(name, {})
        if part.get("state") != "running" or time.time() - part.get("since", 0.0) < _START_S:
            return None
        pid: int | None = part.get("pid")
        return pid

    async def _is_used(self, probe: Probe) -> bool:
        """Whether it is at work. One that is being exchanged is not, nor one that has never been ready."""
        if probe.name in read_drained(self._where, self._site).servers:
            return False
        if probe.name in self._servers.seen:
            return True
        told = await get_json(probe.at.host, probe.at.port, "/health/ready", _READY_S_MAX)
        return told is not None and told.get("status") == "ready"

    def _follow(self, watched: _Watched, before: Watch) -> None:
        """Whatever a change of mind brings with it, at once."""
        watch = watched.watch
        for name in watch.out - before.out:
            self._event("server out", part=name, reason=str(watch.servers[name].fault))
        for name in before.out - watch.out:
            self._event("server back", part=name)
        if (watch.out, watch.losers) != (before.out, before.losers):
            self._apply()
        is_failing = watch.is_record and (watched.was_good or time.monotonic() - self._began_s > _FIRST_S)
        if is_failing != watched.is_told:
            watched.is_told = is_failing
            self._event(*self._alarm(watched))
        if is_failing or watch.out != before.out:
            self._write()

    def _alarm(self, watched: _Watched) -> tuple[str]:
        where = "through the gateway" if watched is self._gateway else "by any server"
        return (f"orders {'are not' if watched.is_told else 'are again'} registered {where}",)

    def _apply(self) -> None:
        """Tell the gateway, and those who look. Failing is tried again a second later."""
        try:
            watch = self._servers.watch
            write_out(self._where, self._site, watch.out, self._account, watch.losers)
            drained = read_drained(self._where, self._site)
            files.serve(self._where, self._region, self._site, drained, self._account)
        except OSError as error:
            _log.warning("the gateway can't be told (%s)", error.strerror)

    async def _tell(self) -> None:
        while True:
            self._apply()
            self._write()
            await asyncio.sleep(_TELL_EVERY_S)

    def _write(self) -> None:
        """What `altid status` shows."""
        with suppress(OSError):
            write_owned(
                self._where.place(self._site.name).canary, json.dumps(self._told()) + "\n", self._account
            )

    def _told(self) -> dict[str, Any]:
        return {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "registered": not self._servers.is_told,
            "blind": self._blind or None,
            "servers": {name: _shown(self._servers, name) for name in self._servers.watch.servers},
            GATEWAY: _shown(self._gateway, GATEWAY),
        }

    async def _trim(self) -> None:
        """Test orders have no history worth keeping: what is left of it is an hour."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * _TRIM_EVERY_S)
            try:
                await trim(self._where, self._region, self._site)
            except _BLIND as error:
                _log.info("old test orders stay for now (%s)", type(error).__name__)

    async def _refresh(self) -> None:
        """A certificate that was renewed is shown to whoever is connected to next."""
        while True:
            await asyncio.sleep(_REFRESH_EVERY_S)
            with suppress(OSError):
                self._identity.refresh()

    def _event(self, event: str, **detail: Any) -> None:
        events.record(self._where.events, self._site.name, event, **detail)


def _shown(watched: _Watched, name: str) -> dict[str, Any]:
    one, seen = watched.watch.servers[name], watched.seen.get(name)
    state = "untried" if seen is None else str(one.state)
    return {
        "state": state,
        "fault": one.fault if one.state is not State.HEALTHY else None,
        "detail": seen.detail if seen and one.state is not State.HEALTHY else "",
        "took_ms": seen.took_ms if seen else None,
    }


async def watch_site(where: Layout, region: Region, site: Site) -> None:
    """Watch the site until cancelled."""
    await Watcher(where, region, site).run()
