"""Browsers tell how it went at `/telemetry`; `/clients` shows operations what they told this server."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid import __version__
from altid.access.audit.event import Action, Outcome
from altid.access.identity import Role
from altid.screen.forms import StrangeFormError, check_from_here
from altid.screen.headers import NOT_KEPT
from altid.screen.static import files
from altid.screen.views.moments import ZONE
from altid.web import cookies
from altid.web.gate import Service, Visit, gated, known, public_url
from altid.web.loading import UNREACHABLE
from altid.web.looks import address_of
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page
from altid.web.telemetry import BYTES_MAX, TELLS, TelemetryError, measures_of
from altid.web.telemetry_files import TelemetryFiles
from altid.web.telemetry_summary import clients_of
from altid.web.ward_reading import ward_names
from altid.web.wards import Wards

PAGE = "/clients"
OPERATING = frozenset({Role.OPERATIONS, Role.ADMINISTRATOR})
_PROGRAM_KINDS = frozenset(
    f"{method} {base}/*" for method in ("GET", "POST", "PUT") for base in ("/fhir", "/orders")
)
"""What pages ask by script of other rooms."""
_MINUTE_S = 60.0
_BATCHES_PER_MINUTE_MAX = 120
"""From one address: a ward behind one has some dozens of browsers, each of which tells twice a minute."""
_ADDRESSES_MAX = 5_000
_BODY_S_MAX = 5.0

_log = logging.getLogger(__name__)


class Tempo:
    """How often each address has asked in this minute. Of one process, and in its memory alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, address: str) -> bool:
        begun, count = self._asked.pop(address, (0.0, 0))
        now = self._clock()
        if count == 0 or now - begun >= _MINUTE_S:
            begun, count = now, 0
        self._asked[address] = (begun, count + 1)
        if len(self._asked) > _ADDRESSES_MAX:
            self._asked.popitem(last=False)
        return count < _BATCHES_PER_MINUTE_MAX


def client_routes(
    service: Service,
    names: PlaceNames,
    wards: Wards,
    folder: Path | None,
    routes: Callable[[], Iterable[BaseRoute]],
) -> list[BaseRoute]:
    """`folder`: where measures are kept, None: nowhere. `routes`: all pages, of which browsers may tell."""
    kept, tempo = TelemetryFiles(folder) if folder else None, Tempo()
    kinds: set[str] = set()
    scripts = frozenset(name for name in files("altid.web") if name.endswith(".js"))

    async def tell(request: Request) -> Response:
        if not kinds:
            kinds.update(_PROGRAM_KINDS, kinds_of(routes()))
        try:
            check_from_here(request, public_url(service))
        except StrangeFormError:
            return _said(403)
        if not tempo.allows(address_of(request)):
            return _said(429)
        try:
            found = measures_of(await _body(request), kinds, scripts)
        except (TelemetryError, TimeoutError):
            return _said(400)
        identity = known(service, request)
        if kept is not None:
            place = identity.organisation if identity else ""
            ward = await _ward_of(request, service, wards, place)
            try:
                await asyncio.to_thread(kept.keep, found, place, datetime.now(UTC), ward)
            except OSError as error:
                _log.warning("measures of browsers are not kept: %s", type(error).__name__)
        return _said(200)

    async def show(visit: Visit) -> Response:
        return await _show(visit, names, kept)

    return [Route(TELLS, tell, methods=["POST"]), Route(PAGE, gated(service, show), methods=["GET"])]


def kinds_of(routes: Iterable[BaseRoute]) -> set[str]:
    """`GET /patient/{id}` for each route; for those that take whatever is left, `GET /*`."""
    return {
        f"{method} {'/*' if '{path}' in route.path_format else route.path_format}"
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }


async def _ward_of(request: Request, service: Service, wards: Wards, place: str) -> str:
    """Where the browser stands, as far as it is a ward of where somebody works: anything else that is in its
    cookie is not kept. "" where that is not known."""
    ward = cookies.ward_of(request)
    if not ward or not place:
        return ""
    try:
        return ward if ward in {each.id for each in await wards.at(service, place)} else ""
    except UNREACHABLE:
        return ""


def _said(status: int) -> Response:
    """With the version that answers, so that a page knows when it is out of date."""
    body = json.dumps({"version": __version__})
    return Response(body, status, NOT_KEPT, "application/json")


async def _body(request: Request) -> bytes:
    """Raises `TelemetryError`, `TimeoutError`."""
    body = bytearray()
    async with asyncio.timeout(_BODY_S_MAX):
        async for chunk in request.stream():
            body += chunk
            if len(body) > BYTES_MAX:
                raise TelemetryError(f"A batch has at most {BYTES_MAX} bytes.")
    return bytes(body)


async def _show(visit: Visit, names: PlaceNames, kept: TelemetryFiles | None) -> Response:
    me = await me_of(visit, names)
    if visit.identity.role not in OPERATING:
        visit.note(Action.ADMINISTER, "clients", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    now = datetime.now(UTC)
    found = await asyncio.to_thread(lambda: clients_of(kept.newest(now) if kept else (), __version__))
    visit.note(Action.ADMINISTER, "clients")
    places = tuple({speed.place for speed in found.speeds if speed.place})
    wards = {speed.ward for speed in found.speeds if speed.ward}
    async with visit.service.database.reading() as connection:
        named = await ward_names(connection, wards)
    return page(
        "clients.html",
        visit.words,
        me=me,
        found=found,
        places=await names.of(visit.service, places),
        wards=named,
        site=visit.service.guard.site,
        now=now.astimezone(ZONE),
    )
