"""What the record needs of a new region's databases, made once at the leader; each step can be run again."""

from __future__ import annotations

import asyncpg

from altid.record.migrate import migrate
from altid.record.postgres.cluster import DATABASE
from altid.record.postgres.folder import SUPERUSER
from altid.record.roles import APP_ROLE, ensure_app_role
from altid.region import passage
from altid.region.addresses import MONITOR_ROLE, REPLICATION_ROLE, At, superuser_dsn
from altid.region.layout import Layout, Secrets, load_secrets
from altid.region.topology import Region

_CONNECT_S_MAX = 3.0


async def complete(where: Layout, region: Region) -> list[str]:
    """Database, schema, roles, passwords; gives the names of the schema's steps that were run.

    The servers' role gets its password last: that is what servers wait for. Raises `RegionError` if the
    region's secrets or the operator's identity can't be read.
    """
    async with passage.opened(where, region.sites) as at:
        return await _complete(region, load_secrets(where), at)


async def _complete(region: Region, secrets: Secrets, at: At) -> list[str]:
    await _make_database(superuser_dsn(secrets, region.sites, "postgres", at=at))
    dsn = superuser_dsn(secrets, region.sites, at=at)
    steps = await migrate(dsn)
    await ensure_app_role(dsn)
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX)
    try:
        await connection.execute(_MONITOR)
        await _set_password(connection, MONITOR_ROLE, secrets.monitor)
        await _set_password(connection, APP_ROLE, secrets.app)
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)
    return [step.name for step in steps]


async def set_passwords(dsn: str, secrets: Secrets) -> None:
    """Give every role of a restored database the passwords of its new region."""
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX)
    try:
        await _set_password(connection, SUPERUSER, secrets.superuser)
        await _set_password(connection, REPLICATION_ROLE, secrets.replication)
        await _set_password(connection, MONITOR_ROLE, secrets.monitor)
        await _set_password(connection, APP_ROLE, secrets.app)
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


async def _make_database(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        # Errors of sessions quote values, so sessions log none; PostgreSQL's own processes do.
        await connection.execute("ALTER ROLE ALL SET log_min_messages = 'log'")
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


async def _set_password(connection: asyncpg.Connection, role: str, password: str) -> None:
    """Set it through a session setting, so that it stands in no statement (statements may be watched)."""
    async with connection.transaction():
        await connection.execute("SELECT set_config('altid.password', $1, true)", password)
        await connection.execute(_SET.format(role=role))


_SET = """
DO $$ BEGIN EXECUTE format('ALTER ROLE {role} PASSWORD %L', current_setting('altid.password')); END $$
"""

_MONITOR = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{MONITOR_ROLE}') THEN
        CREATE ROLE {MONITOR_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION IN ROLE pg_monitor;
    END IF;
END $$
"""
