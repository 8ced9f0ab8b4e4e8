"""What a message does to the copy, reckoned from what is there: nothing is written here.

ADT (chapter 3), ORU^R01 (chapter 7), RDE and RAS (chapter 4). NMD^N02 (chapter 14) says no more than that its
sender is alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from altid.hl7.results import reports
from altid.hl7.text import Hl7Error, Message
from altid.lookup.beside.hl7 import clinical, medication
from altid.lookup.beside.hl7.numbers import Number, Owner, known_patient, new_patient, numbers_of
from altid.lookup.beside.hl7.person import patient_of
from altid.lookup.beside.hl7.places import places_of
from altid.lookup.beside.hl7.stay import stay_id, stay_of
from altid.lookup.beside.naming import Resource, made_id
from altid.lookup.beside.sources import Hl7Source

ADT = ("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A28", "A31")
ALIVE = "NMD^N02"


class Here(Protocol):
    """What is in the copy of this sender."""

    def resource(self, type_: str, id_: str) -> Resource | None: ...

    def of_patient(self, patient: str) -> Iterable[Resource]: ...

    def owners(self, number: Number) -> Iterable[Owner]: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """`resources` whole, `gone` by type and id, `numbers` of whom. `merged`: the patient who was somebody
    else, and who that is."""

    resources: tuple[Resource, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    numbers: tuple[tuple[Number, str], ...] = ()
    merged: tuple[str, str] | None = None


def take(message: Message, source: Hl7Source, here: Here) -> Taken:
    """Raises `Hl7Error` for what can't be understood."""
    code, event = message.header.text(9), message.header.text(9, 2)
    if message.kind == ALIVE:
        return Taken()
    if code == "ADT" and event == "A40":
        return _merged(message, source, here)
    if code == "ADT" and event in ADT:
        return _admitted(message, source, here)
    if message.kind == "ORU^R01":
        return _added(message, source, here, _results)
    if message.kind in ("RDE^O11", "RDE^O25"):
        return _added(message, source, here, medication.prescriptions)
    if message.kind == "RAS^O17":
        return _added(message, source, here, medication.administrations)
    raise Hl7Error("unknown-kind")


def _admitted(message: Message, source: Hl7Source, here: Here) -> Taken:
    patient, person, numbers = _person(message, source, here, is_whole=True)
    visit = message.first("PV1")
    places = places_of(visit.raw(3) if visit else "", source)
    own_stay = stay_id(message, patient, source.name)
    known = here.resource("Encounter", own_stay) if own_stay else None
    stay = stay_of(message, patient, source.name, places.here, places.organisation, known)
    allergies = clinical.allergies_of(message, patient, source.name)
    diagnoses = clinical.diagnoses_of(message, patient, source.name, own_stay)
    gone = [*_gone(here, patient, "AllergyIntolerance", allergies)]
    gone += _gone(here, patient, "Condition", diagnoses, own_stay)
    made = [*places.resources, *person, *([stay] if stay else []), *(allergies or ()), *(diagnoses or ())]
    return Taken(_once(made), tuple(gone), numbers)


def _added(message: Message, source: Hl7Source, here: Here, read: Any) -> Taken:
    patient, person, numbers = _person(message, source, here, is_whole=False)
    return Taken(_once([*person, *read(message, patient, source.name)]), (), numbers)


def _results(message: Message, patient: str, source: str) -> list[Resource]:
    subject = {"subject": {"reference": f"Patient/{patient}"}}
    found = reports(message, source, lambda name, kind: made_id(source, name, kind))
    return [{**one, **subject} for each in found for one in (each.report, *each.observations)]


def _person(
    message: Message, source: Hl7Source, here: Here, *, is_whole: bool
) -> tuple[str, list[Resource], tuple[tuple[Number, str], ...]]:
    """The patient's id, the Patient where the message is to change it, and the numbers. A message that is
    about something else (a result) tells who somebody is only where nobody had."""
    person = message.first("PID")
    if person is None:
        raise Hl7Error("no-patient")
    numbers = numbers_of(person.repetitions(3), source.authority)
    found = known_patient(numbers, here.owners)
    patient = found or new_patient(source.name, numbers)
    known = here.resource("Patient", patient)
    wanted = is_whole or known is None
    made = [patient_of(person, patient, numbers, known)] if wanted else []
    return patient, made, tuple((number, patient) for number in numbers)


def _merged(message: Message, source: Hl7Source, here: Here) -> Taken:
    """A40: who was known by MRG-1 is who PID is. All that is of the former becomes the latter's."""
    former_segment = message.first("MRG")
    if former_segment is None:
        raise Hl7Error("no-former-number")
    patient, person, numbers = _person(message, source, here, is_whole=True)
    former_numbers = numbers_of(former_segment.repetitions(1), source.authority)
    if not former_numbers:
        raise Hl7Error("no-former-number")
    numbers += tuple((number, patient) for number in former_numbers)
    former = known_patient(former_numbers, here.owners)
    if former is None or former == patient:
        return Taken(tuple(person), (), numbers)
    return Taken(_once([*person, *_moved(here, former, patient)]), (), numbers, (former, patient))


def _moved(here: Here, former: str, patient: str) -> Iterator[Resource]:
    old, new = f"Patient/{former}", f"Patient/{patient}"
    for one in here.of_patient(former):
        if (one["resourceType"], one["id"]) == ("Patient", former):
            link = {"other": {"reference": new}, "type": "replaced-by"}
            yield {**one, "active": False, "link": [link]}
        else:
            yield _renamed(one, old, new)


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {
            key: new if (key, one) == ("reference", old) else _renamed(one, old, new)
            for key, one in value.items()
        }
    return [_renamed(one, old, new) for one in value] if isinstance(value, list) else value


def _gone(
    here: Here, patient: str, type_: str, listed: Sequence[Resource] | None, stay: str | None = None
) -> Iterator[tuple[str, str]]:
    """What was there and is not listed any more; of diagnoses, of this stay."""
    if listed is None:
        return
    kept = {one["id"] for one in listed}
    for one in here.of_patient(patient):
        about = one.get("encounter", {}).get("reference", "").partition("/")[2] or None
        if one["resourceType"] == type_ and one["id"] not in kept and about == stay:
            yield type_, one["id"]


def _once(made: Iterable[Resource]) -> tuple[Resource, ...]:
    """The last of each: a message may name one thing twice."""
    return tuple({(one["resourceType"], one["id"]): one for one in made}.values())
