"""The one ASGI application: FHIR, orders, the feed, health, coming in at /access, and pages at the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from altid import __version__
from altid.access.guard import GuardSettings, open_guard
from altid.access.site_copy import keep_registered
from altid.api.access.routes import routes
from altid.api.feed.routes import feed_app
from altid.api.http import FhirApp, Receive, Scope, Send
from altid.api.orders.routes import orders_app
from altid.api.settings import FhirSettings, Service
from altid.orders.desk import open_orders
from altid.orders.downstream import alarm
from altid.orders.downstream.destinations import FILE, Downstream, read_destinations
from altid.orders.downstream.service import open_downstream
from altid.orders.proofs.keeping import Newest
from altid.orders.proofs.standing import with_reconciled
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.heartbeat import Heart
from altid.record.primary import FAILURES, NoPrimaryError
from altid.server.paths import FEED_BASE, FHIR_BASE, ORDERS_BASE, is_below
from altid.web.pages import pages
from altid.web.telemetry_files import FOLDER

_READY_S_MAX = 2.0
"""A database that needs longer than this for SELECT 1 is not one to send patients' questions to."""


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What one server process needs to know."""

    read_dsn: str
    """The PostgreSQL nearby. Never logged, like the other: a DSN may hold a password."""
    write_dsn: str
    """The primary, wherever it is."""
    guard: GuardSettings
    limits: Limits = Limits()
    fhir: FhirSettings = FhirSettings()
    is_replicated: bool = False
    """There is another site, which each commit waits for, or knowingly doesn't."""
    sites: tuple[str, ...] = ()
    """Names of all sites of the region; none: this server is alone."""


class App:
    """FHIR requests go straight to their room, everything else through Starlette: its routing and its
    middleware would cost a read by id a tenth of its time."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._fhir: FhirApp | None = None
        self._orders: FhirApp | None = None
        self._feed: FhirApp | None = None
        health = [
            Route("/health/live", _live),
            Route("/health/ready", _ready),
            Route("/health/readable", _readable),
            Route("/health/orders", _orders),
        ]
        self._pages = Starlette(routes=health, lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fhir is not None and scope["type"] == "http" and _is_fhir(scope["path"]):
            await self._fhir({**scope, "root_path": FHIR_BASE}, receive, send)
        elif self._orders is not None and scope["type"] == "http" and is_below(ORDERS_BASE, scope["path"]):
            await self._orders({**scope, "root_path": ORDERS_BASE}, receive, send)
        elif self._feed is not None and scope["type"] == "http" and is_below(FEED_BASE, scope["path"]):
            await self._feed({**scope, "root_path": FEED_BASE}, receive, send)
        else:
            await self._pages(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """The database is open as long as the server runs."""
        downstream = await asyncio.to_thread(read_destinations, Path(self._settings.guard.folder) / FILE)
        async with (
            _open(self._settings) as database,
            open_guard(database, self._settings.guard) as guard,
            open_downstream(database, downstream, guard.audit) as leads,
            _beside(Heart(database, guard.site).run()),
            _beside(keep_registered(database, guard.audit, Path(self._settings.guard.folder))),
        ):
            app.state.database, app.state.downstream, app.state.leads = database, downstream, leads
            app.state.proofs = Newest()
            writer = GroupWriter(database)
            service = Service(database, writer, self._settings.fhir, guard)
            app.routes.extend(routes(guard))
            app.routes.extend(pages(service, Path(self._settings.guard.folder) / FOLDER))
            async with open_orders(
                database,
                writer,
                guard.audit,
                guard.secret,
                Path(self._settings.guard.folder),
                guard.site,
                self._settings.sites,
            ) as desk:
                self._fhir, self._orders = FhirApp(service), orders_app(service, desk, downstream)
                self._feed = feed_app(service)
                yield
                await writer.close()


def _open(settings: AppSettings) -> AbstractAsyncContextManager[Database]:
    return open_database(
        settings.read_dsn, settings.write_dsn, limits=settings.limits, is_replicated=settings.is_replicated
    )


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """What goes on as long as the server runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _is_fhir(path: str) -> bool:
    """What is well known about the base says how to come in, so it is not asked for with a token."""
    return is_below(FHIR_BASE, path) and not path.startswith(f"{FHIR_BASE}/.well-known/")


async def _live(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "live", "version": __version__})


async def _ready(request: Request) -> JSONResponse:
    """Ready means: can read and write the record now."""
    database: Database = request.app.state.database
    try:
        async with asyncio.timeout(_READY_S_MAX):
            async with database.reading() as connection:
                await connection.fetchval("SELECT 1")
            async with database.writing() as connection:
                if await connection.fetchval("SELECT pg_is_in_recovery()"):
                    return JSONResponse({"status": "read-only"}, 503)
    except (NoPrimaryError, *FAILURES):
        return JSONResponse({"status": "the record can't be reached"}, 503)
    return JSONResponse({"status": "ready", "version": __version__})


async def _readable(request: Request) -> JSONResponse:
    """Readable means: can read the record now, whether or not it can be written. A page goes on at a site
    that is: for some seconds of a failover none is ready."""
    database: Database = request.app.state.database
    try:
        async with asyncio.timeout(_READY_S_MAX), database.reading() as connection:
            await connection.fetchval("SELECT 1")
    except FAILURES:
        return JSONResponse({"status": "the record can't be reached"}, 503)
    return JSONResponse({"status": "readable"})


async def _orders(request: Request) -> JSONResponse:
    """How orders leave for others, and whether all are certain: counts and names of destinations, what
    somebody must look at, and whether it is this process that sends (`leads`)."""
    database: Database = request.app.state.database
    settings: Downstream = request.app.state.downstream
    try:
        async with asyncio.timeout(_READY_S_MAX), database.writing() as connection:
            found = await alarm.health(connection, settings)
            proofs = await request.app.state.proofs.read(connection)
    except (NoPrimaryError, *FAILURES):
        return JSONResponse({"status": "the record can't be reached"}, 503)
    told = with_reconciled(found.json, proofs)
    return JSONResponse({**told, "leads": request.app.state.leads()})
