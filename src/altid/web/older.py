"""Older measurements, notes and past drugs on further pages: `?before=2026-11-17T06:01Z`.

A page shows the newest; from there a link leads to what is before, and so on to the first. What is in force
(drugs, CAVE) stands on each of them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource, first_moment
from altid.web.needs import OVER, Need

_BEFORE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", re.ASCII)
_MOMENTS = {
    "DiagnosticReport": ("issued", "effectiveDateTime", "effectivePeriod"),
    "DocumentReference": ("date",),
    "MedicationRequest": ("authoredOn",),
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"),
}
"""What says when something was: the pages of these go on."""


def before_of(request: Request) -> str | None:
    """The moment that the address names; None where it names none, so that the newest are shown."""
    named = request.query_params.get("before", "")
    return named if _BEFORE.fullmatch(named) and _moment(named) else None


def next_before(chart: Chart, need: Need, before: str | None) -> str | None:
    """Where the next page goes on: behind the oldest of what was cut; None where nothing was. Of one minute
    nothing is passed over, so a page may repeat some of the one before."""
    cut = [each.kind for each in need.newest if each.kind in _MOMENTS and each.told in chart.older]
    oldest = [found for kind in cut if (found := min(_times(chart, kind), default=None))]
    if not oldest or len(oldest) < len(cut):
        return None
    following = (max(oldest).astimezone(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%MZ")
    return following if before is None or following < before else None


def told(before: str) -> datetime:
    """The moment, for the words of the page."""
    moment = _moment(before)
    assert moment is not None, "the address was looked at"
    return moment


def _times(chart: Chart, kind: str) -> Iterator[datetime]:
    for resource in chart.of(kind):
        at = first_moment(resource, *_MOMENTS[kind])
        if at and _is_past(kind, resource):
            yield at.at


def _is_past(kind: str, resource: Resource) -> bool:
    return kind not in OVER or resource.get("status") in OVER[kind]


def _moment(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
