"""One admission written out: encounter, diagnoses, measurements, medicine, notes and what is pending."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from altid.sample import laboratory, letters, notes, papers, places, prescribing, requests, vitals
from altid.sample import stay as stays
from altid.sample.chart import Chart, Visit
from altid.sample.coding import DK_CORE, HL7, SKS, SKS_DIAGNOSES, Resource, coded, coding, concept, reference
from altid.sample.dice import Dice
from altid.sample.laboratory import Ordered, Sample
from altid.sample.moments import clock, days, stamp, weekday
from altid.sample.person import Person
from altid.sample.prescribing import Prescriber, Prescription
from altid.sample.requests import Asked
from altid.sample.staff import Staff, Worker
from altid.sample.stay import Stay
from altid.sample.vitals import Charted

_REFERRED_EVERY = 2
_DECIDED_AFTER_DAYS = 0.08
"""A treatment limit is decided when the patient is admitted, about two hours after arrival."""


class Scene(NamedTuple):
    """What everything about one patient needs: where, who, when, and the chance of it."""

    region: str
    staff: Staff
    now: datetime
    dice: Dice
    chart: Chart
    person: Person


class _Written(NamedTuple):
    """The references that the rest of the admission points to."""

    visit: Visit
    diagnosis: Resource
    doctor: Worker
    nurse: Worker
    limits: tuple[requests.Limit, ...]


def write_condition(
    scene: Scene, code: str, name: str, since: str, category: str, over: str = ""
) -> Resource:
    """A Condition with its SKS code (once as SKS, once as dk-core's slice of SKS); returns the reference."""
    elements: Resource = {
        "clinicalStatus": coded(f"{HL7}/condition-clinical", "resolved" if over else "active"),
        "verificationStatus": coded(f"{HL7}/condition-ver-status", "confirmed"),
        "category": [coded(f"{HL7}/condition-category", category)],
        "code": concept(name, coding(SKS, code, name), coding(SKS_DIAGNOSES, code)),
        "subject": scene.person.reference,
        "onsetDateTime": since,
        "recordedDate": since,
    }
    if over:
        elements["abatementDateTime"] = over
    return reference(scene.chart.add("Condition", elements), name)


def write(scene: Scene, stay: Stay, home: list[Prescription]) -> None:
    """Everything about `stay`; `home` is what the patient took before it."""
    written = _write_encounter(scene, stay)
    samples = stays.blood(scene.dice, scene.person, stay)
    rounds = stays.rounds(scene.dice, scene.person, stay)
    _write_measurements(scene, stay, written, samples, rounds)
    going_on, held = prescribing.paused(home, stay.story.pauses)
    _write_medicine(scene, stay, written, going_on, held)
    _write_requests(scene, stay, written)
    _write_notes(scene, stay, written, (going_on, held), samples, rounds)
    _write_letters(scene, stay, written, rounds[0])


def _write_encounter(scene: Scene, stay: Stay) -> _Written:
    story, dice, person = stay.story, scene.dice, scene.person
    began = stamp(stay.start)
    over = stamp(stay.end) if stay.end and not stay.fatal else ""
    main = write_condition(scene, story.code, story.name, began, "encounter-diagnosis", over)
    others = [
        write_condition(scene, code, name, began, "encounter-diagnosis", over) for code, name in story.also
    ]
    doctor = scene.staff.doctor(stay.ward.key, dice)
    encounter = scene.chart.add("Encounter", _encounter(scene, stay, [main, *others]))
    return _Written(
        visit=Visit(person.reference, reference(encounter)),
        diagnosis=main,
        doctor=doctor,
        nurse=scene.staff.nurse(stay.ward.key, dice),
        limits=requests.limits_for(dice, person.age, stay.fatal, story.grave),
    )


def _encounter(scene: Scene, stay: Stay, diagnoses: list[Resource]) -> Resource:
    period = {"start": stamp(stay.start), **({"end": stamp(stay.end)} if stay.end else {})}
    extensions = [
        {
            "url": f"{DK_CORE}/dk-core-care-provider",
            "valueReference": places.ward_reference(scene.region, stay.ward),
        }
    ]
    if stay.current:
        leaves = clock(max(scene.now, stay.start + days(stay.story.stays[1])) + days(1), 12)
        extensions.append({"url": f"{DK_CORE}/dk-core-planned-end-date", "valueDateTime": stamp(leaves)})
    place_status = "active" if stay.current else "completed"
    elements: Resource = {
        "extension": extensions,
        "status": "in-progress" if stay.current else "finished",
        "class": coding(f"{HL7}/v3-ActCode", "IMP", "inpatient encounter"),
        "type": [concept("Indlæggelse", coding(SKS, "ALCA00", "Fysisk fremmøde"))],
        "priority": coded(f"{HL7}/v3-ActPriority", "EL" if stay.story.planned else "A"),
        "subject": scene.person.reference,
        "participant": [requests.attending(scene.staff.consultant(stay.ward.key).role)],
        "period": period,
        "diagnosis": [
            {
                "condition": condition,
                "use": coded(f"{HL7}/diagnosis-role", "AD" if rank == 1 else "CM"),
                "rank": rank,
            }
            for rank, condition in enumerate(diagnoses, start=1)
        ],
        "location": [
            {"location": place, "status": place_status, "physicalType": _physical(kind), "period": period}
            for place, kind in (
                (places.ward_place(scene.region, stay.ward), "wa"),
                (places.bed_place(scene.region, stay.bed), "bd"),
            )
        ],
        "serviceProvider": places.hospital_reference(scene.region, stay.ward.hospital),
    }
    if stay.end:
        where = "exp" if stay.fatal else "home"
        elements["hospitalization"] = {"dischargeDisposition": coded(f"{HL7}/discharge-disposition", where)}
    return elements


def _physical(kind: str) -> Resource:
    return coded(f"{HL7}/location-physical-type", kind)


def _write_measurements(
    scene: Scene, stay: Stay, written: _Written, samples: list[Sample], rounds: list[Charted]
) -> None:
    chart, person, visit = scene.chart, scene.person, written.visit
    vitals.write_body(chart, person.height_cm, person.weight_kg, rounds[0].at, visit)
    for charted in rounds:
        vitals.write(chart, charted, visit, written.nurse.role)
    service = places.service_reference(scene.region, stay.ward.hospital, "biochemistry")
    ordered = Ordered(visit.patient, visit.encounter, service)
    for sample in samples:
        laboratory.report(chart, sample, ordered, person.sex)


def _write_medicine(
    scene: Scene, stay: Stay, written: _Written, going_on: list[Prescription], held: list[Prescription]
) -> None:
    person = scene.person
    inside = prescribing.in_hospital(person, going_on, stay.orders, stay.start, stay.until)
    practice_doctor = scene.staff.practice_doctor(person.practice)
    general = Prescriber(scene.region, person.reference, None, practice_doctor.role)
    here = Prescriber(scene.region, person.reference, written.visit.encounter, written.doctor.role)
    orders: list[tuple[Prescription, str]] = []
    for prescription in _statuses(stay, scene.now, going_on, held, inside):
        prescriber = general if prescription.start < stay.start else here
        orders.append((prescription, prescribing.write_order(scene.chart, prescription, prescriber)))
    if stay.current:
        for given in prescribing.doses(scene.dice, orders, stay.start, scene.now):
            prescribing.write_dose(scene.chart, scene.dice, given, here, written.nurse.role)


def _statuses(
    stay: Stay,
    now: datetime,
    going_on: list[Prescription],
    held: list[Prescription],
    inside: list[Prescription],
) -> Iterator[Prescription]:
    """Each order as it stands now."""
    if stay.fatal:
        for each in (*going_on, *held, *inside):
            finished = each.end is not None and each.end <= stay.until
            if finished:
                yield each._replace(status="completed")
            else:
                yield each._replace(status="stopped", reason="Patienten er død", end=stay.until)
        return
    yield from going_on
    pause_is_over = stay.story.pauses_days and stay.day(stay.until) > stay.story.pauses_days
    for each in held:
        if _replaced(each, inside):
            yield each._replace(status="stopped", reason="Erstattet af ny ordination", end=stay.start)
        elif stay.current and not pause_is_over:
            yield each._replace(status="on-hold", reason="Pauseret under indlæggelsen")
        else:
            yield each
    for each in inside:
        ends = [end for end in (each.end, None if each.home else stay.end) if end]
        end = min(ends) if ends else None
        over = end is not None and end <= now
        yield each._replace(end=end, status="completed" if over else "active")


def _replaced(held: Prescription, inside: list[Prescription]) -> bool:
    """Whether the stay has ordered the same kind of drug to be taken from now on."""
    return any(order.home and order.atc[:5] == held.atc[:5] for order in inside)


def _write_requests(scene: Scene, stay: Stay, written: _Written) -> None:
    chart, story, visit = scene.chart, stay.story, written.visit
    author = scene.staff.consultant(stay.ward.key).role
    for limit in written.limits:
        requests.write_limit(chart, limit, visit, author, stay.start + days(_DECIDED_AFTER_DAYS), stay.end)
    operation = story.operation
    if operation and stay.day(stay.until) > operation.day + notes.AFTER_OPERATION_DAYS:
        begins = stay.start + days(operation.day)
        period = begins, begins + days(scene.dice.between(0.03, 0.08))
        hospital = places.hospital_reference(scene.region, stay.ward.hospital)
        requests.write_operation(chart, operation, visit, period, hospital, written.diagnosis)
    if stay.current:
        _write_pending(scene, stay, written)
    elif story.follow_up and not stay.fatal:
        _write_follow_up(scene, stay)


def _write_follow_up(scene: Scene, stay: Stay) -> None:
    dice = scene.dice
    day = stay.until + days(dice.whole(14, 60))
    starts = weekday(clock(day, dice.whole(8, 14), dice.pick((0, 15, 30, 45))))
    place = places.ward_place(scene.region, stay.ward)
    requests.write_appointment(
        scene.chart, stay.story.follow_up, starts, 30, scene.person.reference, place, scene.now
    )


def _write_pending(scene: Scene, stay: Stay, written: _Written) -> None:
    chart, visit, dice, hospital = scene.chart, written.visit, scene.dice, stay.ward.hospital
    consultant = scene.staff.consultant(stay.ward.key).role
    ward = places.ward_reference(scene.region, stay.ward)
    requests.write_team(chart, visit, consultant, written.nurse.role, ward, stay.start)
    requester = written.doctor.role
    for requisition in dice.some(stay.story.requisitions, dice.whole(1, 2)):
        service = places.service_reference(scene.region, hospital, requisition.service)
        at = max(stay.start + days(0.03), scene.now - days(dice.between(0.72, 0.98)))
        requests.write_requisition(
            chart, requisition, visit, Asked(requester, service, at), written.diagnosis
        )
    service = places.service_reference(scene.region, hospital, "biochemistry")
    asked = Asked(requester, service, scene.now - days(0.01))
    requests.write_planned_blood(chart, visit, asked, written.diagnosis)


def _write_letters(scene: Scene, stay: Stay, written: _Written, at_first: Charted) -> None:
    """What came with the patient; nothing of it is left to chance, so that it changes nothing else."""
    chart, person = scene.chart, scene.person
    if person.number % _REFERRED_EVERY == 0 and not stay.story.planned:
        doctor = scene.staff.practice_doctor(person.practice)
        letter = letters.referral(person, stay, doctor.name.text)
        before = stay.start - days(_DECIDED_AFTER_DAYS)
        letters.write(chart, "referral", "application/pdf", letter, before, written.visit, doctor.role)
    if stay.ward.specialty == "cardiology":
        strip = papers.electrocardiogram(at_first.pulse)
        letters.write(chart, "ecg", "image/png", strip, at_first.at, written.visit, written.nurse.role)


def _write_notes(
    scene: Scene,
    stay: Stay,
    written: _Written,
    home: tuple[list[Prescription], list[Prescription]],
    samples: list[Sample],
    rounds: list[Charted],
) -> None:
    def note(kind: str, text: str, at: datetime, author: Worker) -> None:
        notes.write(scene.chart, kind, text, at, written.visit, author.role)

    dice, person = scene.dice, scene.person
    limits = tuple(limit.text for limit in written.limits)
    seen = stay.start + days(dice.between(0.085, 0.12))
    at_first = [sample for sample in samples if sample.at < seen]
    note("admission", notes.admission(person, stay, *home, rounds[0], at_first, limits), seen, written.doctor)
    blood = [sample for sample in samples if "crp" in sample.values]
    round_at = clock(blood[-1].at, 9, dice.whole(5, 45))
    if len(blood) > 1 and round_at < stay.until:
        charted = [charted for charted in rounds if charted.at < round_at][-1]
        note("progress", notes.progress(stay, charted, blood[-1]), round_at, written.doctor)
    if len(rounds) > 1:
        last = rounds[-1]
        note("nursing", notes.nursing(dice, stay, last), last.at + days(0.02), written.nurse)
    if not stay.end:
        return
    if stay.fatal:
        note("death", notes.death(stay), stay.until + days(0.03), written.doctor)
        return
    inside = prescribing.in_hospital(person, home[0], stay.orders, stay.start, stay.until)
    after = [each for each in inside if each.home]
    note("discharge", notes.discharge(person, stay, after, stay.story.follow_up), stay.until, written.doctor)
