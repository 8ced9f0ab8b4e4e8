"""Who gets which drug: the choice among regimens, the order, and the doses given.

A patient is never given what their CAVE or diseases forbid, two drugs that do the same, or two that thin the
blood unless the story means both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from altid.sample import regimens
from altid.sample.chart import Chart
from altid.sample.coding import HL7, Resource, coded, concept, reference
from altid.sample.courses import Order
from altid.sample.dice import Dice
from altid.sample.drugs import drug_reference
from altid.sample.moments import clock, days, stamp
from altid.sample.person import Person

HOME_DRUGS_MAX = 9
DOSES_SHOWN_MAX = 14
DOSES_SHOWN_HOURS = 18
"""Doses given that are written for a patient in bed: the latest ones, no further back than this."""

_ANTICOAGULANTS = ("B01AA", "B01AB", "B01AE", "B01AF", "B01AX")
_ALIKE = ("C07", "C09", "C10A", "M01A", "N02AA", "N05C", "N06A")
"""Drugs whose codes begin alike in this way are not given together."""

_NSAID_AGE_MAX = 74
_LOW_APIXABAN_AGE_MIN, _LOW_APIXABAN_CREATININE_MIN, _LOW_APIXABAN_WEIGHT_MAX = 80, 133, 60
"""Two of these halve the dose of apixaban: years, µmol/L, kg."""

_REVIEW_DATE = "https://altid.dk/fhir/StructureDefinition/review-date"
_REVIEWED_AFTER_DAYS = {True: 365, False: 7}
"""When an order without an end is looked at again: at home, and in hospital."""

_ORDER_SYSTEM = "https://altid.dk/fhir/NamingSystem/medication-order"


class Prescription(NamedTuple):
    """An order as decided. `status` is FHIR's; `reason` says in Danish why it is not active."""

    regimen: str
    because: str
    start: datetime
    end: datetime | None
    home: bool
    status: str = "active"
    reason: str = ""

    @property
    def atc(self) -> str:
        return regimens.drug_of(self.regimen).atc

    @property
    def text(self) -> str:
        """As a note has it: drug and dosage."""
        return f"{regimens.drug_of(self.regimen).display}, {regimens.summary(self.regimen)}"


def at_home(
    dice: Dice, person: Person, onsets: Mapping[str, datetime], before: datetime
) -> list[Prescription]:
    """What the patient takes for the long-standing diseases, begun between their onset and `before`."""
    taken: list[Prescription] = []
    for disease in person.diseases:
        for choices in disease.takes:
            key = _first_fitting(choices, person, taken)
            if key and len(taken) < HOME_DRUGS_MAX and not _thins_twice(key, taken):
                onset = onsets[disease.key]
                start = clock(onset + (before - onset) * dice.between(0.02, 0.8) + days(1), 8)
                taken.append(Prescription(key, disease.because, start, None, home=True))
    return taken


def in_hospital(
    person: Person, taken: list[Prescription], orders: Iterable[Order], start: datetime, until: datetime
) -> list[Prescription]:
    """What is ordered from `start` on, as far as it has begun by `until`.

    `taken` is what the patient goes on taking from home. Orders of one story may go together; they only must
    not double what is taken.
    """
    ordered: list[Prescription] = []
    for order in orders:
        begins = start + days(order.from_day + 1 / 16)
        key = _first_fitting(order.choices, person, taken)
        if not key or begins >= until or any(key == other.regimen for other in ordered):
            continue
        end = begins + days(order.for_days) if order.for_days else None
        ordered.append(Prescription(key, order.because, begins, end, order.home))
    return ordered


def paused(
    taken: list[Prescription], prefixes: tuple[str, ...]
) -> tuple[list[Prescription], list[Prescription]]:
    """`taken` parted in what goes on and what is held back during an admission."""
    held = [each for each in taken if each.atc.startswith(prefixes)] if prefixes else []
    return [each for each in taken if each not in held], held


def _first_fitting(choices: tuple[str, ...], person: Person, taken: list[Prescription]) -> str | None:
    return next(
        (fit for key in choices if (fit := _adjusted(key, person)) and _fits(fit, person, taken)), None
    )


def _adjusted(key: str, person: Person) -> str:
    """The dose that suits age, kidneys and weight."""
    if key != "apixaban":
        return key
    reasons = (
        person.age >= _LOW_APIXABAN_AGE_MIN,
        person.usual["creatinine"] >= _LOW_APIXABAN_CREATININE_MIN,
        person.weight_kg <= _LOW_APIXABAN_WEIGHT_MAX,
    )
    return "apixaban-low" if sum(reasons) >= 2 else key


def _fits(key: str, person: Person, taken: list[Prescription]) -> bool:
    atc = regimens.drug_of(key).atc
    if any(atc.startswith(avoided) or key == avoided for avoided in person.avoids):
        return False
    groups = {_group(each.atc) for each in taken}
    if atc.startswith("M01A") and (person.age > _NSAID_AGE_MAX or "anticoagulant" in groups):
        return False
    return _group(atc) not in groups


