"""`altid serve`: PostgreSQL, the schema, and the server processes, started in order and kept running.

The supervisor holds no patient's data and answers no request. A worker that dies is started again with a
growing pause; at SIGTERM the workers finish what they have begun, then PostgreSQL stops.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from altid.access.federation.file import read_providers
from altid.access.federation.table import IdentityFileError
from altid.access.folder import prepare
from altid.access.guard import PROVIDERS_FILE, GuardSettings
from altid.api.settings import FhirSettings
from altid.orders.downstream.destinations import FILE as ORDERS_FILE
from altid.orders.downstream.destinations import OrdersFileError, read_destinations
from altid.record.database import Limits
from altid.record.migrate import migrate
from altid.record.postgres import PostgresSettings, embedded
from altid.record.postgres.account import Account, choose, current, reaches
from altid.record.postgres.folder import cluster_folder, make_data
from altid.record.postgres.launch import command
from altid.record.postgres.outside import outside
from altid.record.roles import APP_ROLE, ensure_app_role
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings

_START_S_MAX = 60.0
_STOP_S_MAX = 15.0
_PAUSE_S_MIN, _PAUSE_S_MAX = 0.1, 5.0
_SERVER_FILE = "server.json"
_HERE = ("localhost", "::1", "0.0.0.0", "::")  # noqa: S104 (not listened at: asked for)
"""Hosts at which a browser on this machine finds the server as localhost."""
_OTHER_SESSIONS = 32
"""For migrations, backups and people."""

_log = logging.getLogger("altid.server")


class ServeError(Exception):
    """The server cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `altid serve` was asked for."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = field(default_factory=lambda: max(1, (os.cpu_count() or 1)))
    database_url: str | None = None
    fhir: FhirSettings = FhirSettings()
    public_url: str | None = None
    """How browsers and systems reach the server, without "/" at the end; None: at its own address."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs."""

    address: str
    dsn: str = field(repr=False)
    """Of its record, for the servers' role."""
    guard: GuardSettings


@asynccontextmanager
async def serving(options: ServeOptions) -> AsyncIterator[Serving]:
    """Serve as long as the context lasts. Raises `ServeError`, `SecretError` or `PostgresError`."""
    port = _free_port(options)
    address = f"http://{_in_url(options.host)}:{port}"
    async with AsyncExitStack() as stack:
        dsn = await _record(stack, options)
        account = await asyncio.to_thread(_guarded, options)
        guard = _guard(options, address, port)
        settings = WorkerSettings(
            options.host, port, AppSettings(dsn, dsn, guard, _limits(options.workers), options.fhir)
        )
        workers = [_Worker(settings, account) for _ in range(options.workers)]
        stack.push_async_callback(_stop_all, workers)
        await asyncio.gather(*(worker.start() for worker in workers))
        watches = [asyncio.create_task(worker.watch()) for worker in workers]
        stack.push_async_callback(_cancel_all, watches)
        stack.enter_context(_announced(options.data, address, guard.public_url))
        yield Serving(address, dsn, guard)


def _guard(options: ServeOptions, address: str, port: int) -> GuardSettings:
    """What workers are told. Browsers know passkeys by a name, so on this machine alone it is localhost."""
    public = options.public_url
    if public is None:
        is_here = options.host in _HERE or options.host.startswith("127.")
        public = f"http://localhost:{port}" if is_here else address
    return GuardSettings(str(options.data.absolute()), public_url=public, other_urls=(address,))


def _guarded(options: ServeOptions) -> Account:
    """Make what the guard needs in the data folder; gives whom the workers run as."""
    data = options.data.absolute()
    try:
        make_data(data, choose(cluster_folder(data), create=False))
        account = _worker_account(options)
        prepare(data, account)
        read_providers(data / PROVIDERS_FILE)  # A mistake is told here, once, and not by each worker.
        read_destinations(data / ORDERS_FILE)
    except OSError as error:
        raise ServeError(f"{error.filename or data} cannot be written: {error.strerror}.") from None
    except (IdentityFileError, OrdersFileError) as error:
        raise ServeError(f"{error}.") from None
    return account


async def _record(stack: AsyncExitStack, options: ServeOptions) -> str:
    """The record with the newest schema: our own PostgreSQL, or the one at the given URL."""
    if options.database_url is not None:
        found = await outside(options.database_url)
        for finding in found.findings:
            _log.warning("%s: %s", found.address, finding)
        await migrate(options.database_url)
        return options.database_url
    limits = _limits(options.workers)
    each = limits.read_connections + limits.inner_connections + limits.write_connections
    sessions = options.workers * each
    settings = PostgresSettings(connections_max=sessions + _OTHER_SESSIONS)
    cluster = await stack.enter_async_context(embedded(options.data, settings))
    for step in await migrate(cluster.dsn):
        _log.info("schema %04d %s", step.number, step.name)
    await ensure_app_role(cluster.dsn)
    return cluster.dsn_for(APP_ROLE)


def _limits(workers: int) -> Limits:
    """All workers together ask for about as many connections as two cores keep busy."""
    each = max(4, 16 // workers)
    return Limits(read_connections=each, write_connections=each)


def _worker_account(options: ServeOptions) -> Account:
    """Workers need no root; they drop to PostgreSQL's user where that one can read the program."""
    if os.geteuid() != 0:
        return current()
    account = choose(cluster_folder(options.data.absolute()), create=False)
    places = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent, options.data)
    barred = next((place for place in places if not reaches(account, place)), None)
    if barred is None:
        return account
    _log.warning(
        "the server runs as root, since user %s cannot reach %s: put it where others can reach it",
        account.name,
        barred,
    )
    return current()


class _Worker:
    """One server process and its restarts."""

    def __init__(self, settings: WorkerSettings, account: Account) -> None:
        self._settings = settings
        self._account = account
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = [sys.executable, "-m", "altid.server.worker"]
        self._process = await asyncio.create_subprocess_exec(
            *command(self._account, Path("/"), program, tied=True),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._settings.dump().encode() + b"\n")
        try:
            async with asyncio.timeout(_START_S_MAX):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if line.strip() != b"ready":
            await self.stop()
            raise ServeError("A server process did not start; its last lines above say why.")

    async def watch(self) -> None:
        """Start the process again whenever it dies."""
        pause = _PAUSE_S_MIN
        while True:
            assert self._process is not None
            code = await self._process.wait()
            _log.error("a server process ended (%s); starting another in %.1f s", code, pause)
            await asyncio.sleep(pause)
            try:
                await self.start()
                pause = _PAUSE_S_MIN
            except (ServeError, OSError):
                pause = min(pause * 2, _PAUSE_S_MAX)

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_S_MAX):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def _stop_all(workers: list[_Worker]) -> None:
    await asyncio.gather(*(worker.stop() for worker in workers))


async def _cancel_all(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _free_port(options: ServeOptions) -> int:
    """The port, checked to be ours alone: workers share it, so none would notice a stranger."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            raise ServeError(
                f"Port {options.port} at {options.host} can't be used ({error.strerror}): "
                "stop what runs there or choose another with --port."
            ) from None
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _announced(data: Path, address: str, public_url: str) -> Iterator[None]:
    """A file in the data folder tells other commands where the server is, as long as it runs."""
    file = data / _SERVER_FILE
    told = {"fhir": f"{address}/fhir", "web": address, "public_url": public_url, "pid": os.getpid()}
    file.write_text(json.dumps(told) + "\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
