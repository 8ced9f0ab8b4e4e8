"""People who come to a clinic (*ambulatorium*) for a long-standing disease, or are only known to the
hospital.
"""

from __future__ import annotations

from datetime import datetime

from altid.sample import laboratory, notes, places, prescribing, requests
from altid.sample.admission import Scene
from altid.sample.analytes import ANALYTES, GASES
from altid.sample.chart import Chart, Visit
from altid.sample.coding import DK_CORE, HL7, SKS, Resource, coding, concept, quantity, reference
from altid.sample.laboratory import Ordered, Sample, egfr, measured
from altid.sample.moments import clock, days, stamp, weekday
from altid.sample.places import Ward
from altid.sample.prescribing import Prescriber, Prescription
from altid.sample.vitals import PRESSURE, SYSTOLIC_AND_DIASTOLIC

CLINICS = {
    "diabetes-1": "endocrinology",
    "diabetes-2": "endocrinology",
    "hypothyroidism": "endocrinology",
    "copd": "respiratory",
    "asthma": "respiratory",
    "heart-failure": "cardiology",
    "ischaemia": "cardiology",
    "fibrillation": "cardiology",
    "rheumatoid": "internal",
    "kidney": "internal",
    "parkinson": "neurology",
    "epilepsy": "neurology",
    "dementia": "geriatrics",
    "osteoporosis": "endocrinology",
    "hypertension": "cardiology",
}
"""Which clinic follows which disease."""

_VISITS_APART_DAYS = 180

_BLOOD_BEFORE_DAYS = 0.1
"""Blood is drawn some days before the visit, at the latest in time for the results."""

_TESTS = ("hb", "crp", "sodium", "potassium", "creatinine")


def write_home_medicine(scene: Scene, home: list[Prescription]) -> None:
    """The orders of the general practitioner."""
    person = scene.person
    doctor = scene.staff.practice_doctor(person.practice)
    prescriber = Prescriber(scene.region, person.reference, None, doctor.role)
    for prescription in home:
        prescribing.write_order(scene.chart, prescription, prescriber)


def write(scene: Scene, disease: str, visits: int) -> None:
    """`visits` past visits half a year apart, with blood tests and blood pressure; the next is booked."""
    dice = scene.dice
    ward = places.ward_for((CLINICS[disease],), scene.person.number)
    last = scene.now - days(dice.between(10, 150))
    for back in range(visits - 1, -1, -1):
        day = last - days(back * _VISITS_APART_DAYS + dice.between(-10, 10) * (back > 0))
        _visit(scene, weekday(clock(day, dice.whole(8, 14), dice.pick((0, 20, 40)))), ward, back == 0)
    ahead = weekday(clock(last + days(_VISITS_APART_DAYS), dice.whole(8, 14), dice.pick((0, 30))))
    place = places.ward_place(scene.region, ward)
    requests.write_appointment(
        scene.chart, "Ambulant kontrol", ahead, 30, scene.person.reference, place, scene.now
    )


def write_visit(scene: Scene, back_days: float) -> None:
    """A short visit long ago: no more than that it was."""
    ward = places.ward_for(("acute", "orthopaedics"), scene.person.number)
    at = weekday(clock(scene.now - days(back_days), scene.dice.whole(8, 15), 10))
    scene.chart.add("Encounter", _encounter(scene, at, ward))


def _visit(scene: Scene, at: datetime, ward: Ward, latest: bool) -> None:
    chart, person, dice = scene.chart, scene.person, scene.dice
    visit = Visit(person.reference, reference(chart.add("Encounter", _encounter(scene, at, ward))))
    values: dict[str, float] = {}
    followed = {key for disease in person.diseases for key, _, _ in disease.tests}
    for key, analyte in ANALYTES.items():
        if (key in followed or key in _TESTS) and key not in GASES:
            values[key] = measured(dice, analyte, person.usual[key])
        if key == "creatinine":
            values["egfr"] = egfr(round(values[key]), person.sex, person.age)
    drawn = weekday(clock(at - days(dice.whole(3, 6)), dice.whole(8, 10), dice.whole(0, 59)))
    sample = Sample(min(drawn, at - days(_BLOOD_BEFORE_DAYS)), values)
    service = places.service_reference(scene.region, ward.hospital, "biochemistry")
    laboratory.report(chart, sample, Ordered(person.reference, None, service), person.sex)
    systolic = dice.whole(118, 152)
    pressure = systolic, round(systolic * dice.between(0.54, 0.62))
    _write_pressure(chart, pressure, at, visit)
    if latest:
        names = ", ".join(disease.name for disease in person.diseases[:2])
        text = notes.clinic(person, sample, pressure, names)
        author = scene.staff.doctor(ward.key, dice).role
        notes.write(chart, "clinic", text, at + days(0.03), visit, author)


def _encounter(scene: Scene, at: datetime, ward: Ward) -> Resource:
    return {
        "extension": [
            {
                "url": f"{DK_CORE}/dk-core-care-provider",
                "valueReference": places.ward_reference(scene.region, ward),
            }
        ],
        "status": "finished",
        "class": coding(f"{HL7}/v3-ActCode", "AMB", "ambulatory"),
        "type": [concept("Ambulant besøg", coding(SKS, "ALCA00", "Fysisk fremmøde"))],
        "subject": scene.person.reference,
        "period": {"start": stamp(at), "end": stamp(at + days(1 / 48))},
        "location": [{"location": places.ward_place(scene.region, ward), "status": "completed"}],
        "serviceProvider": places.hospital_reference(scene.region, ward.hospital),
    }


def _write_pressure(chart: Chart, pressure: tuple[int, int], at: datetime, visit: Visit) -> None:
    chart.add(
        "Observation",
        {
            "status": "final",
            "category": [{"coding": [coding(f"{HL7}/observation-category", "vital-signs")]}],
            "code": PRESSURE,
            "subject": visit.patient,
            "encounter": visit.encounter,
            "effectiveDateTime": stamp(at),
            "component": [
                {"code": code, "valueQuantity": quantity(value, "mmHg", "mm[Hg]")}
                for code, value in zip(SYSTOLIC_AND_DIASTOLIC, pressure, strict=True)
            ],
        },
        f"{DK_CORE}/dk-core-basic-observation",
    )
