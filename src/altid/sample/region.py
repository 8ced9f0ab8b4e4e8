"""The whole region, one patient after the other.

Who the next patient is depends on the seed and the number of the patient alone, never on those before, so
patient 17 is the same whether 20 or 20,000 are asked for, and nothing has to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from altid.sample import admission, allergies, drugs, outpatient, places, prescribing, staff
from altid.sample import person as people
from altid.sample.admission import Scene
from altid.sample.chart import Chart
from altid.sample.coding import Resource, synthetic
from altid.sample.courses import Story
from altid.sample.cpr import PATIENTS_MAX, Sex
from altid.sample.dice import Dice
from altid.sample.diseases import DISEASES
from altid.sample.moments import REFERENCE, clock, days, moment
from altid.sample.outpatient import CLINICS
from altid.sample.person import Person
from altid.sample.places import BEDS, Bed
from altid.sample.staff import Staff
from altid.sample.stay import Stay
from altid.sample.stories_circulation import STORIES as CIRCULATION
from altid.sample.stories_medical import STORIES as MEDICAL
from altid.sample.stories_surgical import STORIES as SURGICAL

SEED_MAX = 999_999_999
"""Seeds are part of every id, and ids have at most 64 characters."""

STORIES = (*CIRCULATION, *MEDICAL, *SURGICAL)


class Kind(Enum):
    """What a person is to the hospital."""

    IN_BED = "in bed"
    DISCHARGED = "discharged"
    CLINIC = "clinic"
    KNOWN = "known"
    DEAD = "dead"


_IN_BED_EVERY = 3
"""Of every three patients the first lies in hospital, as long as there are beds."""

_OTHERS = (Kind.DISCHARGED, Kind.CLINIC, Kind.CLINIC, Kind.DISCHARGED, Kind.KNOWN, Kind.CLINIC, Kind.KNOWN)
"""The rest by turns, so that a handful of patients shows all."""

_DEAD_EVERY, _DEAD_FIRST = 30, 8

_CHRONIC_SINCE_DAYS = 560
"""Those who come to a clinic have had their diseases since before the first visit that is written."""

_STAY_MIN_DAYS = 0.35
"""Nobody is written who came in the last hours: there would be nothing to read yet."""


def kind_of(index: int) -> Kind:
    if index % _IN_BED_EVERY == 0:
        return Kind.IN_BED if index // _IN_BED_EVERY < len(BEDS) else Kind.DISCHARGED
    if index % _DEAD_EVERY == _DEAD_FIRST:
        return Kind.DEAD
    return _OTHERS[(index - index // _IN_BED_EVERY) % len(_OTHERS)]


def resources(patients: int, seed: int, reference: datetime = REFERENCE) -> Iterator[Resource]:
    """Every resource of the region, each after those that it refers to.

    Resources of one patient share parts of their structure: read them, write them, but do not change them.
    Raises `ValueError` for more than `PATIENTS_MAX` patients, a negative number or an unusable reference
    moment.
    """
    groups = _groups(patients, seed, reference)
    return (resource for group in groups for resource in group)


def bundles(patients: int, seed: int, reference: datetime = REFERENCE) -> Iterator[Resource]:
    """Transaction Bundles (R4 §2.36.0.11): places, staff, drugs, then one for each patient.

    Everything is PUT under ids that the seed and the patient's number decide, so to load twice changes
    nothing more. See `resources` for sharing and errors.
    """
    return map(_transaction, _groups(patients, seed, reference))


def _groups(patients: int, seed: int, reference: datetime) -> Iterator[list[Resource]]:
    """What is loaded together, one after the other; errors are raised at once."""
    if not 0 <= patients <= PATIENTS_MAX:
        raise ValueError(f"The number of patients must lie from 0 to {PATIENTS_MAX}.")
    if not 0 <= seed <= SEED_MAX:
        raise ValueError(f"The seed must lie from 0 to {SEED_MAX}.")
    return _generated(patients, seed, moment(reference))


def _generated(patients: int, seed: int, now: datetime) -> Iterator[list[Resource]]:
    region = f"r{seed}"
    workers = staff.hire(region, seed)
    yield list(places.resources(region))
    yield list(staff.resources(workers))
    yield list(drugs.resources(region))
    for index in range(patients):
        yield _patient(region, workers, now, seed, index)


def _transaction(group: list[Resource]) -> Resource:
    return {
        "resourceType": "Bundle",
        "meta": {"tag": [synthetic()]},
        "type": "transaction",
        "entry": [
            {
                "fullUrl": places.full_url(resource),
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in group
        ],
    }


def _patient(region: str, workers: Staff, now: datetime, seed: int, index: int) -> list[Resource]:
    dice = Dice(f"{seed}:{index}")
    kind = kind_of(index)
    chart = Chart(f"{region}-p{index}")
    if kind in (Kind.CLINIC, Kind.KNOWN):
        person = _chronic_person(dice, chart.prefix, index, kind, now)
        _chronic(Scene(region, workers, now, dice, chart, person), kind)
    else:
        _admitted(region, workers, now, dice, chart, index, kind)
    return chart.resources


def _chronic_person(dice: Dice, identity: str, index: int, kind: Kind, now: datetime) -> Person:
    sex: Sex = "female" if dice.chance(0.52) else "male"
    if kind is Kind.KNOWN:
        return people.born(dice, identity, index, now, round(dice.about(46, 9)), sex, (), ())
    age = round(dice.about(62, 8))
    fitting = [key for key in CLINICS if DISEASES[key].sex in (None, sex)]
    return people.born(dice, identity, index, now, age, sex, (dice.pick(fitting),), ())


def _chronic(scene: Scene, kind: Kind) -> None:
    person, dice = scene.person, scene.dice
    people.write(scene.chart, dice, scene.region, person, died=None)
    before = scene.now - days(_CHRONIC_SINCE_DAYS)
    home = prescribing.at_home(dice, person, _write_background(scene, before), before)
    outpatient.write_home_medicine(scene, home)
    if kind is Kind.CLINIC:
        outpatient.write(scene, person.diseases[0].key, visits=dice.whole(2, 3))
    elif dice.chance(0.6):
        outpatient.write_visit(scene, dice.between(200, 2500))


def _admitted(
    region: str, workers: Staff, now: datetime, dice: Dice, chart: Chart, index: int, kind: Kind
) -> None:
    bed = BEDS[index // _IN_BED_EVERY] if kind is Kind.IN_BED else None
    story = _story(dice, bed, kind)
    sex = dice.weighted(*zip(*story.sexes, strict=True))
    age = dice.whole(*story.ages)
    person = people.born(dice, chart.prefix, index, now, age, sex, story.requires, story.without)
    stay = _stay(dice, story, bed, kind, now, index)
    scene = Scene(region, workers, now, dice, chart, person)
    people.write(chart, dice, region, person, died=stay.end if stay.fatal else None)
    home = prescribing.at_home(dice, person, _write_background(scene, stay.start), stay.start)
    if dice.chance(0.4):
        outpatient.write_visit(scene, (now - stay.start) / days(1) + dice.between(60, 1500))
    admission.write(scene, stay, home)


def _story(dice: Dice, bed: Bed | None, kind: Kind) -> Story:
    if bed:
        return dice.pick([story for story in STORIES if bed.ward.specialty in story.specialties])
    if kind is Kind.DEAD:
        return dice.pick([story for story in STORIES if story.grave])
    return dice.pick(STORIES)


def _stay(dice: Dice, story: Story, bed: Bed | None, kind: Kind, now: datetime, index: int) -> Stay:
    shortest, longest = story.stays
    severity = dice.about(1, 0.12)
    if bed:
        start = _arrival(dice, story, now - days(dice.between(_STAY_MIN_DAYS, longest * 0.85)), now)
        return Stay(story, start, None, now, bed.ward, bed, severity, fatal=False)
    ward = places.ward_for(story.specialties, index)
    empty = Bed(ward, dice.whole(1, places.BEDS_PER_WARD))
    back = dice.between(6, 240)
    end = now - days(back)
    if kind is Kind.DISCHARGED:
        end = end.replace(hour=dice.whole(10, 15))
    start = _arrival(dice, story, end - days(dice.between(shortest, longest)), end)
    return Stay(story, start, end, end, ward, empty, severity, fatal=kind is Kind.DEAD)


def _arrival(dice: Dice, story: Story, at: datetime, before: datetime) -> datetime:
    """Planned patients come in the morning of a working day; the others whenever it happens."""
    if not story.planned:
        return at
    morning = clock(at, 7, dice.pick((0, 15, 30)))
    if morning > before - days(_STAY_MIN_DAYS):
        morning -= days(1)
    return morning - days(max(0, morning.weekday() - 4))


def _write_background(scene: Scene, before: datetime) -> dict[str, datetime]:
    """CAVE and the long-standing diseases, recorded before that moment; returns when each disease began."""
    person, dice = scene.person, scene.dice
    recorder = scene.staff.practice_doctor(person.practice).role
    allergies.write(scene.chart, dice, person.reference, recorder, person.cave, person.allergies, before)
    onsets: dict[str, datetime] = {}
    for disease in person.diseases:
        since = before - days(dice.between(200, 4000))
        onsets[disease.key] = since
        on = since.date().isoformat()
        admission.write_condition(scene, disease.code, disease.name, on, "problem-list-item")
    return onsets
