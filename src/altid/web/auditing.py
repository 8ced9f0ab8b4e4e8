"""Who has looked at a patient: for the auditor, who asks by the patient's id. The asking is an event, too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit import store
from altid.access.audit.event import Action, Outcome
from altid.access.audit.store import Entry, Query
from altid.screen.views.moments import ZONE
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page

LOOKS_SHOWN_MAX = 500
"""On one page; a shorter period shows the rest."""
DAYS = (1, 7, 30, 365)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def audit_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def ask(visit: Visit) -> Response:
        return await _page(visit, names, "", 7, None)

    async def looks(visit: Visit) -> Response:
        return await _looks(visit, names)

    return [
        Route("/looks", gated(service, ask, makes_ways_in=True), methods=["GET"]),
        Route("/looks", gated(service, looks, makes_ways_in=True), methods=["POST"]),
    ]


async def _looks(visit: Visit, names: PlaceNames) -> Response:
    patient = visit.form.get("patient", "").strip().removeprefix("Patient/")
    days = next((days for days in DAYS if str(days) == visit.form.get("days")), 7)
    if not visit.permit.may("s", "AuditEvent") or not _ID.fullmatch(patient):
        return await _page(visit, names, patient[:64], days, None)
    since = datetime.now(UTC) - timedelta(days=days)
    query = Query(patient=patient, since=since, limit=LOOKS_SHOWN_MAX + 1)
    async with visit.service.database.reading() as connection:
        found = await store.search(connection, query)
    visit.note(Action.SEARCH, "looks", type="AuditEvent", patients=(patient,), parameters=("patient", "date"))
    return await _page(visit, names, patient, days, found)


async def _page(
    visit: Visit, names: PlaceNames, patient: str, days: int, found: list[Entry] | None
) -> Response:
    me = await me_of(visit, names)
    if not me.follows_up:
        visit.note(Action.SEARCH, "looks", type="AuditEvent", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    shown = [] if found is None else found[:LOOKS_SHOWN_MAX]
    organisations = {entry.event.who.organisation for entry in shown}
    return page(
        "looks.html",
        visit.words,
        me=me,
        patient=patient,
        days=days,
        days_offered=DAYS,
        was_asked=visit.request.method == "POST",
        is_known=found is not None,
        looks=shown,
        has_more=found is not None and len(found) > LOOKS_SHOWN_MAX,
        places=await names.of(visit.service, tuple(sorted(filter(None, organisations)))),
        read_at=datetime.now(ZONE),
    )
