"""Emergency codes that were used at lookup records: for operations and auditors, until somebody has seen to
it."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import code_uses
from altid.access.audit.event import Action, Outcome
from altid.access.code_uses import SEES
from altid.access.door import writing
from altid.screen.views.moments import ZONE
from altid.web.addresses import go
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page

PATH = "/emergency-codes"
_PAGE = "emergency-codes"


def code_use_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names)

    async def seen(visit: Visit) -> Response:
        return await _seen(visit, names)

    return [
        Route(PATH, gated(service, show), methods=["GET"]),
        Route(PATH, gated(service, seen), methods=["POST"]),
    ]


async def _show(visit: Visit, names: PlaceNames) -> Response:
    me = await me_of(visit, names)
    if visit.identity.role not in SEES:
        visit.note(Action.SEARCH, _PAGE, type="CodeUse", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    async with visit.service.database.reading() as connection:
        uses = await code_uses.unseen(connection)
    places = await names.of(visit.service, tuple(dict.fromkeys(each.ward for each in uses)))
    visit.note(Action.SEARCH, _PAGE, type="CodeUse")
    now = datetime.now(ZONE)
    return page("emergency-codes.html", visit.words, me=me, uses=uses, places=places, now=now)


async def _seen(visit: Visit, names: PlaceNames) -> Response:
    """One that somebody else has seen to meanwhile is simply not there any more."""
    if visit.identity.role not in SEES:
        return await _show(visit, names)
    use = visit.form.get("use", "")
    async with writing(visit.service.guard.desk, visit.caller) as connection:
        done = await code_uses.see(connection, visit.identity, use, datetime.now(UTC))
    visit.note(Action.FOLLOW_UP, _PAGE, type="CodeUse", id=use if done else "")
    return go(PATH)
