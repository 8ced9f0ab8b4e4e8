"""The sections of a patient's page, each made alone, so that a fault in one leaves the others in sight."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from markupsafe import Markup

from altid.screen.rendering import environment, render
from altid.screen.views import plan, unconfirmed
from altid.screen.views.admission import admission_of
from altid.screen.views.cave import cave_of
from altid.screen.views.chart import Chart
from altid.screen.views.flags import flags_of
from altid.screen.views.medication import medications_of
from altid.screen.views.notes import notes_of
from altid.screen.views.plan import plans_of
from altid.screen.views.plans import appointments_of, requisitions_of
from altid.screen.views.problems import problems_of
from altid.screen.views.readings import Kind
from altid.screen.views.results import results_of
from altid.screen.views.unconfirmed import unconfirmed_of
from altid.screen.views.vitals import vitals_of
from altid.screen.words import Words

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
OVERVIEW = SECTIONS | {
    name: SECTIONS[name]._replace(template="sections/results-overview.html")
    for name in ("results", "measurements")
}
"""The sections as they stand beside each other: each analysis with its course; single measurements have a
page of their own."""
ABSTRACTS = {
    "unconfirmed": Section(unconfirmed_of, unconfirmed.KINDS, "sections/unconfirmed.html"),
    "plan": Section(plans_of, plan.KINDS, "sections/plan.html"),
}
"""What the sections above hold in other words: for pages that have to be read fast."""
CAVE_LINE = Section(
    cave_of,
    ("AllergyIntolerance",),
    "sections/cave-line.html",
    "sections/cave-line-failed.html",
    "sections/cave-line-closed.html",
)


def section_html(name: str, section: Section, chart: Chart, words: Words) -> Markup:
    """The section, or what stands there where it failed or is not for whoever looks."""
    made = environment()
    if not chart.closed.isdisjoint(section.kinds):
        return Markup(render(made, section.closed, words, name=name))  # noqa: S704  made by our templates
    try:
        patient = chart.patient.get("id")
        html = render(made, section.template, words, name=name, view=section.view(chart), patient=patient)
    except Exception as error:
        # Only the kind of error: its text and its frames may hold what the patient's record says.
        _log.error("section %s of the patient page failed: %s", name, type(error).__name__)
        html = render(made, section.fallback, words, name=name)
    return Markup(html)  # noqa: S704  made by our templates, which escape
