"""Databases and server processes for tests."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.record.migrate import migrate
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE, ensure_app_role
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings, listen


def make_database(postgres: Cluster) -> str:
    """A new database with the newest schema; gives the application's DSN."""
    name = f"test_{secrets.token_hex(6)}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, "postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        await migrate(postgres.dsn_for(postgres.superuser, name))
        await ensure_app_role(postgres.dsn_for(postgres.superuser, name))

    asyncio.run(make())
    return postgres.dsn_for(APP_ROLE, name)


@contextmanager
def running_worker(dsn: str, fhir: FhirSettings, limits: Limits | None = None) -> Iterator[str]:
    """A server process; gives its address."""
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    settings = WorkerSettings("127.0.0.1", port, AppSettings(dsn, dsn, limits or Limits(), fhir))
    process = subprocess.Popen(
        [sys.executable, "-m", "altid.server.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
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
        process.wait(20)
        process.stdin.close()
        process.stdout.close()
