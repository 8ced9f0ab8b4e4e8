"""*Min liste*: the patients whom somebody follows; put on it from a patient's page, and taken off."""

from __future__ import annotations

import re
from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import lists
from altid.access.audit.event import Action, Outcome
from altid.access.grounds import TREATING
from altid.access.refusal import Refusal
from altid.screen.views.moments import ZONE
from altid.web.addresses import go
from altid.web.gate import Service, Visit, gated
from altid.web.loading import Row, read_patients
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page, refusal_page

LIST = "/list"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def list_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names)

    async def add(visit: Visit) -> Response:
        return await _add(visit, names)

    return [
        Route(LIST, gated(service, show), methods=["GET"]),
        Route(f"{LIST}/remove", gated(service, _remove), methods=["POST"]),
        Route("/patient/{id}/list", gated(service, add), methods=["POST"]),
    ]


async def _show(visit: Visit, names: PlaceNames) -> Response:
    me = await me_of(visit, names)
    if visit.identity.role not in TREATING:
        visit.note(Action.SEARCH, "list", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    found = await lists.listed(visit.service.guard.desk, visit.caller, visit.identity)
    if isinstance(found, Refusal):
        return refusal_page(found, visit.words)
    rows = await _rows(visit, [each.patient for each in found])
    visit.note(Action.SEARCH, "list", type="Patient", patients=tuple(each.patient for each in found))
    now = datetime.now(ZONE)
    return page("own-list.html", visit.words, me=me, listed=found, rows=rows, today=now.date(), now=now)


async def _rows(visit: Visit, patients: list[str]) -> dict[str, Row]:
    """Who they are and where they lie, by id, as far as that may be seen."""
    if not patients:
        return {}
    visible = await visit.permit.visible("s")
    async with visit.service.database.reading() as connection:
        listing = await read_patients(connection, [("_id", ",".join(patients))], visible)
    return {row.identity.id: row for row in listing.rows}


async def _add(visit: Visit, names: PlaceNames) -> Response:
    """Without a reason: whoever needs one breaks the glass on the patient's page first."""
    patient, hours = visit.request.path_params["id"], visit.form.get("hours", "")
    reach = await visit.service.guard.reaches.of(visit.identity, fresh=True)
    added = await lists.add(
        visit.service.guard.desk,
        visit.caller,
        visit.identity,
        reach,
        patient,
        int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 4 else 0,
    )
    if isinstance(added, Refusal):
        if added.status == 403 and _ID.fullmatch(patient):
            visit.note(Action.ADMINISTER, "list-add", patients=(patient,), outcome=Outcome.REFUSED)
        me, text = await me_of(visit, names), added.text(visit.words.language)
        return page("not-listed.html", visit.words, status=added.status, me=me, text=text, patient=patient)
    visit.service.guard.reaches.forget(visit.identity)
    visit.note(Action.ADMINISTER, "list-add", patients=(patient,))
    return go(LIST)


async def _remove(visit: Visit) -> Response:
    patient = visit.form.get("patient", "")
    if not _ID.fullmatch(patient):
        return go(LIST)
    removed = await lists.remove(visit.service.guard.desk, visit.caller, visit.identity, patient)
    if isinstance(removed, Refusal):
        return refusal_page(removed, visit.words)
    visit.service.guard.reaches.forget(visit.identity)
    if removed:
        visit.note(Action.ADMINISTER, "list-remove", patients=(patient,))
    return go(LIST)
