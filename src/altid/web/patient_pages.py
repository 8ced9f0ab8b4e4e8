"""The pages of one patient: the overview, and one for each part that has more to tell."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.screen.rendering import answer
from altid.screen.views.chart import Chart
from altid.web.faults import failed
from altid.web.gate import Service, Visit, gated
from altid.web.loading import read_chart
from altid.web.me import Me, PlaceNames, me_of
from altid.web.needs import KINDS, NEEDS, OVERVIEW, Need
from altid.web.older import before_of, next_before
from altid.web.overriding import KIND_NAMES
from altid.web.patient import PARTS, Shown, no_grounds_html, part_html, patient_html
from altid.web.rendering import page
from altid.web.rights import breaks_glass, closed_of

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient whose record somebody may see, read and told to the audit."""

    chart: Chart
    me: Me
    by_override: bool


def patient_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def overview(visit: Visit) -> Response:
        opened = await open_patient(visit, names, "patient", OVERVIEW)
        return opened if isinstance(opened, Response) else await _shown(patient_html, opened, visit)

    def part(name: str) -> Callable[[Visit], Awaitable[Response]]:
        async def show(visit: Visit) -> Response:
            need, before = NEEDS[name], before_of(visit.request)
            asked = need.until(before) if before else need
            opened = await open_patient(visit, names, f"patient-{name}", asked)
            if isinstance(opened, Response):
                return opened
            following = next_before(opened.chart, need, before)
            return await _shown(
                lambda shown: part_html(name, replace(shown, before=before, following=following)),
                opened,
                visit,
            )

        return show

    parts = [Route(f"/patient/{{id}}/{name}", gated(service, part(name)), methods=["GET"]) for name in PARTS]
    return [Route("/patient/{id}", gated(service, overview), methods=["GET"]), *parts]


async def open_patient(visit: Visit, names: PlaceNames, what: str, need: Need) -> Opened | Response:
    """Read the patient of the address for a page of theirs, and note it; or the page that says why not.
    `what`: the page, as the audit calls it; `need`: what it shows."""
    identity = visit.request.path_params["id"]
    if not visit.permit.may("r", "Patient"):
        visit.note(Action.READ, what, type="Patient", id=identity, outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=await me_of(visit, names))
    if not ID.fullmatch(identity):
        return failed(visit.request, "not-found", 404)
    me = await me_of(visit, names)
    closed = await closed_of(visit.permit, KINDS, identity)
    visible = await visit.permit.visible("r")
    async with visit.service.database.reading() as connection:
        chart = await read_chart(
            connection, identity, visible, closed.types, OVERVIEW if closed.lacks_grounds else need
        )
    if chart is None:
        return failed(visit.request, "not-found", 404)
    shown = "patient-identity" if closed.lacks_grounds else what
    visit.note(Action.READ, shown, type="Patient", id=identity, patients=(identity,))
    if closed.lacks_grounds:
        may_break = breaks_glass(visit.permit)
        return answer(no_grounds_html(chart, visit.words, me, KIND_NAMES if may_break else ()), visit.words)
    return Opened(chart, me, closed.has_grounds and await visit.permit.is_by_override(identity))


async def _shown(html: Callable[[Shown], str], opened: Opened, visit: Visit) -> Response:
    """In a thread: a full chart takes tens of milliseconds, in which this process answers others."""
    shown = Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)
    return answer(await run_in_threadpool(html, shown), visit.words)
