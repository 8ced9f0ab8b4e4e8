"""Where `altid audit` finds table, secret and journals: in `altid serve`'s data folder, or a region's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import click

from altid.access.guard import AUDIT_FOLDER, SECRET_FILE
from altid.access.secret import AccessSecret, SecretError, read_secret_file
from altid.cli.operating import dsn_of
from altid.region import passage
from altid.region.addresses import superuser_dsn
from altid.region.error import RegionError
from altid.region.guarding import access_secret
from altid.region.layout import Layout, load_region, load_secrets

_CONNECT_S_MAX = 5.0
_STATEMENT_MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Place:
    """A record whose audit is looked at: a session that only reads, and where the journals lie."""

    connection: asyncpg.Connection[Any]
    folders: tuple[Path, ...]


@asynccontextmanager
async def opened(where: Layout, database_url: str | None) -> AsyncIterator[Place]:
    """Raises `click.UsageError` or `RegionError` where there is nothing, or it can't be reached."""
    if where.marker.is_file():
        region = load_region(where)
        folders = tuple(where.place(site.name).root / AUDIT_FOLDER for site in region.sites)
        async with passage.opened(where, region.sites) as at:
            dsn = superuser_dsn(load_secrets(where), region.sites, at=at)
            async with _reading(dsn) as connection:
                yield Place(connection, folders)
        return
    async with _reading(database_url or dsn_of(where.data)) as connection:
        yield Place(connection, (where.data / AUDIT_FOLDER,))


def secret_of(where: Layout) -> AccessSecret:
    """The access secret of a data folder. Raises `click.UsageError` if it can't be read."""
    try:
        if not where.marker.is_file():
            return read_secret_file(where.data / SECRET_FILE)
        return access_secret(load_secrets(where), where.secrets_file)
    except (SecretError, RegionError) as error:
        raise click.UsageError(str(error)) from None


@asynccontextmanager
async def _reading(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """One state of the whole table, seen by a session that can't write."""
    try:
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_S_MAX, server_settings={"statement_timeout": str(_STATEMENT_MS_MAX)}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise RegionError(
            f"The record can't be reached ({type(error).__name__}): does it run? See `altid status`."
        ) from None
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)
