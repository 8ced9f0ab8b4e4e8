"""`/settings`: what is one's own: the ward at which one begins, the language, and where one is logged on.

`/start` leads to that ward: there one comes to after a logon that wanted no other page.
"""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import start_wards
from altid.access.audit.event import Action
from altid.access.door import writing
from altid.access.own_sessions import end_own, own_sessions
from altid.access.refusal import Refusal
from altid.screen.views.moments import ZONE
from altid.web.addresses import FRONT, START, go
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page, refusal_page
from altid.web.wards import Wards

SETTINGS = "/settings"


def settings_routes(service: Service, names: PlaceNames, wards: Wards) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names, wards)

    async def keep(visit: Visit) -> Response:
        return await _keep(visit, wards)

    async def start(visit: Visit) -> Response:
        ward = await start_ward(visit, wards)
        return go(f"/ward/{ward}" if ward else FRONT)

    return [
        Route(SETTINGS, gated(service, show, needs_audit=False), methods=["GET"]),
        Route(SETTINGS, gated(service, keep, needs_audit=False), methods=["POST"]),
        Route(f"{SETTINGS}/session", gated(service, _end, makes_ways_in=True), methods=["POST"]),
        Route(START, gated(service, start, needs_audit=False), methods=["GET"]),
    ]


async def start_ward(visit: Visit, wards: Wards) -> str | None:
    """The ward that was chosen, if it still is one of where one works. Raises one of `UNREACHABLE`."""
    known = {ward.id for ward in await wards.of(visit)}
    if not known:
        return None
    async with visit.service.database.reading() as connection:
        ward = await start_wards.chosen(connection, visit.identity.subject, visit.identity.organisation)
    return ward if ward in known else None


async def _show(visit: Visit, names: PlaceNames, wards: Wards) -> Response:
    desk = visit.service.guard.desk
    async with visit.service.database.reading() as connection:
        own = await own_sessions(connection, desk, visit.identity)
    places = tuple(sorted({session.organisation for session in own}))
    return page(
        "settings.html",
        visit.words,
        me=await me_of(visit, names),
        wards=await wards.of(visit),
        chosen=await start_ward(visit, wards),
        sessions=own,
        places=await names.of(visit.service, places),
        now=datetime.now(ZONE),
    )


async def _keep(visit: Visit, wards: Wards) -> Response:
    """Only a ward of one's own place of work; all else takes the choice back."""
    known = {ward.id for ward in await wards.of(visit)}
    wanted, who = visit.form.get("ward", ""), visit.identity
    async with writing(visit.service.guard.desk, visit.caller) as connection:
        ward = wanted if wanted in known else None
        await start_wards.choose(connection, who.subject, who.organisation, ward)
    return go(SETTINGS)


async def _end(visit: Visit) -> Response:
    """Of one's own sessions; the one that asks is ended by logging off."""
    sid = visit.form.get("session", "")
    if sid == visit.identity.session:
        return go(SETTINGS)
    ended = await end_own(visit.service.guard.desk, visit.caller, visit.identity, sid)
    if isinstance(ended, Refusal):
        return refusal_page(ended, visit.words)
    if ended:
        visit.note(Action.LOGOFF, "session-end", type="Session", id=sid)
    return go(SETTINGS)
