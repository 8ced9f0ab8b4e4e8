"""Real servers on a real record behind real gateways: what is broken here is really broken."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from altid.access.identity import Level, Role
from altid.access.programs import SCOPES, GivenToken
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.gateway import files
from altid.gateway.canary.watcher import Watcher
from altid.orders.canary import Patience
from altid.record.database import Limits
from altid.record.postgres.account import current
from altid.region import certificates, layout
from altid.region.builtin import reserved_region
from altid.region.layout import Layout
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings
from tests.gateway.ward import Record as NoRecord
from tests.gateway.ward import Ward, eventually, start_envoy
from tests.guards import make_guard, minted

_START_S_MAX = 30.0
_LIMITS = Limits(read_connections=3, write_connections=3, connect_s=1.0)
_LIFE_S = 3600.0


@dataclass
class Line:
    """A way to PostgreSQL that can stand still: what is asked is never answered, and nobody hangs up."""

    socket: str
    moves: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_unix_connection(self.socket)
            try:
                await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
            finally:
                writer.transport.abort()
                far_writer.transport.abort()
        self.tasks.discard(task)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self.moves.wait()
            target.write(data)
            await target.drain()
        target.close()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Clinic(Ward):
    """Two servers a site. `line`: the way to the record of A's `server-2` alone."""

    line: Line

    def folder(self, site: str, server: str) -> Path:
        """Where a server has its journals; of each its own."""
        return self.where.place(site).root / server


@asynccontextmanager
async def clinic(
    folder: Path, dsn: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Clinic]:
    """All of it, started and well, with a canary at A. `environment`: of A's `server-2`."""
    where = Layout(folder)
    async with AsyncExitStack() as stack:
        region = stack.enter_context(reserved_region(2))
        layout.make(where, region, current())
        certificates.make(where, region, current())
        files.prepare(where, region, current())
        line = Line(_socket_of(dsn))
        line.moves.set()
        listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        stack.push_async_callback(_closed, listening, line)
        port = listening.sockets[0].getsockname()[1]
        told = Clinic(where, region, NoRecord(), {}, line)
        for site in region.sites:
            pids = {}
            for number, server_port in enumerate(site.server_ports, 1):
                name, is_patient = f"server-{number}", (site.name, number) == ("A", 2)
                place = told.folder(site.name, name)
                place.mkdir(exist_ok=True)
                own = _over(dsn, port) if is_patient else dsn
                app = AppSettings(own, own, make_guard(place), _LIMITS, FhirSettings(), sites=("A", "B"))
                settings = WorkerSettings(site.host, server_port, app, gateway_host=site.host)
                pids[name] = await _started(stack, settings, (environment or {}) if is_patient else {})
            stack.enter_context(layout.held(where.place(site.name).lock))
            told.run(site.name, pids)
            start_envoy(stack, where, site)
        for site in region.sites:
            await eventually(lambda site=site: set(told.seen(site.name).values()) == {"healthy"})  # type: ignore[misc]
        await stack.enter_async_context(_watched(told, dsn))
        yield told


@asynccontextmanager
async def _watched(told: Clinic, dsn: str) -> AsyncIterator[None]:
    tokens = {}
    for name in ("server-1", "server-2", "gateway"):
        patient = f"altid-canary-A-{name}"
        subject = Subject(
            "altid", "altid canary", Role.SYSTEM, "", Level.HIGH, str(uuid.uuid4()), SCOPES["canary"], patient
        )
        tokens[patient] = GivenToken(await minted(dsn, subject, life_s=_LIFE_S))
    watcher = Watcher(
        told.where, told.region, told.site("A"), Patience(), credentials=lambda patient: tokens[patient]
    )
    work = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _started(stack: AsyncExitStack, settings: WorkerSettings, environment: Mapping[str, str]) -> int:
    """The number of a server's process, once it is ready."""
    command = [sys.executable, "-m", "altid.server.worker"]
    pipe = subprocess.PIPE
    process = await asyncio.to_thread(
        subprocess.Popen, command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **environment}
    )
    stack.callback(_ended, process)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(settings.dump() + "\n")
    process.stdin.flush()
    async with asyncio.timeout(_START_S_MAX):
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    return process.pid


def _ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(20)
    for end in (process.stdin, process.stdout):
        if end is not None:
            end.close()


async def _closed(listening: asyncio.Server, line: Line) -> None:
    listening.close()
    await line.close()


def _socket_of(dsn: str) -> str:
    asked = parse_qs(urlsplit(dsn).query)
    return f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}"


def _over(dsn: str, port: int) -> str:
    """The same database by way of the line."""
    url = urlsplit(dsn)
    return f"postgresql://{url.netloc.rstrip('@')}@127.0.0.1:{port}{url.path}"
