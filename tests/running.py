"""Databases and server processes for tests."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.record.migrate import migrate
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE, ensure_app_role
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings
from tests.guards import make_guard
from tests.ports import free_port

_STOP_S_MAX = 60.0
_TREE = Path(__file__).parent.parent
"""Where the module of the tests' own server is found."""


def make_database(postgres: Cluster) -> str:
    """A new database with the newest schema; gives the application's DSN."""
    name = f"test_{secrets.token_hex(6)}"
    asyncio.run(_make(postgres, name))
    return postgres.dsn_for(APP_ROLE, name)


async def _make(postgres: Cluster, name: str) -> None:
    connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, "postgres"))
    try:
        if not await connection.fetchval(_IS_THERE, _MODEL):
            await _make_model(postgres, connection)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_MODEL}")
    finally:
        await connection.close()


async def _make_model(postgres: Cluster, connection: asyncpg.Connection) -> None:
    """What all databases of the tests are copies of: to bring each to the newest schema would cost more."""
    unfinished = f"{_MODEL}_{secrets.token_hex(6)}"
    await connection.execute(f"CREATE DATABASE {unfinished}")
    await migrate(postgres.dsn_for(postgres.superuser, unfinished))
    await ensure_app_role(postgres.dsn_for(postgres.superuser, unfinished))
    await connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {_MODEL}")


_MODEL = "test_model"
_IS_THERE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


@contextmanager
def running_worker(
    dsn: str,
    fhir: FhirSettings,
    limits: Limits | None = None,
    *,
    doorman: bool = True,
    gateway_host: str | None = None,
    guard_folder: Path | None = None,
    urls: Sequence[str] = (),
    lookup_url: str = "",
    write_dsn: str | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """A server process; gives its address.

    The doorman lets in whoever brings no token as a system that may do everything (`tests.doorman`): leave it
    out where access itself is tested. `guard_folder`: where its journals are, and stay. `urls`: addresses of
    the region's sites, its own first. `lookup_url`: where its pages lead when neither answers.
    `write_dsn`: another way to the primary. `port`: where it listens, if something stands before it at its
    address.
    """
    port = port or (int(urls[0].rpartition(":")[2]) if urls else free_port())
    module = "tests.doorman" if doorman else "altid.server.worker"
    with tempfile.TemporaryDirectory(prefix="altid-guard-") as folder:
        guard = make_guard(guard_folder or Path(folder))
        if urls:
            sites = tuple(zip("AB", sorted(urls), strict=False))
            own = next(name for name, url in sites if url == urls[0])
            guard = replace(guard, site=own, public_url=urls[0], other_urls=tuple(urls[1:]), sites=sites)
        guard = replace(guard, lookup_url=lookup_url)
        app = AppSettings(dsn, write_dsn or dsn, guard, limits or Limits(), fhir)
        settings = WorkerSettings("127.0.0.1", port, app, gateway_host=gateway_host)
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_TREE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(settings.dump() + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_STOP_S_MAX)
            process.stdin.close()
            process.stdout.close()
