"""Which of the interactions below /feed a request is."""

from __future__ import annotations

from altid.api import errors
from altid.api.feed import entering, reading
from altid.api.feed.comparing import Comparing
from altid.api.feed.reading import Feed
from altid.api.feed.waiting import Pulse
from altid.api.http import FhirApp
from altid.api.messages import Request, Response
from altid.api.settings import Service

_READING = {
    "heartbeat": reading.beat,
    "snapshot": reading.snapshot,
    "changes": reading.changes,
    "digests": reading.digests,
    "patients": reading.patients,
}
_OTHERS = ("entry", "group", "looks", "patient")


def feed_app(service: Service) -> FhirApp:
    """The ASGI application below /feed: asked, guarded and audited as FHIR is."""
    serving = Feed(service.database, Pulse(service.database), Comparing(service.database))

    async def answer(service: Service, request: Request) -> Response:
        return await _answer(service, serving, request)

    return FhirApp(service, answer)


async def _answer(service: Service, serving: Feed, request: Request) -> Response:
    match request.method, request.path:
        case "GET", (what,) if what in _READING:
            return await _READING[what](serving, request)
        case "GET", ("group", numbers):
            return await reading.group(serving, request, numbers)
        case "GET", ("patient", id_):
            return await reading.patient(serving, request, id_)
        case "GET", ("entry",):
            return await entering.entry(service.database, request)
        case "POST", ("looks",):
            return await entering.looks(service.database, service.guard.secret, request)
    is_known = request.path[:1] and request.path[0] in (*_READING, *_OTHERS)
    raise errors.method_not_allowed(request.method) if is_known else errors.not_found()
