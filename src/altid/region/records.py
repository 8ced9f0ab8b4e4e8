"""Each site's own word on its orders: the folder of its journals, and a session at its own PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from altid.orders.desk import FOLDER
from altid.orders.gathering import Site
from altid.region import passage
from altid.region.addresses import app_dsn
from altid.region.layout import Layout, load_region, load_secrets

_CONNECT_S_MAX = 5.0
_STATEMENT_MS_MAX = 60_000
_ANSWER_S_MAX = 65.0
"""A server that is frozen takes questions and answers none; a slow one says itself that it gives up."""
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@asynccontextmanager
async def records_of(where: Layout) -> AsyncIterator[list[Site]]:
    """Of a region's sites, for `altid.orders.gathering`."""
    region, secrets = load_region(where), load_secrets(where)
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(passage.opened(where, region.sites))
        sites = []
        for site in region.sites:
            connection = await stack.enter_async_context(reading(app_dsn(secrets, [site], at=at)))
            sites.append(Site(site.name, where.place(site.name).root / FOLDER, connection))
        yield sites


@asynccontextmanager
async def reading(dsn: str) -> AsyncIterator[asyncpg.Connection[Any] | None]:
    """A session that can't write; None where there is none to be had: the others are read all the same."""
    limits = {"statement_timeout": str(_STATEMENT_MS_MAX), "default_transaction_read_only": "on"}
    try:
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_S_MAX, command_timeout=_ANSWER_S_MAX, server_settings=limits
        )
    except _AWAY:
        yield None
        return
    try:
        yield connection
    finally:
        connection.terminate()  # a good-bye would wait for a server that is frozen
