"""What is asked of others or agreed ahead: requisitions, specimens, appointments, the team, treatment
limits.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from altid.sample.chart import Chart, Visit
from altid.sample.coding import ALTID, HL7, SKS, SNOMED, Resource, coded, coding, concept, reference
from altid.sample.courses import Operation, Requisition
from altid.sample.dice import Dice
from altid.sample.moments import clock, days, stamp


class Limit(NamedTuple):
    """A treatment limit (*behandlingsniveau*): what is not to be done, as a consultant has decided."""

    code: str
    text: str
    snomed: str = ""


_NO_RESUSCITATION = Limit("no-resuscitation", "Ingen genoplivning ved hjertestop", "304253006")
_NO_INTENSIVE_CARE = Limit("no-intensive-care", "Ikke til intensiv behandling")
_NO_VENTILATOR = Limit("no-ventilator", "Ikke til respirator")

_LIMITED_FROM_AGE = 78


def limits_for(dice: Dice, age: int, fatal: bool, grave: bool) -> tuple[Limit, ...]:
    """What is decided for this patient; nothing for most."""
    if fatal:
        return (_NO_RESUSCITATION, _NO_INTENSIVE_CARE)
    if age < _LIMITED_FROM_AGE or not dice.chance(0.5 if grave else 0.2):
        return ()
    return dice.pick(
        ((_NO_RESUSCITATION,), (_NO_RESUSCITATION, _NO_INTENSIVE_CARE), (_NO_RESUSCITATION, _NO_VENTILATOR))
    )


def write_limit(
    chart: Chart, limit: Limit, visit: Visit, author: Resource, start: datetime, end: datetime | None
) -> None:
    """A Flag, active as long as the stay lasts."""
    codings = [coding(f"{ALTID}/treatment-limit", limit.code, limit.text)]
    codings += [coding(SNOMED, limit.snomed)] if limit.snomed else []
    chart.add(
        "Flag",
        {
            "status": "inactive" if end else "active",
            "category": [
                concept(
                    "Behandlingsniveau",
                    coding(f"{ALTID}/flag-category", "treatment-limit", "Behandlingsniveau"),
                )
            ],
            "code": concept(limit.text, *codings),
            "subject": visit.patient,
            "period": {"start": stamp(start), **({"end": stamp(end)} if end else {})},
            "encounter": visit.encounter,
            "author": author,
        },
    )


class Asked(NamedTuple):
    """Who asks, whom, when."""

    requester: Resource
    performer: Resource
    at: datetime


def write_requisition(
    chart: Chart, requisition: Requisition, visit: Visit, asked: Asked, because: Resource
) -> None:
    """A pending ServiceRequest, with the specimen if one was taken."""
    elements: Resource = {
        "status": "active",
        "intent": "order",
        "category": [concept(_CATEGORIES[requisition.service][1], _category(requisition.service))],
        "priority": "asap" if requisition.specimen else "routine",
        "code": concept(requisition.name, _code(requisition)),
        "subject": visit.patient,
        "encounter": visit.encounter,
        "authoredOn": stamp(asked.at),
        "requester": asked.requester,
        "performer": [asked.performer],
        "reasonReference": [because],
    }
    if requisition.specimen:
        taken = asked.at + days(0.012)
        specimen = chart.add(
            "Specimen",
            {
                "status": "available",
                "type": concept(requisition.specimen),
                "subject": visit.patient,
                "receivedTime": stamp(taken + days(0.06)),
                "collection": {"collectedDateTime": stamp(taken)},
            },
        )
        elements["specimen"] = [reference(specimen)]
    chart.add("ServiceRequest", elements)


_CATEGORIES = {
    "biochemistry": ("108252007", "Laboratorieundersøgelse"),
    "microbiology": ("108252007", "Laboratorieundersøgelse"),
    "pathology": ("108252007", "Laboratorieundersøgelse"),
    "radiology": ("363679005", "Billeddiagnostik"),
    "heart": ("363679005", "Billeddiagnostik"),
    "therapy": ("386053000", "Vurdering og behandling"),
}


def _category(service: str) -> Resource:
    return coding(SNOMED, _CATEGORIES[service][0])


def _code(requisition: Requisition) -> Resource:
    if requisition.code.isupper():
        return coding(SKS, requisition.code, requisition.name)
    return coding(f"{ALTID}/requisition", requisition.code, requisition.name)


TOMORROWS_BLOOD = Requisition("biochemistry", "Blodprøver, væsketal og infektionstal", "blodproever-rutine")


def write_planned_blood(chart: Chart, visit: Visit, asked: Asked, because: Resource) -> None:
    """The samples that are ordered for the next morning round."""
    chart.add(
        "ServiceRequest",
        {
            "status": "active",
            "intent": "order",
            "category": [concept(_CATEGORIES["biochemistry"][1], _category("biochemistry"))],
            "priority": "routine",
            "code": concept(TOMORROWS_BLOOD.name, _code(TOMORROWS_BLOOD)),
            "subject": visit.patient,
            "encounter": visit.encounter,
            "occurrenceDateTime": stamp(clock(asked.at + days(1), 7)),
            "authoredOn": stamp(asked.at),
            "requester": asked.requester,
            "performer": [asked.performer],
            "reasonReference": [because],
        },
    )


def write_appointment(
    chart: Chart, what: str, start: datetime, minutes: int, patient: Resource, place: Resource, now: datetime
) -> None:
    """Booked when it lies ahead, fulfilled when it lies back."""
    ahead = start > now
    chart.add(
        "Appointment",
        {
            "status": "booked" if ahead else "fulfilled",
            "description": what,
            "start": stamp(start),
            "end": stamp(start + days(minutes / 1440)),
            "created": stamp(min(start - days(14), now - days(1))),
            "participant": [
                {"actor": patient, "required": "required", "status": "accepted"},
                {"actor": place, "required": "required", "status": "accepted"},
            ],
        },
    )


def write_team(
    chart: Chart, visit: Visit, doctor: Resource, nurse: Resource, ward: Resource, start: datetime
) -> None:
    """The doctor who answers for the patient, and the nurse."""
    chart.add(
        "CareTeam",
        {
            "status": "active",
            "category": [coded("http://loinc.org", "LA27976-2", "Encounter-focused care team")],
            "name": "Behandlingsteam",
            "subject": visit.patient,
            "encounter": visit.encounter,
            "period": {"start": stamp(start)},
            "participant": [
                {"role": [concept("Patientansvarlig læge")], "member": doctor},
                {"role": [concept("Kontaktsygeplejerske")], "member": nurse},
            ],
            "managingOrganization": [ward],
        },
    )


def write_operation(
    chart: Chart,
    operation: Operation,
    visit: Visit,
    period: tuple[datetime, datetime],
    hospital: Resource,
    because: Resource,
) -> None:
    """A Procedure with its SKS code, done in that period."""
    chart.add(
        "Procedure",
        {
            "status": "completed",
            "category": coded(SNOMED, "387713003", "Surgical procedure"),
            "code": concept(operation.name, coding(SKS, operation.code, operation.name)),
            "subject": visit.patient,
            "encounter": visit.encounter,
            "performedPeriod": {"start": stamp(period[0]), "end": stamp(period[1])},
            "performer": [{"actor": hospital}],
            "reasonReference": [because],
        },
    )


def attending(role: Resource) -> Resource:
    """An Encounter participant who answers for the patient."""
    return {"type": [coded(f"{HL7}/v3-ParticipationType", "ATND", "attender")], "individual": role}
