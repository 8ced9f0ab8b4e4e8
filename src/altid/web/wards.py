"""The wards of one's place of work, and the list of who lies in one."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.screen.views import ward
from altid.screen.views.moments import ZONE
from altid.web import cookies, ward_todo
from altid.web.faults import failed
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page
from altid.web.ward_memory import WardMemory
from altid.web.ward_reading import Ward, read_ward, wards_of

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_WARDS_S_MAX = 300.0
_PLACES_MAX = 1_000
"""Places of work of a region."""


@dataclass(slots=True)
class Wards:
    """The wards of each place of work, read once in a while. One for a server process."""

    _known: dict[str, tuple[float, tuple[Ward, ...]]] = field(default_factory=dict)

    async def of(self, visit: Visit) -> tuple[Ward, ...]:
        """Those of where somebody works; none for whom finds no patients. Raises one of `UNREACHABLE`."""
        if not visit.permit.may("s", "Patient"):
            return ()
        return await self.at(visit.service, visit.identity.organisation)

    async def at(self, service: Service, organisation: str) -> tuple[Ward, ...]:
        """Those of a place of work. Raises one of `UNREACHABLE`."""
        now = time.monotonic()
        until, wards = self._known.get(organisation, (0.0, ()))
        if until <= now:
            async with service.database.reading() as connection:
                wards = await wards_of(connection, organisation)
            if len(self._known) >= _PLACES_MAX:
                self._known.clear()
            self._known[organisation] = (now + _WARDS_S_MAX, wards)
        return wards


def ward_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    memory = WardMemory()

    async def by_bed(visit: Visit) -> Response:
        return await _show(visit, names, memory)

    async def by_time(visit: Visit) -> Response:
        return await _show(visit, names, memory, by_time=True)

    return [
        Route("/ward/{id}", gated(service, by_bed), methods=["GET"]),
        Route("/ward/{id}/due", gated(service, by_time), methods=["GET"]),
    ]


async def _show(visit: Visit, names: PlaceNames, memory: WardMemory, *, by_time: bool = False) -> Response:
    identity = visit.request.path_params["id"]
    me = await me_of(visit, names)
    if not (visit.permit.may("s", "Patient") and visit.permit.may("s", "Encounter")):
        visit.note(Action.SEARCH, "ward", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    if not _ID.fullmatch(identity):
        return failed(visit.request, "not-found", 404)
    kinds = (*ward.KINDS, *ward_todo.KINDS)
    closed = frozenset(kind for kind in kinds if not visit.permit.may("s", kind))
    visible = await visit.permit.visible("s")
    async with visit.service.database.reading() as connection:
        listed = await read_ward(connection, identity, visible, closed, memory)
    if listed is None:
        return failed(visit.request, "not-found", 404)
    patients = tuple(row.who.identity.id for row in listed.rows)
    visit.note(Action.SEARCH, "ward", type="Patient", patients=patients)
    shown = page(
        "ward.html",
        visit.words,
        me=me,
        listed=listed,
        rows=sorted(listed.rows, key=ward.time_order) if by_time else listed.rows,
        by_time=by_time,
        today=listed.read_at.astimezone(ZONE).date(),
    )
    cookies.keep_ward(shown, identity, secure=cookies.is_secure(visit.request))
    return shown
