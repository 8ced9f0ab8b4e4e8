"""Prints from the page: as they would be made now; the one that lies ready where that can't be done.

A print is a look at each patient on it. Nobody gets on paper what they would not get on the screen.
"""

from __future__ import annotations

import re
from dataclasses import replace

from starlette.responses import Response

from altid.access.audit.event import Action
from altid.lookup.needs import WardRow
from altid.lookup.pages.patient import seen
from altid.lookup.pages.sight import seen_by, sees_all
from altid.lookup.pages.visit import PageHandler, Visit, told
from altid.lookup.paper.forms import FormKind
from altid.lookup.paper.numbers import SHEETS_MAX
from altid.lookup.paper.printer import KINDS, Printer
from altid.lookup.paper.typeset import PaperError
from altid.screen.headers import NOT_KEPT
from altid.screen.views.admission import admission_of
from altid.screen.views.chart import Chart
from altid.screen.views.identity import identity_of

_COUNT = re.compile(r"[1-9]\d{0,2}", re.ASCII)


def ward_paper(printer: Printer) -> PageHandler:
    """`/ward/{id}/{kind}.pdf`."""

    async def answer(visit: Visit) -> Response:
        kind, wanted = visit.request.path_params["kind"], visit.request.path_params["id"]
        ward = next((one for one in visit.place.copy.wards() if one.id == wanted), None)
        if ward is None or kind not in KINDS:
            return visit.absent()
        return await _ward_paper(visit, printer, kind, ward)

    return answer


async def _ward_paper(visit: Visit, printer: Printer, kind: str, ward: WardRow) -> Response:
    ids = [bed.identity.id for bed in visit.place.copy.ward(ward.id)]
    # Asked here and not by the printer, which reads charts in a thread of its own.
    sights = {id_: visit.place.entry.sight(visit.person, id_) for id_ in ids}

    def sees(chart: Chart) -> Chart | None:
        sight = sights.get(str(chart.patient.get("id")))
        if sight is None or sight.grounds is None:
            return None
        return seen_by(chart, visit.place.entry, visit.person, sight)

    try:
        pdf, shown = await printer.ward(kind, ward, visit.words, sees)
    except PaperError:
        kept = printer.kept(kind, ward.id, visit.words)
        if kept is None or not sees_all(visit.place.entry, visit.person, kept.patients):
            return told(visit.place, visit.words, "unprinted", 503, me=visit.person)
        pdf, shown = kept.content, kept.patients
    grounds = [sights[one].grounds if one in sights else None for one in shown]
    await visit.look(f"{kind}.pdf", shown, Action.PRINT, grounds)
    return _pdf(pdf, kind)


def patient_paper(printer: Printer) -> PageHandler:
    """`/patient/{id}/medication.pdf`: the chart of one patient."""

    async def answer(visit: Visit) -> Response:
        chart = await seen(visit, "medication.pdf", Action.PRINT)
        if isinstance(chart, Response):
            return chart
        stay = next(iter(admission_of(chart).current), None)
        place = (stay.place.ward if stay else None) or visit.place.settings.name
        try:
            id_ = identity_of(chart.patient).id
            pdf, _ = await printer.patients("medication", place, [id_], visit.words, lambda _: chart)
        except PaperError:
            return told(visit.place, visit.words, "unprinted", 503, me=visit.person)
        return _pdf(pdf, "medication")

    return answer


async def forms_page(visit: Visit) -> Response:
    """Which forms there are."""
    return visit.page("forms.html", kinds=list(FormKind), identity=None)


def form_paper(printer: Printer) -> PageHandler:
    """`/forms/{kind}.pdf?count=N`: blank sheets."""

    async def answer(visit: Visit) -> Response:
        wanted = visit.request.query_params.get("count", "1")
        count = int(wanted) if _COUNT.fullmatch(wanted) else 0
        kind = _kind(visit)
        if kind is None or not 0 < count <= SHEETS_MAX:
            return visit.absent()
        return await _forms(visit, printer, kind, [None] * count)

    return answer


def patient_form(printer: Printer) -> PageHandler:
    """`/patient/{id}/forms/{kind}.pdf`: one sheet with the patient's identity and CAVE."""

    async def answer(visit: Visit) -> Response:
        kind = _kind(visit)
        if kind is None:
            return visit.absent()
        chart = await seen(visit, f"form-{kind}.pdf", Action.PRINT)
        return chart if isinstance(chart, Response) else await _forms(visit, printer, kind, [chart])

    return answer


async def patient_forms(visit: Visit) -> Response:
    """Which forms there are, with the patient's identity on them."""
    chart = await seen(visit, "forms", Action.READ)
    if isinstance(chart, Response):
        return chart
    return visit.page("forms.html", kinds=list(FormKind), identity=identity_of(chart.patient))


async def _forms(visit: Visit, printer: Printer, kind: FormKind, charts: list[Chart | None]) -> Response:
    now = visit.place.watch.now()
    read = [replace(chart, read_at=now) if chart else None for chart in charts]
    try:
        pdf, _ = await printer.forms(kind, read, visit.words, visit.person.name)
    except PaperError:
        kept = printer.kept(f"form-{kind}", "", visit.words)
        if kept is None:
            return told(visit.place, visit.words, "unprinted", 503, me=visit.person)
        pdf = kept.content
    return _pdf(pdf, f"form-{kind}")


def _kind(visit: Visit) -> FormKind | None:
    wanted = visit.request.path_params["kind"]
    return next((kind for kind in FormKind if kind == wanted), None)


def _pdf(content: bytes, name: str) -> Response:
    """Shown by the browser itself, which has a button to print it; the name says nothing of a patient."""
    headers = {**NOT_KEPT, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
