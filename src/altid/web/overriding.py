"""*Værdispring*: to break the glass before a patient, with a reason, and to follow up what others did."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import overrides
from altid.access.audit.event import Action, Outcome
from altid.access.door import writing
from altid.access.glass import KINDS, OverrideError
from altid.access.overrides import FINDINGS, FOLLOW_UP
from altid.screen.views.moments import ZONE
from altid.web.addresses import go
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page
from altid.web.rights import breaks_glass

KIND_NAMES = KINDS
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def override_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def break_glass(visit: Visit) -> Response:
        return await _break_glass(visit, names)

    async def listing(visit: Visit) -> Response:
        return await _follow_up_page(visit, names)

    async def follow_up(visit: Visit) -> Response:
        return await _follow_up(visit, names)

    return [
        Route("/patient/{id}/override", gated(service, break_glass), methods=["POST"]),
        Route("/follow-up", gated(service, listing, makes_ways_in=True), methods=["GET"]),
        Route("/follow-up", gated(service, follow_up, makes_ways_in=True), methods=["POST"]),
    ]


async def _break_glass(visit: Visit, names: PlaceNames) -> Response:
    patient = visit.request.path_params["id"]
    if not breaks_glass(visit.permit) or not _ID.fullmatch(patient):
        _note_refused(visit, patient)
        return page("not-for-role.html", visit.words, status=403, me=await me_of(visit, names))
    kind, reason = visit.form.get("kind", ""), visit.form.get("reason", "").strip()
    desk = visit.service.guard.desk
    try:
        async with writing(desk, visit.caller) as connection:
            made = await overrides.break_glass(
                connection, visit.identity, patient, kind, reason, datetime.now(UTC)
            )
    except OverrideError as error:
        _note_refused(visit, patient)
        text = error.text_da if visit.words.language == "da" else error.text_en
        me = await me_of(visit, names)
        return page("not-broken.html", visit.words, status=422, me=me, text=text, patient=patient)
    visit.service.guard.reaches.forget(visit.identity)
    visit.note(Action.OVERRIDE, "override", type="Override", id=str(made), patients=(patient,))
    return go(f"/patient/{patient}")


def _note_refused(visit: Visit, patient: str) -> None:
    named = (patient,) if _ID.fullmatch(patient) else ()
    visit.note(Action.OVERRIDE, "override", type="Override", outcome=Outcome.REFUSED, patients=named)


async def _follow_up(visit: Visit, names: PlaceNames) -> Response:
    if visit.identity.role not in FOLLOW_UP:
        return await _follow_up_page(visit, names)
    form = visit.form
    try:
        async with writing(visit.service.guard.desk, visit.caller) as connection:
            await overrides.follow_up(
                connection,
                visit.identity,
                form.get("override", ""),
                form.get("finding", ""),
                form.get("remark", "").strip(),
                datetime.now(UTC),
            )
    except OverrideError as error:
        visit.note(Action.FOLLOW_UP, "follow-up", type="Override", outcome=Outcome.REFUSED)
        return await _follow_up_page(visit, names, error)
    visit.note(Action.FOLLOW_UP, "follow-up", type="Override", id=form.get("override", ""))
    return go("/follow-up")


async def _follow_up_page(visit: Visit, names: PlaceNames, error: OverrideError | None = None) -> Response:
    me = await me_of(visit, names)
    if not me.follows_up:
        visit.note(Action.SEARCH, "follow-up", type="Override", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    async with visit.service.database.reading() as connection:
        opened = await overrides.still_open(connection)
    known = await names.of(visit.service, tuple(dict.fromkeys(each.organisation for each in opened)))
    patients = tuple(dict.fromkeys(each.patient for each in opened))
    visit.note(Action.SEARCH, "follow-up", type="Override", patients=patients)
    text = None
    if error is not None:
        text = error.text_da if visit.words.language == "da" else error.text_en
    return page(
        "follow-up.html",
        visit.words,
        status=422 if error else 200,
        me=me,
        opened=opened,
        places=known,
        findings=FINDINGS,
        text=text,
        now=datetime.now(ZONE),
    )
