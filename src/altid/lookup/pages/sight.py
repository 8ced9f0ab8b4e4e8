"""A chart as somebody may see it: without types that are not for them, and without blocked periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from altid.fhir.search.hidden import Period, is_from
from altid.lookup.needs import Doorkeeper, Person, Sight
from altid.screen.sections import ABSTRACTS, SECTIONS
from altid.screen.views import timeline
from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource

KINDS = tuple(
    dict.fromkeys(
        (
            *(kind for section in (*SECTIONS.values(), *ABSTRACTS.values()) for kind in section.kinds),
            *timeline.KINDS,
        )
    )
)
"""All that a page of a patient is made of."""


def seen_by(chart: Chart, entry: Doorkeeper, person: Person, sight: Sight) -> Chart:
    """What is left of the chart. Call it only where there are grounds."""
    closed = frozenset(kind for kind in KINDS if not entry.may_read(person, kind))
    if not closed and not sight.hidden:
        return chart
    parts = {
        kind: [one for one in resources if not _is_hidden(one, sight.hidden)]
        for kind, resources in chart.parts.items()
        if kind not in closed
    }
    return replace(chart, parts=parts, closed=closed, is_partly_blocked=bool(sight.hidden))


def sees_all(entry: Doorkeeper, person: Person, patients: Sequence[str]) -> bool:
    """Whether somebody may see all of all these: what was printed for nobody in particular."""
    sights = [entry.sight(person, patient) for patient in patients]
    is_whole = all(sight.grounds is not None and not sight.hidden for sight in sights)
    return is_whole and all(entry.may_read(person, kind) for kind in KINDS)


def _is_hidden(resource: Resource, periods: Sequence[Period]) -> bool:
    if not periods:
        return False
    from altid.fhir.search.extract import extract  # a quarter of the start, and hardly ever needed

    return is_from(extract(resource).dates, periods)
