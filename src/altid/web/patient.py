"""The page of one patient."""

from __future__ import annotations

from collections.abc import Sequence

from altid.access.overrides import REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN
from altid.screen.sections import CAVE_LINE, SECTIONS, section_html
from altid.screen.views.chart import Chart
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import ZONE
from altid.screen.words import Words
from altid.web.me import Me
from altid.web.rendering import render


def patient_html(chart: Chart, words: Words, me: Me | None = None, *, by_override: bool = False) -> str:
    """The whole page. `me`: whose page it is; without, nobody's name stands on it. `by_override`: broken
    glass opened it, and the page says so."""
    sections = {name: section_html(name, section, chart, words) for name, section in SECTIONS.items()}
    sections["cave-line"] = section_html("cave-line", CAVE_LINE, chart, words)
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
        sections=[section_html(name, section, chart, words) for name, section in shown.items()],
        kinds=kinds,
        reason_max=REASON_CHARACTERS_MAX,
        reason_min=REASON_CHARACTERS_MIN,
        read_at=chart.read_at,
        today=chart.read_at.astimezone(ZONE).date(),
    )
