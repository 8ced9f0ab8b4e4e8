"""What each page of a patient shows, and so what is read for it and no more.

What is in force is read whole, whatever there is: drugs, allergies, problems, limits of treatment. What grows
without end (measurements, notes, doses given, drugs that are over) is read newest first up to a limit, and
where there is more, the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from altid.screen.views.chart import WHOLE
from altid.screen.views.readings import CATEGORIES, VITAL_CODES
from altid.screen.views.vitals import VITALS_OLDER
from altid.web.finding import Parameter

OVER = {
    "MedicationRequest": ("completed", "stopped", "cancelled", "entered-in-error"),
    "ServiceRequest": ("completed", "revoked", "entered-in-error"),
}
"""Statuses of what is past for certain. One that nobody knows is in force until somebody says otherwise."""


class Newest(NamedTuple):
    """A type of which only the newest are read. `told`: what a chart's `older` calls it where there are more;
    `dated`: the parameter by which older ones are asked for, "" where they are not."""

    kind: str
    parameters: tuple[Parameter, ...]
    count_max: int
    told: str
    dated: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """`whole`: types that are read to their end; `in_force`: those of `OVER` of which all is read that is not
    past for certain."""

    whole: tuple[str, ...]
    newest: tuple[Newest, ...] = ()
    in_force: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """All types of which something is read."""
        return tuple(dict.fromkeys((*self.to_the_end, *(each.kind for each in self.newest))))

    @property
    def to_the_end(self) -> tuple[str, ...]:
        return (*self.whole, *self.in_force)

    def until(self, before: str) -> Need:
        """The same, but of what grows without end the newest before a moment, as FHIR writes it."""
        newest = (
            each._replace(parameters=((each.dated, f"lt{before}"), *each.parameters)) if each.dated else each
            for each in self.newest
        )
        return replace(self, newest=tuple(newest))

    def with_one(self, kind: str, identity: str) -> Need:
        """The same, and this one of `OVER`, whether it is past or not."""
        past = (("status", ",".join(OVER[kind])),) if kind in self.in_force else ()
        one = Newest(kind, (("_id", identity), *past), 1, kind)
        return replace(self, newest=(*self.newest, one))


_VITAL = ",".join(f"{system}|{code}" for system in CATEGORIES for code in VITAL_CODES)


def _vitals(count_max: int) -> Newest:
    asked = (("category", _VITAL), ("_sort", "-date"))
    return Newest("Observation", asked, count_max, VITALS_OLDER, "date")


def _results(count_max: int) -> Newest:
    """Of the laboratory and whatever else was measured, apart from vital signs, which would crowd it out."""
    asked = (("category:not", _VITAL), ("_sort", "-date"))
    return Newest("Observation", asked, count_max, "Observation", "date")


def _documents(count_max: int) -> Newest:
    return Newest("DocumentReference", (("_sort", "-date"),), count_max, "DocumentReference", "date")


def _reports(count_max: int) -> Newest:
    return Newest("DiagnosticReport", (("_sort", "-issued"),), count_max, "DiagnosticReport", "issued")


def _past(kind: str, dated: str, count_max: int) -> Newest:
    asked = (("status", ",".join(OVER[kind])), ("_sort", f"-{dated}"))
    return Newest(kind, asked, count_max, kind, dated)


def _past_drugs(count_max: int) -> Newest:
    return _past("MedicationRequest", "authoredon", count_max)


_GIVEN = Newest("MedicationAdministration", (("_sort", "-effective-time"),), 300, "MedicationAdministration")
"""Three days in hospital have fewer doses."""

_BANNER = ("AllergyIntolerance",)
_REASONS = ("Condition",)
"""What drugs and examinations are for."""
_DRUGS = ("MedicationStatement", *_REASONS)

OVERVIEW = Need(
    tuple(kind for kind in WHOLE if kind != "MedicationRequest"),
    (_past_drugs(10), _vitals(100), _results(160), _documents(12), _reports(30), _GIVEN),
    ("MedicationRequest",),
)
"""Five days in hospital have fewer measurements, and fewer notes; the parts' pages have more."""

BANNER = Need(_BANNER)
"""For pages that read what they show themselves, or show a form: an order's checks read the chart anew."""

DOSES = Need((*_BANNER, *_DRUGS), (_GIVEN,), ("MedicationRequest",))
"""What can be given now."""

ORDERS = Need(
    (*_BANNER, *_DRUGS, "Encounter"),
    (
        _past_drugs(60),
        _past("ServiceRequest", "authored", 60),
        _GIVEN,
        _reports(30),
    ),
    ("MedicationRequest", "ServiceRequest"),
)
"""Whatever may be acted on; and who was asked and has answered before."""

ADMISSION = Need((*_BANNER, "Encounter"))
"""For what is written down at a stay."""

BANNER = Need(_BANNER)
"""For pages that show something else than the chart, under whose it is."""

NEEDS = {
    "overview": OVERVIEW,
    "medication": Need((*_BANNER, *_DRUGS), (_past_drugs(60), _GIVEN), ("MedicationRequest",)),
    "results": Need(_BANNER, (_results(250),)),
    "vitals": Need(_BANNER, (_vitals(300),)),
    "notes": Need((*_BANNER, "Encounter"), (_documents(40), _reports(100))),
    "problems": Need((*_BANNER, *_REASONS, "Flag", "Consent")),
    "appointments": Need((*_BANNER, *_REASONS, "Appointment", "Encounter")),
    "timeline": Need(
        (*_BANNER, *_DRUGS, "Encounter", "ServiceRequest"),
        (_past_drugs(60), _results(200), _documents(40), _reports(60)),
        ("MedicationRequest",),
    ),
    "orders": ORDERS,
}
"""By page. A week in hospital has fewer results, and ten days fewer vital signs; older ones are on further
pages of their own."""

KINDS = tuple(sorted({kind for need in NEEDS.values() for kind in need.kinds}))
"""All that a chart is made of."""
