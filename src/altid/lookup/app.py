"""The lookup record as an ASGI application: only reading, from the local copy alone.

Whatever would write is refused with 405 before anything is looked at, but for the forms that are for reading
themselves: logging on, searching, breaking the glass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from altid.lookup.age import Watch
from altid.lookup.needs import Doorkeeper, Readable
from altid.lookup.pages import health, papers, patient, wards
from altid.lookup.pages.visit import Place, told, visited
from altid.lookup.paper.printer import Printer
from altid.lookup.rendering import PACKAGE, compile_all
from altid.lookup.settings import Settings
from altid.screen import static
from altid.screen.headers import NOT_KEPT
from altid.screen.language import words_for
from altid.screen.words import LANGUAGES, words

_READS = ("GET", "HEAD")


def lookup_app(
    copy: Readable,
    entry: Doorkeeper,
    settings: Settings,
    *,
    ways: Sequence[BaseRoute] = (),
    watch: Watch | None = None,
) -> ASGIApp:
    """`ways`: the routes of entry: in, out, and through the glass."""
    return app_of(Place(copy, entry, settings, watch or Watch()), ways)


def app_of(place: Place, ways: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The same of what is put together already."""
    compile_all(LANGUAGES[0])
    routes = [*ways, *_routes(place)]

    async def nowhere(request: Request, _error: Exception) -> Response:
        return told(place, words_for(request), "absent", 404)

    app = Starlette(routes=routes, exception_handlers={404: nowhere})
    return OnlyReads(app, place, routes)


def _routes(place: Place) -> list[BaseRoute]:
    printer = Printer(place.copy, place.settings, place.watch)
    pages = {
        "/": wards.front,
        "/forms": papers.forms_page,
        "/forms/{kind}.pdf": papers.form_paper(printer),
        "/ward/{id}/{kind}.pdf": papers.ward_paper(printer),
        "/patient/{id}/medication.pdf": papers.patient_paper(printer),
        "/patient/{id}/forms": papers.patient_forms,
        "/patient/{id}/forms/{kind}.pdf": papers.patient_form(printer),
        "/ward/{id}": wards.ward,
        "/patient/{id}": patient.overview,
        "/patient/{id}/{part}": patient.part,
    }
    return [
        Route("/health/live", health.live(place), methods=["GET"]),
        Route("/health/ready", health.ready(place), methods=["GET"]),
        Route("/static/{name}", static.serving(PACKAGE), methods=["GET"]),
        Route("/search", visited(place, wards.search), methods=["POST"]),
        *(Route(path, visited(place, handler), methods=["GET"]) for path, handler in pages.items()),
    ]


class OnlyReads:
    """Refuses every method that writes, but for the forms named by a route of ours."""

    def __init__(self, app: ASGIApp, place: Place, routes: Sequence[BaseRoute]) -> None:
        self._app, self._place = app, place
        self._forms = [
            route for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._may(scope):
            await self._refused(Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        if scope["method"] in _READS:
            return True
        return scope["method"] == "POST" and any(
            route.matches(scope)[0] is Match.FULL for route in self._forms
        )

    def _refused(self, request: Request) -> Response:
        kinds = f"{request.headers.get('accept', '')} {request.headers.get('content-type', '')}"
        allow = {"Allow": ", ".join(_READS)}
        if "json" in kinds or request.url.path.startswith("/fhir"):
            return JSONResponse(_outcome(), 405, {**NOT_KEPT, **allow}, media_type="application/fhir+json")
        answer = told(self._place, words_for(request), "refused", 405)
        answer.headers.update(allow)
        return answer


def _outcome() -> dict[str, Any]:
    """Of the refusal, in both languages (R4 operationoutcome.html)."""
    said = " / ".join(words(language).text("lookup.refused.text") for language in ("da", "en"))
    issue = {"severity": "error", "code": "not-supported", "details": {"text": said}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
