"""An application asks to act for whoever is logged on (SMART App Launch 2.2): what it asks for, yes or no.

`GET /access/authorize` leads here with the question in the address. Whoever says yes may give less than all,
and says about which patient; only patients whom they have grounds for are to choose from.
"""

from __future__ import annotations

from datetime import datetime

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from altid.access import applications, refusal, wishes
from altid.access.audit.event import Action, Outcome
from altid.access.permit import Permit
from altid.access.refusal import Refusal
from altid.access.scopes import SPECIAL
from altid.access.wishes import Fields, SentBack, Wish
from altid.record.visibility import Visible
from altid.screen.headers import NOT_KEPT, leading_to
from altid.screen.views.moments import ZONE
from altid.web import questions
from altid.web.addresses import APPLICATION
from altid.web.finding import find
from altid.web.gate import Service, Visit, gated
from altid.web.loading import Row, read_patients
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page, refusal_page
from altid.web.wishes import application_of

_PATIENT = "Patient"


def application_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _ask(visit, names, visit.request.url.query)

    async def search(visit: Visit) -> Response:
        query = _answered(visit)
        if query is None:
            return refusal_page(refusal.ASK_AGAIN, visit.words)
        return await _ask(visit, names, query, sought=visit.form.get("search", "").strip())

    async def answer(visit: Visit) -> Response:
        return await _answer(visit, names)

    return [
        Route(APPLICATION, gated(service, show, makes_ways_in=True), methods=["GET"]),
        Route(f"{APPLICATION}/patients", gated(service, search, makes_ways_in=True), methods=["POST"]),
        Route(f"{APPLICATION}/answer", gated(service, answer, makes_ways_in=True), methods=["POST"]),
    ]


def _answered(visit: Visit) -> str | None:
    desk = visit.service.guard.desk
    return questions.answered(desk.secret, visit.identity.session, visit.form, desk.clock())


async def _ask(
    visit: Visit, names: PlaceNames, query: str, *, sought: str = "", alert: str | None = None
) -> Response:
    """The page; or back to the application with an error; or, where nobody is registered, a page of ours."""
    desk, identity = visit.service.guard.desk, visit.identity
    fields = wishes.question(query) if query else refusal.ASK_AGAIN
    wish = fields if isinstance(fields, Refusal) else await wishes.read(desk, visit.caller, fields)
    if isinstance(wish, Refusal):
        return refusal_page(wish, visit.words)
    if isinstance(wish, SentBack):
        return _back(wish)
    application = application_of(wish)
    rows, has_more = await _patients(visit, sought) if wish.needs_patient else ((), False)
    known = await names.of(visit.service, (application.organisation,))
    shown = page(
        "application.html",
        visit.words,
        status=422 if alert else 200,
        me=await me_of(visit, names),
        application=application,
        behind=known[application.organisation],
        question=questions.shown(desk.secret, identity.session, query, desk.clock()),
        rows=rows,
        has_more=has_more,
        sought=sought,
        alert=alert,
        today=datetime.now(ZONE).date(),
        minutes=desk.settings.token_s_max // 60,
    )
    shown.headers["Content-Security-Policy"] = leading_to(wish.redirect_uri)
    return shown


async def _patients(visit: Visit, sought: str) -> tuple[tuple[Row, ...], bool]:
    """Of those whom the visitor has grounds for; and whether there are more."""
    if not visit.permit.may("s", _PATIENT):
        return (), False
    conditions = find(sought, datetime.now(ZONE).date())
    visible = await _with_grounds(visit.permit)
    async with visit.service.database.reading() as connection:
        listing = await read_patients(connection, conditions, visible)
    visit.note(
        Action.SEARCH,
        "application-patients",
        type=_PATIENT,
        patients=tuple(row.identity.id for row in listing.rows),
        parameters=tuple(dict.fromkeys(name for name, _ in conditions)),
    )
    return listing.rows, listing.has_more


async def _with_grounds(permit: Permit) -> Visible:
    """Who patients are may be seen of everybody; an application is opened with one who is in treatment."""
    visible = await permit.visible("s")
    return Visible(visible.whole - {_PATIENT}, visible.bound | {_PATIENT}, visible.patients, visible.hidden)


async def _answer(visit: Visit, names: PlaceNames) -> Response:
    query = _answered(visit)
    fields = refusal.ASK_AGAIN if query is None else wishes.question(query)
    if query is None or isinstance(fields, Refusal):
        return refusal_page(refusal.ASK_AGAIN, visit.words)
    if visit.form.get("answer") != "yes":
        return await _say_no(visit, fields)
    chosen = [value for name, value in visit.form.items() if name.startswith("scope-")]
    patient = visit.form.get("patient") or None
    if not chosen:
        return await _ask(visit, names, query, alert=visit.words.text("application.nothing"))
    if patient is not None and not await visit.permit.has_grounds([patient]):
        visit.note(Action.ADMINISTER, "allow application", patients=(patient,), outcome=Outcome.REFUSED)
        return await _ask(visit, names, query, alert=visit.words.text("application.no-grounds"))
    return await _say_yes(visit, fields, patient, chosen)


async def _say_yes(visit: Visit, fields: Fields, patient: str | None, chosen: list[str]) -> Response:
    desk, caller = visit.service.guard.desk, visit.caller
    wish = await wishes.read(desk, caller, fields)
    special = [scope for scope in wish.scopes if scope in SPECIAL] if isinstance(wish, Wish) else []
    said = await applications.say_yes(
        desk, caller, visit.identity, fields, patient=patient, scopes=[*special, *chosen]
    )
    if isinstance(said, Refusal):
        return refusal_page(said, visit.words)
    if said.refused is None:
        about = () if said.patient is None else (said.patient,)
        visit.note(Action.ADMINISTER, f"allow application {said.client}", patients=about)
    return _back(said)


async def _say_no(visit: Visit, fields: Fields) -> Response:
    said = await applications.say_no(visit.service.guard.desk, visit.caller, visit.identity, fields)
    if isinstance(said, Refusal):
        return refusal_page(said, visit.words)
    visit.note(Action.ADMINISTER, f"refuse application {said.client}")
    return _back(said)


def _back(said: SentBack) -> Response:
    """To the application: its address was registered, and compared with that sign by sign."""
    return RedirectResponse(said.location, 303, headers=NOT_KEPT)
