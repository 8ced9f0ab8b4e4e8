"""The page of one patient: each section made alone, so that a fault in one leaves the others in sight."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from altid.access.overrides import REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.web.me import Me
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
    kinds: tuple[str, ...]
    """What it is made of. Is one of them not for whoever looks, the section says so and shows nothing: half
    of it would look like the whole."""
    template: str
    fallback: str = "sections/failed.html"
    closed: str = "sections/closed.html"


SECTIONS = {
    "admission": Section(admission_of, ("Encounter",), "sections/admission.html"),
    "treatment-limits": Section(flags_of, ("Flag", "Consent"), "sections/treatment-limits.html"),
    "cave": Section(cave_of, ("AllergyIntolerance",), "sections/cave.html"),
    "medication": Section(
        medications_of,
        ("MedicationRequest", "MedicationStatement", "MedicationAdministration"),
        "sections/medication.html",
    ),
    "vitals": Section(vitals_of, ("Observation",), "sections/vitals.html"),
    "results": Section(
        lambda chart: results_of(chart, Kind.LABORATORY), ("Observation",), "sections/results.html"
    ),
    "measurements": Section(
        lambda chart: results_of(chart, Kind.OTHER), ("Observation",), "sections/results.html"
    ),
    "problems": Section(problems_of, ("Condition",), "sections/problems.html"),
    "requisitions": Section(requisitions_of, ("ServiceRequest",), "sections/requisitions.html"),
    "appointments": Section(appointments_of, ("Appointment",), "sections/appointments.html"),
    "notes": Section(notes_of, ("DocumentReference", "DiagnosticReport"), "sections/notes.html"),
}
_CAVE_LINE = Section(
    cave_of,
    ("AllergyIntolerance",),
    "sections/cave-line.html",
    "sections/cave-line-failed.html",
    "sections/cave-line-closed.html",
)


def patient_html(chart: Chart, words: Words, me: Me | None = None, *, by_override: bool = False) -> str:
    """The whole page. `me`: whose page it is; without, nobody's name stands on it. `by_override`: broken
    glass opened it, and the page says so."""
    sections = {name: _section(name, section, chart, words) for name, section in SECTIONS.items()}
    sections["cave-line"] = _section("cave-line", _CAVE_LINE, chart, words)
    return render(
        "patient.html",
        words,
        me=me,
        identity=identity_of(chart.patient),
        sections=sections,
        order=list(SECTIONS),
        by_override=by_override,
        is_partly_blocked=chart.is_partly_blocked,
        read_at=chart.read_at,
        today=chart.read_at.astimezone(ZONE).date(),
    )


def no_grounds_html(chart: Chart, words: Words, me: Me, kinds: Sequence[str]) -> str:
    """Who the patient is, what may be seen without grounds, and the way to see more: `kinds` of broken glass,
    () for whom there are none."""
    shown = {name: section for name, section in SECTIONS.items() if chart.closed.isdisjoint(section.kinds)}
    return render(
        "no-grounds.html",
        words,
        me=me,
        identity=identity_of(chart.patient),
        sections=[_section(name, section, chart, words) for name, section in shown.items()],
        kinds=kinds,
        reason_max=REASON_CHARACTERS_MAX,
        reason_min=REASON_CHARACTERS_MIN,
        read_at=chart.read_at,
        today=chart.read_at.astimezone(ZONE).date(),
    )


def _section(name: str, section: Section, chart: Chart, words: Words) -> Markup:
    if not chart.closed.isdisjoint(section.kinds):
        return Markup(render(section.closed, words, name=name))  # noqa: S704  made by our templates
    try:
        html = render(section.template, words, name=name, view=section.view(chart))
    except Exception as error:
        # Only the kind of error: its text and its frames may hold what the patient's record says.
        _log.error("section %s of the patient page failed: %s", name, type(error).__name__)
        html = render(section.fallback, words, name=name)
    return Markup(html)  # noqa: S704  made by our templates, which escape
