"""The pages and where they are: `/` finds patients, `/patient/{id}` shows one. They only read."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from altid.fhir.outcome import FhirError
from altid.record.database import Database
from altid.web.finding import SearchError, find
from altid.web.language import switched, words_for
from altid.web.loading import UNREACHABLE, GoneError, read_chart, read_patients
from altid.web.patient import patient_html
from altid.web.rendering import answer, error_page, page
from altid.web.static import serve_file
from altid.web.views.moments import ZONE

_READ_S_MAX = 20.0
"""All reading for one page; a clinician who waits longer should be told, and use the downtime copy."""
_FORM_BYTES_MAX = 4_096
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)

_log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


class Service(Protocol):
    """What the pages need of a server: the record."""

    @property
    def database(self) -> Database: ...


def pages(service: Service) -> list[BaseRoute]:
    """The routes of all pages. The last one takes whatever is left, so they stand behind all others."""
    database = service.database

    async def front(request: Request) -> Response:
        return await _front(request, database, "")

    async def search(request: Request) -> Response:
        return await _front(request, database, await _sought(request))

    async def patient(request: Request) -> Response:
        return await _patient(request, database)

    return [
        Route("/", _guarded(front), methods=["GET"]),
        Route("/", _guarded(search), methods=["POST"]),
        Route("/patient/{id}", _guarded(patient), methods=["GET"]),
        Route("/static/{name}", serve_file, methods=["GET"]),
        Route("/{path:path}", _guarded(_nowhere), methods=["GET"]),
    ]


def _guarded(handler: Handler) -> Handler:
    """Answer faults. The log gets the kind of error and not its text: that may hold patients' data."""

    async def guarded(request: Request) -> Response:
        switch = switched(request)
        if switch:
            return switch
        try:
            async with asyncio.timeout(_READ_S_MAX):
                return await handler(request)
        except UNREACHABLE as error:
            _log.warning("a page could not be read: %s", type(error).__name__)
            return _failed(request, "unreachable", 503)
        except (SearchError, FhirError):
            return _failed(request, "refused", 400)
        except GoneError:
            return _failed(request, "gone", 410)
        except Exception as error:
            _log.error("a page failed: %s", type(error).__name__)
            return _failed(request, "failed", 500)

    return guarded


def _failed(request: Request, kind: str, status: int) -> HTMLResponse:
    return error_page(kind, status, words_for(request), datetime.now(UTC))


async def _nowhere(request: Request) -> Response:
    return _failed(request, "not-found", 404)


async def _front(request: Request, database: Database, sought: str) -> Response:
    today = datetime.now(ZONE).date()
    listing = await read_patients(database, find(sought, today))
    return page(
        "front.html",
        words_for(request),
        sought=sought,
        rows=listing.rows,
        has_more=listing.has_more,
        places_known=listing.places_known,
        read_at=listing.read_at,
        today=today,
    )


async def _sought(request: Request) -> str:
    """The search field of the form. It comes in the body, so that no log or history holds a name or CPR."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES_MAX:
            raise SearchError(f"A search form has at most {_FORM_BYTES_MAX} bytes.")
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return fields.get("search", [""])[0].strip()


async def _patient(request: Request, database: Database) -> Response:
    identity = request.path_params["id"]
    chart = await read_chart(database, identity) if _ID.fullmatch(identity) else None
    if chart is None:
        return await _nowhere(request)
    words = words_for(request)
    # In a thread: a full chart takes tens of milliseconds, in which this process answers others.
    return answer(await run_in_threadpool(patient_html, chart, words), words)
