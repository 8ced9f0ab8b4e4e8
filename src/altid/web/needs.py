"""What each page of a patient shows, and so what is read for it and no more.

What is in force is read whole, whatever there is: drugs, allergies, problems, limits of treatment. What grows
without end (measurements, notes, doses given, drugs that are over) is read newest first up to a limit, and
where there is more, the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from altid.screen.views.vitals import VITALS_OLDER
from altid.web.finding import Parameter

WHOLE = (
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Consent",
    "Encounter",
    "Flag",
    "MedicationRequest",
    "MedicationStatement",
    "ServiceRequest",
)
BESIDE = ("HealthcareService", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
"""What a chart refers to and belongs to no patient."""
OVER = {"MedicationRequest": ("completed", "stopped", "cancelled", "entered-in-error")}
"""Statuses of what is past for certain. One that nobody knows is in force until somebody says otherwise."""


class Newest(NamedTuple):
    """A type of which only the newest are read. `told`: what a chart's `older` calls it where there are
    more."""

    kind: str
    parameters: tuple[Parameter, ...]
    count_max: int
    told: str


@dataclass(frozen=True, slots=True)
class Need:
    """`whole`: types that are read to their end; of those in `OVER` only what is in force where the newest of
    the others are asked for, too."""

    whole: tuple[str, ...]
    newest: tuple[Newest, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.whole, *(each.kind for each in self.newest))))

    def over(self, kind: str) -> tuple[str, ...]:
        """Statuses of what is not read to its end."""
        return OVER.get(kind, ()) if any(each.kind == kind for each in self.newest) else ()


def _vitals(count_max: int) -> Newest:
    return Newest("Observation", (("category", "vital-signs"), ("_sort", "-date")), count_max, VITALS_OLDER)


def _results(count_max: int) -> Newest:
    """Of the laboratory and whatever else was measured, apart from vital signs, which would crowd it out."""
    return Newest(
        "Observation", (("category:not", "vital-signs"), ("_sort", "-date")), count_max, "Observation"
    )


def _documents(count_max: int) -> Newest:
    return Newest("DocumentReference", (("_sort", "-date"),), count_max, "DocumentReference")


def _reports(count_max: int) -> Newest:
    return Newest("DiagnosticReport", (("_sort", "-issued"),), count_max, "DiagnosticReport")


def _past_drugs(count_max: int) -> Newest:
    over = ",".join(OVER["MedicationRequest"])
    return Newest(
        "MedicationRequest",
        (("status", over), ("_sort", "-authoredon")),
        count_max,
        "MedicationRequest",
    )


_GIVEN = Newest("MedicationAdministration", (("_sort", "-effective-time"),), 300, "MedicationAdministration")
"""Three days in hospital have fewer doses."""

_BANNER = ("AllergyIntolerance",)
_REASONS = ("Condition",)
"""What drugs and examinations are for."""
_DRUGS = ("MedicationRequest", "MedicationStatement", *_REASONS)

OVERVIEW = Need(WHOLE, (_past_drugs(20), _vitals(150), _results(250), _documents(12), _reports(30), _GIVEN))
"""A week in hospital has fewer measurements, and some days fewer notes; the parts' pages have more."""

ORDERS = Need(
    (*_BANNER, *_DRUGS, "Encounter", "ServiceRequest"),
    (_GIVEN, _reports(30)),
)
"""Whatever may be acted on, or is looked up by its address; and who has answered before."""

ADMISSION = Need((*_BANNER, "Encounter"))
"""For what is written down at a stay."""

EVERYTHING = Need(WHOLE, (_vitals(400), _results(400), _documents(40), _reports(100), _GIVEN))
"""For pages that don't say what they need."""

NEEDS = {
    "overview": OVERVIEW,
    "medication": Need((*_BANNER, *_DRUGS), (_past_drugs(60), _GIVEN)),
    "results": Need(_BANNER, (_results(400),)),
    "vitals": Need(_BANNER, (_vitals(400),)),
    "notes": Need((*_BANNER, "Encounter"), (_documents(40), _reports(100))),
    "problems": Need((*_BANNER, *_REASONS, "Flag", "Consent")),
    "appointments": Need((*_BANNER, *_REASONS, "Appointment", "Encounter")),
    "timeline": Need(
        (*_BANNER, *_DRUGS, "Encounter", "ServiceRequest"),
        (_past_drugs(60), _results(300), _documents(40), _reports(60)),
    ),
    "orders": ORDERS,
}
"""By page. Three weeks in hospital have fewer measurements, two weeks fewer notes."""

KINDS = EVERYTHING.kinds
"""All that a chart is made of."""
