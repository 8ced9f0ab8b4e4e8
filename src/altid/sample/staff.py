"""Who works there: doctors, nurses, a secretary per ward, a pharmacist per hospital."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from altid.sample import places
from altid.sample.coding import DK_CORE_CODES, HL7, MEDCOM, SNOMED, Resource, coding, concept, made, reference
from altid.sample.cpr import Sex
from altid.sample.dice import Dice
from altid.sample.names import Name, name

_CONSONANTS_AND_DIGITS = "BCDFGHJKLMNPQRSTVWXZ0123456789"
"""An authorisation number is five of these; ours begin with ZZZ, to be known at sight."""
_ROLES = f"{MEDCOM}/medcom-core-PractitionerRolesSKSadministrativ"


class Job(NamedTuple):
    """A post (*stilling*) with its code in MedCom's list, HL7's, and, where authorised, the register's."""

    key: str
    title: str
    medcom: str
    hl7: str
    profession: str
    profession_name: str
    prefix: str
    women: float


CONSULTANT = Job("consultant", "Overlæge", "overlaege", "doctor", "7170", "Læge", "Overlæge", 0.5)
REGISTRAR = Job("registrar", "Afdelingslæge", "afdelingslaege", "doctor", "7170", "Læge", "Læge", 0.6)
JUNIOR = Job("junior", "Sygehuslæge", "sygehuslaege", "doctor", "7170", "Læge", "Læge", 0.65)
NURSE = Job(
    "nurse", "Sygeplejerske", "sygeplejerske", "nurse", "5166", "Sygeplejerske", "Sygeplejerske", 0.95
)
SECRETARY = Job("secretary", "Lægesekretær", "laegesekretaer", "", "", "", "Lægesekretær", 0.97)
PHARMACIST = Job("pharmacist", "Farmaceut", "farmaceut", "pharmacist", "", "", "Farmaceut", 0.75)

_WARD_JOBS = (CONSULTANT, REGISTRAR, JUNIOR, NURSE, NURSE, NURSE, NURSE, SECRETARY)
_PRACTICE_JOBS = (
    Job("gp", "Speciallæge i praksis", "speciallaegeipraksis", "doctor", "7170", "Læge", "Læge", 0.55),
)


class Worker(NamedTuple):
    """A person in a post. `identity` is that of the Practitioner; the role's ends in `-role`."""

    identity: str
    job: Job
    name: Name
    sex: Sex
    organisation: str
    place: str | None
    specialty: str | None
    authorisation: str

    @property
    def title(self) -> str:
        return f"{self.job.prefix} {self.name.text}"

    @property
    def role(self) -> Resource:
        """Reference to the PractitionerRole: who, and on whose behalf."""
        return reference(f"PractitionerRole/{self.identity}-role", self.title)

    @property
    def practitioner(self) -> Resource:
        return reference(f"Practitioner/{self.identity}", self.title)


class Staff(NamedTuple):
    wards: dict[str, tuple[Worker, ...]]
    practices: tuple[Worker, ...]
    pharmacists: dict[str, Worker]

    def consultant(self, ward: str) -> Worker:
        return self.wards[ward][0]

    def doctor(self, ward: str, dice: Dice) -> Worker:
        """Not the consultant: those who are on duty day and night."""
        return dice.pick(self.wards[ward][1:3])

    def nurse(self, ward: str, dice: Dice) -> Worker:
        return dice.pick(self.wards[ward][3:7])

    def secretary(self, ward: str) -> Worker:
        return self.wards[ward][7]

    def practice_doctor(self, number: int) -> Worker:
        return self.practices[number % len(self.practices)]


def hire(region: str, seed: int) -> Staff:
    """Everybody who works in the region of that seed."""
    dice = Dice(f"{seed}:staff")
    wards = {
        ward.key: tuple(
            _worker(dice, f"{region}-{ward.key}-s{number}", job, f"{region}-{ward.key}", ward.specialty)
            for number, job in enumerate(_WARD_JOBS, start=1)
        )
        for ward in places.WARDS
    }
    practices = tuple(
        _worker(dice, f"{region}-gp{number}-s1", _PRACTICE_JOBS[0], f"{region}-gp{number}", None)
        for number in range(1, len(places.PRACTICES) + 1)
    )
    pharmacists = {
        hospital.key: _worker(
            dice, f"{region}-{hospital.key}-s1", PHARMACIST, f"{region}-{hospital.key}", None, hospital.key
        )
        for hospital in places.HOSPITALS
    }
    return Staff(wards, practices, pharmacists)


def _worker(
    dice: Dice, identity: str, job: Job, organisation: str, specialty: str | None, place: str | None = None
) -> Worker:
    sex: Sex = "female" if dice.chance(job.women) else "male"
    person = name(dice, sex, dice.whole(1962, 1996))
    authorisation = "ZZZ" + dice.pick(_CONSONANTS_AND_DIGITS) + dice.pick(_CONSONANTS_AND_DIGITS)
    at = organisation if specialty or place else None
    return Worker(identity, job, person, sex, organisation, at, specialty, authorisation)


def resources(staff: Staff) -> Iterator[Resource]:
    """Each practitioner and then the role."""
    workers = [worker for ward in staff.wards.values() for worker in ward]
    for worker in (*workers, *staff.practices, *staff.pharmacists.values()):
        yield _practitioner(worker)
        yield _role(worker)


def _practitioner(worker: Worker) -> Resource:
    elements: Resource = {
        "active": True,
        "name": [
            {
                "use": "official",
                "text": worker.name.text,
                "family": worker.name.family,
                "given": list(worker.name.given),
            }
        ],
        "gender": worker.sex,
    }
    if worker.job.profession:
        profession = coding(
            f"{DK_CORE_CODES}/DkCoreProfessionGroupCodes", worker.job.profession, worker.job.profession_name
        )
        elements["qualification"] = [
            {
                "identifier": [{"system": "https://autregweb.sst.dk", "value": worker.authorisation}],
                "code": {"coding": [profession]},
            }
        ]
    return made("Practitioner", worker.identity, elements)


def _role(worker: Worker) -> Resource:
    elements: Resource = {
        "active": True,
        "practitioner": worker.practitioner,
        "organization": reference(f"Organization/{worker.organisation}"),
        "code": [concept(worker.job.title, *_codings(worker.job))],
    }
    if worker.specialty:
        specialty = places.SPECIALTIES[worker.specialty]
        elements["specialty"] = [{"coding": [coding(SNOMED, specialty.snomed, specialty.name)]}]
    if worker.place:
        elements["location"] = [reference(f"Location/{worker.place}")]
    return made("PractitionerRole", f"{worker.identity}-role", elements)


def _codings(job: Job) -> list[Resource]:
    codings = [coding(_ROLES, job.medcom, job.title)]
    if job.hl7:
        codings.append(coding(f"{HL7}/practitioner-role", job.hl7))
    return codings
