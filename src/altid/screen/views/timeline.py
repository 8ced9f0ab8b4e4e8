"""What happened with a patient, in one list: admissions, notes, requisitions, drugs, results, problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from altid.screen.views.admission import admission_of, stay_of
from altid.screen.views.chart import Chart
from altid.screen.views.elements import not_in_error
from altid.screen.views.medication import medications_of
from altid.screen.views.moments import Moment, sort_key
from altid.screen.views.notes import notes_of
from altid.screen.views.plans import requisitions_of
from altid.screen.views.problems import problems_of
from altid.screen.views.readings import Kind, readings_of

EVENTS_MAX = 400
"""What somebody scrolls through; the parts' own pages have the rest."""
KINDS = (
    "Encounter",
    "DocumentReference",
    "DiagnosticReport",
    "ServiceRequest",
    "MedicationRequest",
    "MedicationStatement",
    "Condition",
    "Observation",
)


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind` is a key of the catalogue; `what` None where nobody says."""

    at: Moment
    kind: str
    what: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Newest first. `unread`: kinds that could not be read, so that it has gaps."""

    days: tuple[tuple[Moment, tuple[Happening, ...]], ...]
    unread: tuple[str, ...]
    is_cut: bool


def timeline_of(chart: Chart) -> Timeline:
    """Of all that the chart has a time of."""
    found = sorted(_happenings(chart), key=lambda each: sort_key(each.at), reverse=True)
    unread = tuple(kind for kind in KINDS if kind in chart.unread or kind in chart.older)
    return Timeline(tuple(_by_day(found[:EVENTS_MAX])), unread, len(found) > EVENTS_MAX)


def _happenings(chart: Chart) -> Iterator[Happening]:
    yield from _stays(chart)
    for note in notes_of(chart).notes:
        if note.at:
            yield Happening(note.at, "note", note.title, note.by)
    for request in requisitions_of(chart).pending:
        if request.asked:
            yield Happening(request.asked, "requisition", request.name, request.by)
    yield from _drugs(chart)
    problems = problems_of(chart)
    for problem in (*problems.current, *problems.past):
        if problem.onset:
            yield Happening(problem.onset, "problem", problem.name)
    yield from _results(chart)


def _stays(chart: Chart) -> Iterator[Happening]:
    if not admission_of(chart).is_known:
        return
    for encounter in not_in_error(chart.of("Encounter")):
        stay = stay_of(chart, encounter)
        place = stay.place.ward or stay.place.owner
        if stay.start:
            yield Happening(stay.start, "admitted", place, stay.responsible)
        if stay.end:
            yield Happening(stay.end, "left", place)


def _drugs(chart: Chart) -> Iterator[Happening]:
    medications = medications_of(chart)
    rows = (*(row for _, group in medications.current for row in group), *medications.past)
    for row in rows:
        name = row.drug.generic or row.drug.product
        if row.start:
            yield Happening(row.start, "drug-started", name, row.by)
        if row.end and not row.is_current:
            yield Happening(row.end, "drug-ended", name)


def _results(chart: Chart) -> Iterator[Happening]:
    """One line for all answers of one moment."""
    together: dict[Moment, list[str]] = {}
    for reading in readings_of(chart, Kind.LABORATORY) if chart.all_read("Observation") else ():
        if reading.at and reading.name:
            together.setdefault(reading.at, []).append(reading.name)
    for at, names in together.items():
        yield Happening(at, "results", ", ".join(dict.fromkeys(sorted(names, key=str.casefold))))


def _by_day(happenings: Iterable[Happening]) -> Iterator[tuple[Moment, tuple[Happening, ...]]]:
    days: dict[object, list[Happening]] = {}
    for each in happenings:
        days.setdefault(each.at.at.date(), []).append(each)
    for members in days.values():
        yield members[0].at, tuple(members)
