"""The pages of one patient: what is needed first, and a page for each part that has more to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from altid.access.audit.event import Action
from altid.access.glass import KINDS, REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.lookup.pages.sight import seen_by
from altid.lookup.pages.visit import Visit
from altid.screen.sections import ABSTRACTS, CAVE_LINE, SECTIONS, Section, section_html
from altid.screen.views import timeline
from altid.screen.views.chart import Chart
from altid.screen.views.doses import doses_of
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import ZONE
from altid.screen.views.timeline import timeline_of

OVERVIEW: dict[str, Section] = {
    name: {**SECTIONS, **ABSTRACTS}[name]
    for name in (
        "admission",
        "treatment-limits",
        "cave",
        "unconfirmed",
        "medication",
        "results",
        "vitals",
        "requisitions",
        "problems",
        "plan",
        "appointments",
    )
} | {"results": SECTIONS["results"]._replace(template="sections/latest-results.html")}
"""What is needed first in a downtime; of results the latest, the others have their own page."""

PARTS: dict[str, dict[str, Section]] = {
    "medication": {
        "medication": SECTIONS["medication"],
        "doses": Section(doses_of, ("MedicationAdministration",), "sections/doses.html"),
    },
    "results": {"results": SECTIONS["results"], "measurements": SECTIONS["measurements"]},
    "notes": {"notes": SECTIONS["notes"]},
    "timeline": {"timeline": Section(timeline_of, timeline.KINDS, "sections/timeline.html")},
}


async def overview(visit: Visit) -> Response:
    return await _page(visit, "patient.html", "overview")


async def part(visit: Visit) -> Response:
    name = visit.request.path_params["part"]
    return await _page(visit, "patient-part.html", name) if name in PARTS else visit.absent()


async def seen(visit: Visit, page_name: str, action: Action = Action.READ) -> Chart | Response:
    """The chart as this person may see it, once the look is kept; else the answer instead."""
    patient = visit.request.path_params["id"]
    chart = visit.place.copy.chart(patient)
    if chart is None:
        await visit.look(page_name, (), action)
        return visit.absent()
    sight = visit.place.entry.sight(visit.person, patient)
    await visit.look(page_name, (patient,), action, () if sight.grounds is None else (sight.grounds,))
    if sight.grounds is None:
        return _no_grounds(visit, chart)
    now = visit.place.watch.now()
    return seen_by(replace(chart, read_at=now), visit.place.entry, visit.person, sight)


async def _page(visit: Visit, template: str, tab: str) -> Response:
    chart = await seen(visit, "patient" if tab == "overview" else tab)
    if isinstance(chart, Response):
        return chart
    wanted = OVERVIEW if tab == "overview" else PARTS[tab]
    made = {name: section_html(name, section, chart, visit.words) for name, section in wanted.items()}
    sections: Any = made if tab == "overview" else list(made.values())
    return visit.page(
        template,
        identity=identity_of(chart.patient),
        cave_line=section_html("cave-line", CAVE_LINE, chart, visit.words),
        tab=tab,
        tabs=("overview", *PARTS),
        sections=sections,
        is_partly_blocked=chart.is_partly_blocked,
        today=chart.read_at.astimezone(ZONE).date(),
    )


def _no_grounds(visit: Visit, chart: Chart) -> Response:
    """Who the patient is, and the way to see more."""
    return visit.page(
        "no-grounds.html",
        status=403,
        identity=identity_of(chart.patient),
        today=visit.today,
        kinds=KINDS if visit.place.entry.breaks_glass(visit.person) else (),
        reason_min=REASON_CHARACTERS_MIN,
        reason_max=REASON_CHARACTERS_MAX,
    )
