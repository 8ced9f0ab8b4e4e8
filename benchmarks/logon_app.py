"""The server of the logon storm: the ways of coming in behind a minimal HTTP application.

Run as `python -m benchmarks.logon_app`, with its settings as one line of JSON on standard input. `protected`
false takes the lines away: everybody waits, nothing is refused, and deadlines are not looked at.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from altid.access import logon, returning
from altid.access.admission import Admission
from altid.access.desk import Desk, open_desk
from altid.access.door import Caller, Granted
from altid.access.logon import Typed
from altid.access.refusal import Refusal
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings
from altid.access.tokens import TokenError
from altid.access.waiting import LineLimits
from altid.record.database import Limits, open_database

REGION = "storm"
_PATIENCE_S = 5.0
_UNBOUNDED = LineLimits(
    at_once=10**9, wait_s_max=1e9, waiting_max=10**9, target_s=1e9, first_service_s=0.0001
)


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    application = Starlette(
        routes=[
            Route("/logon", _log_on, methods=["POST"]),
            Route("/badge", _badge, methods=["POST"]),
            Route("/refresh", _refresh, methods=["POST"]),
            Route("/ward", _ward),
            Route("/ready", _ready),
        ],
        lifespan=lambda app: _lifespan(app, settings),
    )
    config = uvicorn.Config(
        application,
        port=settings["port"],
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        lifespan="on",
        backlog=4_096,
        timeout_graceful_shutdown=1,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


@asynccontextmanager
async def _lifespan(application: Starlette, settings: dict[str, Any]) -> AsyncIterator[None]:
    dsn = settings["dsn"]
    access = AccessSettings(region=REGION)
    secret = AccessSecret(bytes.fromhex(settings["secret"]))
    # Whoever waits without protections waits for a connection, too, however long.
    limits = Limits() if settings["protected"] else replace(Limits(), acquire_s=600.0)
    async with (
        open_database(dsn, dsn, limits=limits) as database,
        open_desk(database, access, secret) as desk,
    ):
        if not settings["protected"]:
            desk = replace(
                desk,
                hashing=Admission(_UNBOUNDED, time.monotonic),
                light=Admission(_UNBOUNDED, time.monotonic),
            )
        application.state.desk = desk
        application.state.protected = settings["protected"]
        yield


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _caller(request: Request) -> Caller:
    given_ms = request.headers.get("altid-deadline")
    patience_s = _PATIENCE_S if given_ms is None else int(given_ms) / 1000
    # Every sender stands for a ward of its own: the throttle is not what is measured.
    address = request.headers.get("altid-ward", "storm")
    return Caller(address, time.monotonic() + patience_s if request.app.state.protected else math.inf)


async def _log_on(request: Request) -> Response:
    sent = json.loads(await request.body())
    typed = Typed(sent["username"], sent["password"], appointment=sent.get("appointment"))
    return _answered(await logon.with_password(_desk(request), _caller(request), typed))


async def _badge(request: Request) -> Response:
    sent = json.loads(await request.body())
    return _answered(
        await returning.with_badge(_desk(request), _caller(request), sent["workplace"], sent["badge"])
    )


async def _refresh(request: Request) -> Response:
    sent = json.loads(await request.body())
    return _answered(await logon.with_refresh(_desk(request), _caller(request), sent["refresh"]))


async def _ward(request: Request) -> Response:
    """Stands in for the first ward list: the token is verified, and one row is read."""
    desk = _desk(request)
    try:
        identity = desk.verifier.verify(request.headers["authorization"].removeprefix("Bearer "))
    except (TokenError, KeyError):
        return Response(status_code=401)
    async with desk.database.reading() as connection:
        name = await connection.fetchval("SELECT name FROM account WHERE id = $1", identity.subject)
    return Response(name.encode())


async def _ready(_request: Request) -> Response:
    return Response(b"ready")


def _answered(answer: Granted | Refusal) -> Response:
    if isinstance(answer, Granted):
        shown = {"access": answer.access, "refresh": answer.refresh}
        return Response(json.dumps(shown).encode(), media_type="application/json")
    headers = {}
    if answer.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(answer.retry_after_s))
    return Response(json.dumps(answer.as_json("da")).encode(), answer.status, headers, "application/json")


if __name__ == "__main__":
    main()
