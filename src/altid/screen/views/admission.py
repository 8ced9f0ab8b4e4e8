"""Where the patient lies, since when, and who is responsible."""

from __future__ import annotations

from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.elements import (
    HL7,
    Resource,
    code_in,
    codes,
    concept_text,
    concepts_text,
    element,
    elements,
    extension,
    period,
    text,
)
from altid.screen.views.moments import Moment, moment_of, sort_key

PRESENT = ("in-progress", "onleave", "arrived", "triaged")
"""Encounter.status of somebody who is here, or whose bed waits."""
STAYS = ("IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER")
"""Encounter.class (v3-ActCode) of those who stay: inpatients of all kinds, observation, emergency."""

_PLANNED_END = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-planned-end-date"
_RESPONSIBLE = ("ATND", "PPRF", "SPRF", "PART", "CON")
"""v3-ParticipationType, the most responsible first."""
_PHYSICAL = f"{HL7}/location-physical-type"
_BEDS, _WARDS = {"bd"}, {"wa"}


@dataclass(frozen=True, slots=True)
class Place:
    """Bed, ward and hospital or department; None where nobody says."""

    bed: str | None
    ward: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Stay:
    """One encounter. `reasons` are diagnoses or causes as words."""

    status: str
    kind: str | None
    place: Place
    start: Moment | None
    end: Moment | None
    planned_end: Moment | None
    responsible: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """`current` holds all stays now (one, as a rule); `latest` is the newest encounter when there is none."""

    is_known: bool
    current: tuple[Stay, ...] = ()
    latest: Stay | None = None


def admission_of(chart: Chart) -> Admission:
    """From the Encounter resources (R4 encounter.html)."""
    if not chart.all_read("Encounter"):
        return Admission(is_known=False)
    encounters = [
        e for e in chart.of("Encounter") if e.get("status") not in ("entered-in-error", "cancelled")
    ]
    encounters.sort(key=lambda e: sort_key(period(e.get("period"))[0]), reverse=True)
    current = [encounter for encounter in encounters if is_stay(encounter)]
    past = [encounter for encounter in encounters if encounter.get("status") not in ("planned", "unknown")]
    latest = stay_of(chart, past[0]) if past and not current else None
    return Admission(True, tuple(stay_of(chart, encounter) for encounter in current), latest)


def is_stay(encounter: Resource) -> bool:
    """Lies in hospital now; so does one whose class nobody gave: better a bed too many than one too few."""
    kind = element(encounter.get("class")).get("code")
    return encounter.get("status") in PRESENT and (kind is None or kind in STAYS)


def stay_of(chart: Chart, encounter: Resource) -> Stay:
    start, end = period(encounter.get("period"))
    return Stay(
        status=text(encounter.get("status")) or "unknown",
        kind=text(element(encounter.get("class")).get("code")),
        place=place_of(chart, encounter),
        start=start,
        end=end,
        planned_end=moment_of(extension(encounter, _PLANNED_END).get("valueDateTime")),
        responsible=_responsible(chart, encounter),
        reasons=_reasons(chart, encounter),
    )


def place_of(chart: Chart, encounter: Resource) -> Place:
    """Bed and ward of the present locations; a bed's ward is also looked for in `Location.partOf`."""
    owner = chart.name_of(encounter, encounter.get("serviceProvider"))
    bed = ward = other = None
    for entry in _present_locations(encounter):
        location = chart.referred(encounter, entry.get("location"))
        name = chart.name_of(encounter, entry.get("location"))
        physical = codes(entry.get("physicalType") or location.get("physicalType"), _PHYSICAL)
        if physical & _BEDS:
            bed = bed or name
            ward = ward or chart.name_of(location, location.get("partOf"))
        elif physical & _WARDS:
            ward = name
        else:
            other = other or name
    if bed is None and other and (ward or owner):
        bed = other
    ward = ward or (other if bed is None else None) or owner
    return Place(bed, ward, owner if owner != ward else None)


def _present_locations(encounter: Resource) -> list[Resource]:
    """Not those that the patient has left; the newest first."""
    entries = [
        entry
        for entry in elements(encounter.get("location"))
        if entry.get("status") in (None, "active", "reserved") and not element(entry.get("period")).get("end")
    ]
    return sorted(entries, key=lambda entry: sort_key(period(entry.get("period"))[0]), reverse=True)


def _responsible(chart: Chart, encounter: Resource) -> str | None:
    best: tuple[int, str] | None = None
    for participant in elements(encounter.get("participant")):
        if element(participant.get("period")).get("end"):
            continue
        name = chart.name_of(encounter, participant.get("individual"))
        kinds = [code_in(kind, f"{HL7}/v3-ParticipationType") for kind in elements(participant.get("type"))]
        ranks = [_RESPONSIBLE.index(kind) for kind in kinds if kind in _RESPONSIBLE]
        rank = min(ranks, default=len(_RESPONSIBLE))
        if name and (best is None or rank < best[0]):
            best = rank, name
    return best[1] if best else None


def _reasons(chart: Chart, encounter: Resource) -> tuple[str, ...]:
    diagnoses = [entry.get("condition") for entry in elements(encounter.get("diagnosis"))]
    references = [*diagnoses, *elements(encounter.get("reasonReference"))]
    named = [
        concept_text(chart.referred(encounter, reference).get("code")) or chart.name_of(encounter, reference)
        for reference in references
    ]
    found = [*(name for name in named if name), *concepts_text(encounter.get("reasonCode"))]
    return tuple(dict.fromkeys(found or concepts_text(encounter.get("type"))))
