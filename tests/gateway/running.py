"""Real gateways before tiny real servers, and clients that count."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from altid.gateway import admin, files
from altid.gateway.limits import GatewayLimits
from altid.gateway.plan import Credentials, Gateway, Neighbour, Server
from altid.record.postgres.account import current
from altid.region import certificates, envoy
from altid.region.builtin import builtin_region
from altid.region.http import Answer, Connection, HttpError
from altid.region.layout import Layout
from tests.ports import free_port

_START_S_MAX = 60.0
_HOSTS = {"A": "127.0.1.1", "B": "127.0.2.1"}


def eventually(holds: Callable[[], bool], s_max: float = _START_S_MAX) -> bool:
    end = time.monotonic() + s_max
    while not (true := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return true


@dataclass
class TinyServer:
    """One server process."""

    name: str
    host: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = str(Path(__file__).with_name("tiny_server.py"))
        self.process = subprocess.Popen([sys.executable, program, self.name, self.host, str(self.port)])
        assert eventually(lambda: self.ask("GET", "/health/ready") is not None), "the server did not start"

    def ask(self, method: str, path: str) -> Answer | None:
        async def asked() -> Answer:
            connection = Connection(self.host, self.port)
            try:
                return await connection.ask(method, path, s_max=10.0)
            finally:
                connection.close()

        with suppress(HttpError):
            return asyncio.run(asked())
        return None

    def asked(self) -> int:
        answer = self.ask("GET", "/asked")
        assert answer is not None
        count: int = json.loads(answer.body)["asked"]
        return count

    def be(self, mode: str) -> None:
        assert self.ask("POST", f"/be/{mode}") is not None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
        self.process = None


@dataclass
class Place:
    """One site: its gateway and its servers."""

    gateway: Gateway
    servers: list[TinyServer]
    envoy: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        files.write(self.gateway, current())
        configuration = self.gateway.folder / "envoy.json"
        log = (self.gateway.folder / "envoy.log").open("ab")
        command = envoy.command(envoy.find(), configuration, node=self.gateway.site)
        self.envoy = subprocess.Popen(command, cwd=self.gateway.folder, stdout=log, stderr=log)
        log.close()

    def change(self, gateway: Gateway) -> None:
        """Take over another configuration, live."""
        self.gateway = gateway
        files.write(gateway, current())

    def states(self) -> dict[str, str]:
        """The own servers' health as the gateway sees it."""
        return {f"{host.address}": host.health for host in admin.hosts(self.gateway.folder)}

    def stop(self) -> None:
        for server in self.servers:
            server.kill()
        if self.envoy is not None:
            self.envoy.kill()
            self.envoy.wait(10)
        self.envoy = None


class Request(NamedTuple):
    """What a load asks, again and again."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


@dataclass
class Tally:
    """What a load saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status not in ("200", "201"))

    def latency_ms(self, part: float) -> float:
        """So that this part of the answers were as quick or quicker."""
        ordered = sorted(self.latencies_s)
        return round(ordered[int(part * (len(ordered) - 1))] * 1000, 2)


def load(
    connect: Callable[[], Connection], act: Callable[[], None], request: Request, clients: int = 8
) -> Tally:
    """Requests from many clients while `act` is done, and for a moment before and after."""
    return asyncio.run(_load(connect, act, request, clients))


async def _load(
    connect: Callable[[], Connection], act: Callable[[], None], request: Request, clients: int
) -> Tally:
    tally, stop = Tally(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(_client(connect(), request, tally, stop))
        await _answers(tally, 50)
        await asyncio.to_thread(act)
        await _answers(tally, sum(tally.statuses.values()) + 200)
        stop.set()
    return tally


async def _client(connection: Connection, request: Request, tally: Tally, stop: asyncio.Event) -> None:
    while not stop.is_set():
        began = time.monotonic()
        try:
            answer = await connection.ask(
                request.method, request.path, request.body, request.headers, s_max=30.0
            )
        except HttpError as error:
            tally.statuses[str(error)] += 1
            await asyncio.sleep(0.01)
            continue
        tally.latencies_s.append(time.monotonic() - began)
        tally.statuses[str(answer.status)] += 1
        tally.sites[answer.headers.get("altid-site", "")] += 1
        if answer.status == 200 and answer.headers["content-type"] == "application/json":
            tally.servers[json.loads(answer.body)["server"]] += 1
    connection.close()


async def _answers(tally: Tally, count: int) -> None:
    async with asyncio.timeout(_START_S_MAX):
        while sum(tally.statuses.values()) < count:  # noqa: ASYNC110  what clients count
            await asyncio.sleep(0.01)


@dataclass
class Stage:
    """Two sites behind their gateways."""

    folder: Path
    places: dict[str, Place]
    tls: ssl.SSLContext

    def connection(self, site: str) -> Connection:
        gateway = self.places[site].gateway
        return Connection(gateway.host, gateway.port, self.tls)

    def ask(self, site: str, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        async def asked() -> Answer:
            connection = self.connection(site)
            try:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await connection.ask(method, path, body, named, s_max=30.0)
            finally:
                connection.close()

        return asyncio.run(asked())

    def told(self, site: str, method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
        answer = self.ask(site, method, path, body, **headers)
        assert answer.status == 200, answer
        told: dict[str, Any] = json.loads(answer.body)
        return told

    def ready(self, site: str) -> bool:
        with suppress(HttpError):
            return self.ask(site, "GET", "/health/ready").status == 200
        return False

    def load(
        self,
        site: str,
        act: Callable[[], None],
        *,
        method: str = "GET",
        path: str = "/fhir/Observation?ms=5",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Tally:
        """Requests from many clients while `act` is done, and for a moment before and after."""
        return load(lambda: self.connection(site), act, Request(method, path, body, headers or {}))


@contextmanager
def stage(folder: Path, limits: GatewayLimits | None = None, servers: int = 2) -> Iterator[Stage]:
    """Both sites, started and well."""
    where, region = Layout(folder), builtin_region()
    for site in region.sites:
        (folder / site.name).mkdir()
    (folder / "W").mkdir()
    certificates.make(where, region, current())
    ports = {site: free_port(_HOSTS[site]) for site in "AB"}
    places = {}
    with ExitStack() as stack:
        for site, other in ("AB", "BA"):
            host, numbers = _HOSTS[site], range(1, servers + 1)
            own = [TinyServer(f"{site}{number}", host, free_port(host)) for number in numbers]
            pki = where.place(site).pki
            gateway = Gateway(
                site,
                host,
                ports[site],
                tuple(Server(one.name, one.host, one.port) for one in own),
                Neighbour(other, _HOSTS[other], ports[other]),
                Credentials(certificates.identity(pki), certificates.authority(pki)),
                folder / site / "gateway",
                limits or GatewayLimits(),
            )
            gateway.folder.mkdir()
            places[site] = Place(gateway, own)
            stack.callback(places[site].stop)
        for place in places.values():
            for server in place.servers:
                server.start()
            place.start()
        told = Stage(folder, places, ssl.create_default_context(cafile=certificates.authority(where.pki)))
        for site in "AB":
            assert eventually(lambda site=site: told.ready(site)), "the gateway did not start"  # type: ignore[misc]
        for place in places.values():
            assert eventually(lambda place=place: set(place.states().values()) == {"healthy"})  # type: ignore[misc]
        yield told


def with_duty(gateway: Gateway, name: str, duty: Any) -> Gateway:
    """The gateway with another duty for one of its servers."""
    changed = tuple(replace(one, duty=duty) if one.name == name else one for one in gateway.servers)
    return replace(gateway, servers=changed)
