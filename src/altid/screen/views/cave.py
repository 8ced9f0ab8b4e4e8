"""CAVE: what the patient must not have, in four states (the classic fault is "(none)" for *not recorded*)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altid.screen.views.chart import Chart
from altid.screen.views.elements import (
    HL7,
    SNOMED,
    Resource,
    codes,
    concept_text,
    concepts_text,
    elements,
    first_moment,
    is_changed_in_meaning,
    text,
)
from altid.screen.views.moments import Moment, sort_key

_CLINICAL = f"{HL7}/allergyintolerance-clinical"
_VERIFICATION = f"{HL7}/allergyintolerance-verification"
_NOTHING_KNOWN = {"716186003", "409137002", "428607008", "429625007", "428197003", "160244002"}
"""SNOMED CT: no known allergy; drug, environmental, food, insect allergy; the old code for the first."""
_SEVERITIES = ("severe", "moderate", "mild")


class CaveState(StrEnum):
    KNOWN = "known"
    NONE_KNOWN = "none-known"
    NOT_RECORDED = "not-recorded"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Allergy:
    """Agent – reaction – severity. `severity` is mild, moderate or severe; `criticality` is FHIR's code."""

    agent: str | None
    reactions: tuple[str, ...]
    severity: str | None
    criticality: str | None
    kind: str | None
    verification: str | None
    clinical: str | None
    recorded: Moment | None
    notes: tuple[str, ...]
    has_reservation: bool


@dataclass(frozen=True, slots=True)
class Cave:
    """`statements` are the words in which somebody has said that nothing is known."""

    state: CaveState
    allergies: tuple[Allergy, ...] = ()
    past: tuple[Allergy, ...] = ()
    statements: tuple[str, ...] = ()


def cave_of(chart: Chart) -> Cave:
    """From the AllergyIntolerance resources (R4 allergyintolerance.html)."""
    if not chart.all_read("AllergyIntolerance"):
        return Cave(CaveState.UNAVAILABLE)
    valid = [allergy for allergy in chart.of("AllergyIntolerance") if not _is_withdrawn(allergy)]
    denials = [allergy for allergy in valid if codes(allergy.get("code"), SNOMED) & _NOTHING_KNOWN]
    known = [_allergy(allergy) for allergy in valid if allergy not in denials]
    current = sorted((a for a in known if a.clinical not in ("inactive", "resolved")), key=_gravity)
    past = tuple(a for a in known if a.clinical in ("inactive", "resolved"))
    if current:
        return Cave(CaveState.KNOWN, tuple(current), past)
    standing = [denial for denial in denials if _clinical(denial) not in ("inactive", "resolved")]
    if standing:
        said = (concept_text(denial.get("code")) for denial in standing)
        return Cave(CaveState.NONE_KNOWN, (), past, tuple(dict.fromkeys(text for text in said if text)))
    return Cave(CaveState.NOT_RECORDED, (), past)


def _is_withdrawn(allergy: Resource) -> bool:
    return bool(codes(allergy.get("verificationStatus"), _VERIFICATION) & {"entered-in-error", "refuted"})


def _clinical(allergy: Resource) -> str | None:
    return next(iter(codes(allergy.get("clinicalStatus"), _CLINICAL)), None)


def _allergy(allergy: Resource) -> Allergy:
    reactions = elements(allergy.get("reaction"))
    shown = [name for reaction in reactions for name in concepts_text(reaction.get("manifestation"))]
    shown = shown or [said for reaction in reactions if (said := text(reaction.get("description")))]
    substances = [name for reaction in reactions if (name := concept_text(reaction.get("substance")))]
    severities = {reaction.get("severity") for reaction in reactions}
    return Allergy(
        agent=concept_text(allergy.get("code")) or next(iter(substances), None),
        reactions=tuple(dict.fromkeys(shown)),
        severity=next((severity for severity in _SEVERITIES if severity in severities), None),
        criticality=text(allergy.get("criticality")),
        kind=text(allergy.get("type")),
        verification=next(iter(codes(allergy.get("verificationStatus"), _VERIFICATION)), None),
        clinical=_clinical(allergy),
        recorded=first_moment(allergy, "recordedDate", "onsetDateTime"),
        notes=tuple(said for note in elements(allergy.get("note")) if (said := text(note.get("text")))),
        has_reservation=is_changed_in_meaning(allergy),
    )


def _gravity(allergy: Allergy) -> tuple[int, int, float]:
    """The gravest first, then the newest."""
    severity = _SEVERITIES.index(allergy.severity) if allergy.severity else len(_SEVERITIES)
    return severity, allergy.criticality != "high", -sort_key(allergy.recorded).timestamp()