def _thins_twice(key: str, taken: list[Prescription]) -> bool:
    """At home nobody takes both an antiplatelet and an anticoagulant."""
    atc = regimens.drug_of(key).atc
    others = [each.atc for each in taken]
    if atc.startswith("B01AC"):
        return any(other.startswith(_ANTICOAGULANTS) for other in others)
    return atc.startswith(_ANTICOAGULANTS) and any(other.startswith("B01AC") for other in others)


def _group(atc: str) -> str:
    if atc.startswith(_ANTICOAGULANTS):
        return "anticoagulant"
    return next((alike for alike in _ALIKE if atc.startswith(alike)), atc)


class Prescriber(NamedTuple):
    """Who orders, for whom, during which stay."""

    region: str
    patient: Resource
    encounter: Resource | None
    role: Resource


def write_order(chart: Chart, prescription: Prescription, prescriber: Prescriber) -> str:
    """The MedicationRequest; returns its reference."""
    drug = regimens.drug_of(prescription.regimen)
    end = prescription.end
    elements: Resource = {} if end else {"extension": [_review(prescription)]}
    elements |= {
        "identifier": [{"system": _ORDER_SYSTEM, "value": f"{chart.prefix}-{len(chart.resources)}"}],
        "status": prescription.status,
    }
    if prescription.reason:
        elements["statusReason"] = concept(prescription.reason)
    category = "community" if prescription.home else "inpatient"
    elements |= {
        "intent": "order",
        "category": [coded(f"{HL7}/medicationrequest-category", category)],
        "medicationReference": drug_reference(prescriber.region, drug),
        "subject": prescriber.patient,
    }
    if prescriber.encounter:
        elements["encounter"] = prescriber.encounter
    elements |= {
        "authoredOn": stamp(prescription.start - days(1 / 96)),
        "requester": prescriber.role,
        "reasonCode": [concept(prescription.because)],
        "dosageInstruction": regimens.dosages(prescription.regimen, prescription.start, end),
    }
    return chart.add("MedicationRequest", elements)


def _review(prescription: Prescription) -> Resource:
    day = prescription.start + days(_REVIEWED_AFTER_DAYS[prescription.home])
    return {"url": _REVIEW_DATE, "valueDate": day.date().isoformat()}


class Given(NamedTuple):
    """A dose that was due or asked for."""

    at: datetime
    amount: float
    prescription: Prescription
    order: str


def doses(
    dice: Dice, written: list[tuple[Prescription, str]], admitted: datetime, now: datetime
) -> list[Given]:
    """The latest doses of the orders (each with its reference) until `now`, oldest first."""
    since = max(admitted, now - days(DOSES_SHOWN_HOURS / 24))
    given: list[Given] = []
    for prescription, order in written:
        if prescription.status not in ("active", "completed"):
            continue
        until = min(now, prescription.end) if prescription.end else now
        regimen = regimens.REGIMENS[prescription.regimen]
        if regimen.most and dice.chance(0.4):
            at = max(since, prescription.start) + (until - max(since, prescription.start)) * dice.between(
                0.2, 0.9
            )
            if at < until:
                given.append(Given(at.replace(second=0), regimen.each, prescription, order))
        given += [
            Given(at + days(dice.between(0, 0.017)), amount, prescription, order)
            for at, amount in regimens.due(prescription.regimen, prescription.start, since, until)
        ]
    given.sort(key=lambda dose: (dose.at, dose.order))
    return [dose for dose in given if dose.at <= now][-DOSES_SHOWN_MAX:]


_NOT_GIVEN = ("Patienten ønskede ikke medicinen", "Patienten var til undersøgelse", "Patienten fastede")


def write_dose(chart: Chart, dice: Dice, given: Given, prescriber: Prescriber, nurse: Resource) -> None:
    """The MedicationAdministration; now and then one that was not done."""
    drug = regimens.drug_of(given.prescription.regimen)
    done = dice.chance(0.96)
    elements: Resource = {"status": "completed" if done else "not-done"}
    if not done:
        elements["statusReason"] = [concept(dice.pick(_NOT_GIVEN))]
    elements |= {
        "category": coded(f"{HL7}/medication-admin-category", "inpatient"),
        "medicationReference": drug_reference(prescriber.region, drug),
        "subject": prescriber.patient,
        "context": prescriber.encounter,
        "effectiveDateTime": stamp(given.at),
        "performer": [{"actor": nurse}],
        "request": reference(given.order),
    }
    if done:
        elements["dosage"] = {
            "route": regimens.route(drug),
            "dose": regimens.dose(given.prescription.regimen, given.amount),
        }
    chart.add("MedicationAdministration", elements)
