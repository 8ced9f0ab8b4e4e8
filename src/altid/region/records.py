"""Each site's own word on its orders: its journals, in their folder or as its servers tell them, and a
session at its own PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from altid.orders.desk import FOLDER
from altid.orders.gathering import Site
from altid.region import passage, topology
from altid.region.addresses import app_dsn
from altid.region.intents import intents_of
from altid.region.layout import Layout, load_region, load_secrets
from altid.region.operating import tokens_of
from altid.region.tls import of_operator, of_place

_CONNECT_S_MAX = 5.0
_STATEMENT_MS_MAX = 60_000
_ANSWER_S_MAX = 65.0
"""A server that is frozen takes questions and answers none; a slow one says itself that it gives up."""
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@asynccontextmanager
async def records_of(where: Layout, place: topology.Site | None = None) -> AsyncIterator[list[Site]]:
    """Of a region's sites, for `altid.orders.gathering`. Read from where `altid` is run, or as a part of
    `place`."""
    region, secrets = load_region(where), load_secrets(where)
    tokens = tokens_of(where, region, "reconcile", place=place)
    tls = (of_place(where, place) if place else of_operator(where)).client
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(passage.opened(where, () if place else region.sites))
        sites = []
        for site in region.sites:
            connection = await stack.enter_async_context(reading(app_dsn(secrets, [site], at=at)))
            folder = where.place(site.name).root / FOLDER
            sites.append(Site(site.name, folder, connection, intents_of(site, tls, tokens)))
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
