"""Diagnoses and problems (R4 condition.html)."""

from __future__ import annotations

from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.elements import (
    HL7,
    Resource,
    code_in,
    codings,
    concept_text,
    first_moment,
    is_changed_in_meaning,
)
from altid.screen.views.moments import Moment, sort_key

_CLINICAL = f"{HL7}/condition-clinical"
_VERIFICATION = f"{HL7}/condition-ver-status"
_SKS = ("urn:oid:1.2.208.176.2.4.12", "urn:oid:1.2.208.176.2.4")
_PAST = ("inactive", "remission", "resolved")


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is the SKS code where there is one. `clinical` and `verification` are FHIR's codes."""

    name: str | None
    code: str | None
    clinical: str | None
    verification: str | None
    severity: str | None
    onset: Moment | None
    end: Moment | None
    has_reservation: bool


@dataclass(frozen=True, slots=True)
class Problems:
    is_known: bool
    current: tuple[Problem, ...] = ()
    past: tuple[Problem, ...] = ()


def problems_of(chart: Chart) -> Problems:
    """Those that last, newest first, and those that are over. One without a status counts as lasting."""
    if not chart.all_read("Condition"):
        return Problems(is_known=False)
    valid = [c for c in chart.of("Condition") if not _is_withdrawn(c)]
    problems = sorted((_problem(c) for c in valid), key=lambda p: sort_key(p.onset), reverse=True)
    current = tuple(p for p in problems if p.clinical not in _PAST and p.end is None)
    return Problems(True, current, tuple(p for p in problems if p not in current))


def _is_withdrawn(condition: Resource) -> bool:
    return code_in(condition.get("verificationStatus"), _VERIFICATION) in ("entered-in-error", "refuted")


def _problem(condition: Resource) -> Problem:
    known = [(system, code) for system, code, _ in codings(condition.get("code"))]
    return Problem(
        name=concept_text(condition.get("code")),
        code=next((code for wanted in _SKS for system, code in known if system == wanted and code), None),
        clinical=code_in(condition.get("clinicalStatus"), _CLINICAL),
        verification=code_in(condition.get("verificationStatus"), _VERIFICATION),
        severity=concept_text(condition.get("severity")),
        onset=first_moment(condition, "onsetDateTime", "onsetPeriod", "recordedDate"),
        end=first_moment(condition, "abatementDateTime", "abatementPeriod"),
        has_reservation=is_changed_in_meaning(condition),
    )
