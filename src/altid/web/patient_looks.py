"""`/patient/{id}/looks`: who has looked at a patient, for those who treat them. It is itself a look.

Shown is who, in which role and where, what, and on what grounds, as patients may read it at sundhed.dk
(*MinLog*). From which PC, and what was administered or followed up, is for the auditor.
Looks alike within an hour stand as one line: a ward's list is opened by everybody, many times a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit import store
from altid.access.audit.event import Action, Event, Outcome, moment_of
from altid.access.audit.store import Entry, Query
from altid.access.grounds import Grounds
from altid.fhir.search.hidden import Period
from altid.screen.rendering import answer
from altid.screen.views.moments import ZONE
from altid.web.gate import Service, Visit, gated
from altid.web.me import SEES_LOOKS, PlaceNames, me_of
from altid.web.needs import BANNER
from altid.web.patient import Shown
from altid.web.patient_pages import Opened, open_patient
from altid.web.rendering import page

TAB = "looks"
EVENTS_MAX = 300
"""Read for one page: a day of a patient in a ward. "Older" shows the ones before."""
LOOKING = frozenset(
    {
        Action.READ,
        Action.VREAD,
        Action.HISTORY,
        Action.SEARCH,
        Action.CREATE,
        Action.UPDATE,
        Action.PATCH,
        Action.DELETE,
        Action.OPERATION,
        Action.EXPORT,
        Action.PRINT,
        Action.OVERRIDE,
        Action.EMERGENCY_CODE,
    }
)
_MOMENT = re.compile(r"[0-9]{1,17}", re.ASCII)
"""Microseconds since 1970."""
_PAGE = "page:"
_WHAT = "patient-looks"


@dataclass(frozen=True, slots=True)
class Look:
    """One line: what one person did alike within an hour. `first` and `last`: when; `count`: how often."""

    last: datetime
    first: datetime
    count: int
    name: str
    role: str
    place: str
    """SOR number."""
    action: Action
    page: str
    """Of ours, as the audit calls it; "" for another way in."""
    type: str
    """Of what was read, as FHIR names it."""
    why: str
    outcome: Outcome

    @property
    def is_broken_glass(self) -> bool:
        return self.why == Grounds.OVERRIDE or self.action is Action.OVERRIDE


def look_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        if visit.identity.role not in SEES_LOOKS:
            visit.note(Action.READ, _WHAT, type="AuditEvent", outcome=Outcome.REFUSED)
            return page("not-for-role.html", visit.words, status=403, me=await me_of(visit, names))
        opened = await open_patient(visit, names, _WHAT, BANNER)
        return opened if isinstance(opened, Response) else await _show(visit, opened, names)

    return [Route(f"/patient/{{id}}/{TAB}", gated(service, show), methods=["GET"])]


async def _show(visit: Visit, opened: Opened, names: PlaceNames) -> Response:
    patient = str(opened.chart.patient["id"])
    hidden = (await visit.permit.visible("r")).hidden.get(patient, ())
    before = visit.request.query_params.get("before", "")
    until = moment_of(int(before)) if _MOMENT.fullmatch(before) else None
    async with visit.service.database.reading() as connection:
        found = await store.search(connection, Query(patient=patient, until=until, limit=EVENTS_MAX + 1))
    entries, older = page_of(found, EVENTS_MAX)
    looks = looks_of((entry.event for entry in entries), patient, hidden)
    places = tuple(sorted({look.place for look in looks if look.place}))
    shown = Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)
    html = shown.render(
        "patient-looks.html",
        TAB,
        looks=looks,
        older=older,
        is_newest=until is None,
        places=await names.of(visit.service, places),
    )
    return answer(html, visit.words)


def page_of(found: Sequence[Entry], count: int) -> tuple[Sequence[Entry], int | None]:
    """The first `count` of them, and before which moment (microseconds) the next page goes on; None: there is
    none. What one request noted has one moment, and stands on one page where that is possible."""
    if len(found) <= count:
        return found, None
    cut = count
    while cut and found[cut - 1].event.at_us == found[count].event.at_us:
        cut -= 1
    shown = found[: cut or count]
    return shown, shown[-1].event.at_us


def looks_of(events: Iterable[Event], patient: str, hidden: Sequence[Period] = ()) -> tuple[Look, ...]:
    """Newest first, as the events come. `hidden`: periods that the patient has blocked for whoever asks: who
    looked then would tell where they were."""
    looks: dict[object, Look] = {}
    for event in events:
        if event.action not in LOOKING or any(period.low <= event.at < period.high for period in hidden):
            continue
        look = _look(event, patient)
        key = (event.who.subject, f"{event.at.astimezone(ZONE):%Y%m%d%H}", *_alike(look))
        newer = looks.get(key)
        looks[key] = look if newer is None else _joined(newer, look)
    return tuple(looks.values())


def _look(event: Event, patient: str) -> Look:
    return Look(
        last=event.at,
        first=event.at,
        count=event.count or 1,
        name=event.who.name or event.who.subject,
        role=event.who.role,
        place=event.who.organisation,
        action=event.action,
        page=event.operation.removeprefix(_PAGE) if event.operation.startswith(_PAGE) else "",
        type=event.type,
        why=event.grounds_for(patient),
        outcome=event.outcome,
    )


def _alike(look: Look) -> tuple[object, ...]:
    return look.name, look.role, look.place, look.action, look.page, look.type, look.why, look.outcome


def _joined(newer: Look, older: Look) -> Look:
    return replace(newer, first=older.first, count=newer.count + older.count)
