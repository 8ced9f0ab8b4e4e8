"""The page of one patient: each section made alone, so that a fault in one leaves the others in sight."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from markupsafe import Markup

from altid.web.rendering import render
from altid.web.views.admission import admission_of
from altid.web.views.cave import cave_of
from altid.web.views.chart import Chart
from altid.web.views.flags import flags_of
from altid.web.views.identity import identity_of
from altid.web.views.medication import medications_of
from altid.web.views.moments import ZONE
from altid.web.views.notes import notes_of
from altid.web.views.plans import appointments_of, requisitions_of
from altid.web.views.problems import problems_of
from altid.web.views.readings import Kind
from altid.web.views.results import results_of
from altid.web.views.vitals import vitals_of
from altid.web.words import Words

_log = logging.getLogger(__name__)


class Section(NamedTuple):
    """How a section is made and shown, and what is shown when that fails."""

    view: Callable[[Chart], object]
    template: str
    fallback: str = "sections/failed.html"


SECTIONS = {
    "admission": Section(admission_of, "sections/admission.html"),
    "treatment-limits": Section(flags_of, "sections/treatment-limits.html"),
    "cave": Section(cave_of, "sections/cave.html"),
    "medication": Section(medications_of, "sections/medication.html"),
    "vitals": Section(vitals_of, "sections/vitals.html"),
    "results": Section(lambda chart: results_of(chart, Kind.LABORATORY), "sections/results.html"),
    "measurements": Section(lambda chart: results_of(chart, Kind.OTHER), "sections/results.html"),
    "problems": Section(problems_of, "sections/problems.html"),
    "requisitions": Section(requisitions_of, "sections/requisitions.html"),
    "appointments": Section(appointments_of, "sections/appointments.html"),
    "notes": Section(notes_of, "sections/notes.html"),
}
_CAVE_LINE = Section(cave_of, "sections/cave-line.html", "sections/cave-line-failed.html")


def patient_html(chart: Chart, words: Words) -> str:
    """The whole page."""
    sections = {name: _section(name, section, chart, words) for name, section in SECTIONS.items()}
    sections["cave-line"] = _section("cave-line", _CAVE_LINE, chart, words)
    return render(
        "patient.html",
        words,
        identity=identity_of(chart.patient),
        sections=sections,
        order=list(SECTIONS),
        read_at=chart.read_at,
        today=chart.read_at.astimezone(ZONE).date(),
    )


def _section(name: str, section: Section, chart: Chart, words: Words) -> Markup:
    try:
        html = render(section.template, words, name=name, view=section.view(chart))
    except Exception as error:
        # Only the kind of error: its text and its frames may hold what the patient's record says.
        _log.error("section %s of the patient page failed: %s", name, type(error).__name__)
        html = render(section.fallback, words, name=name)
    return Markup(html)  # noqa: S704  made by our templates, which escape
