"""The pages of one patient as HTML: the overview, and one for each part that has more to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from altid.access.glass import REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.screen.sections import CAVE_LINE, OVERVIEW, SECTIONS, Section, section_html
from altid.screen.views import timeline
from altid.screen.views.chart import Chart
from altid.screen.views.doses import doses_of
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import ZONE
from altid.screen.views.timeline import timeline_of
from altid.screen.words import Words
from altid.web.me import Me
from altid.web.older import told
from altid.web.rendering import render

PARTS: dict[str, tuple[Section, ...]] = {
    "medication": (
        SECTIONS["medication"],
        Section(doses_of, ("MedicationAdministration",), "sections/doses.html"),
    ),
    "results": (SECTIONS["results"], SECTIONS["measurements"]),
    "vitals": (SECTIONS["vitals"],),
    "orders": (SECTIONS["requisitions"],),
    "notes": (SECTIONS["notes"],),
    "problems": (SECTIONS["problems"], SECTIONS["cave"], SECTIONS["treatment-limits"]),
    "appointments": (SECTIONS["appointments"], SECTIONS["admission"]),
    "timeline": (Section(timeline_of, timeline.KINDS, "sections/timeline.html"),),
}
"""The parts of a patient's record that have a page of their own, in the order of their tabs."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of a patient shows, and to whom. `me`: None where nobody's name stands on it.
    `by_override`: broken glass opened it, and the page says so. `before`: of what grows without end this page
    has only what was before; `following`: where the next one goes on (`older`)."""

    chart: Chart
    words: Words
    me: Me | None = None
    by_override: bool = False
    before: str | None = None
    following: str | None = None

    def render(self, template: str, tab: str, **data: Any) -> str:
        """A page in the patient's frame: identity and CAVE on top, the tabs, what must be said first."""
        chart, words = self.chart, self.words
        return render(
            template,
            words,
            me=self.me,
            identity=identity_of(chart.patient),
            cave_line=section_html("cave-line", CAVE_LINE, chart, words),
            tab=tab,
            tabs=_tabs(self.me),
            by_override=self.by_override,
            is_partly_blocked=chart.is_partly_blocked,
            read_at=chart.read_at,
            today=chart.read_at.astimezone(ZONE).date(),
            before=told(self.before) if self.before else None,
            following=self.following,
            **data,
        )


def _tabs(me: Me | None) -> tuple[str, ...]:
    """The pages that whoever looks has of a patient."""
    orders = ("order",) if me and me.prescribes else ()
    looks = ("looks",) if me and me.sees_looks else ()
    return ("overview", *orders, *PARTS, "documents", *looks)


def patient_html(shown: Shown) -> str:
    """The overview: all sections."""
    chart, words = shown.chart, shown.words
    sections = {name: section_html(name, section, chart, words) for name, section in OVERVIEW.items()}
    return shown.render("patient.html", "overview", sections=sections, order=list(OVERVIEW))


def part_html(name: str, shown: Shown) -> str:
    """The page of one of `PARTS`."""
    names = {section: key for key, section in SECTIONS.items()}
    sections = [
        section_html(names.get(section, name), section, shown.chart, shown.words) for section in PARTS[name]
    ]
    return shown.render("patient-part.html", name, sections=sections)


def no_grounds_html(chart: Chart, words: Words, me: Me, kinds: Sequence[str]) -> str:
    """Who the patient is, what may be seen without grounds, and the way to see more: `kinds` of broken glass,
    () for whom there are none."""
    shown = {name: section for name, section in SECTIONS.items() if chart.closed.isdisjoint(section.kinds)}
    return render(
        "no-grounds.html",
        words,
        me=me,
        identity=identity_of(chart.patient),
        sections=[section_html(name, section, chart, words) for name, section in shown.items()],
        kinds=kinds,
        reason_max=REASON_CHARACTERS_MAX,
        reason_min=REASON_CHARACTERS_MIN,
        read_at=chart.read_at,
        today=chart.read_at.astimezone(ZONE).date(),
    )
