"""One person: who they are, how they are ill in everyday life, and the Patient resource."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from altid.sample import allergies, cpr, names, places
from altid.sample.allergies import Allergy, Cave
from altid.sample.chart import Chart
from altid.sample.coding import DK_CORE, DK_CORE_CODES, HL7, Resource, coded, reference
from altid.sample.cpr import CPR_SYSTEM, Sex
from altid.sample.dice import Dice
from altid.sample.diseases import Disease, fall_ill
from altid.sample.laboratory import Usual, usual_values
from altid.sample.moments import stamp, years_between

PROTECTED_EVERY = 97
PROTECTED_FIRST = 7
"""Patients 7, 104, 201 ... have *navne- og adressebeskyttelse*: name and address are not to be told."""


class Person(NamedTuple):
    """Somebody with a CPR number. `avoids`: beginnings of ATC codes, and regimens, that are not for them."""

    number: int
    reference: Resource
    name: names.Name
    sex: Sex
    born: date
    age: int
    cpr: str
    height_cm: int
    weight_kg: float
    practice: int
    cave: Cave
    allergies: tuple[Allergy, ...]
    diseases: tuple[Disease, ...]
    usual: Usual
    avoids: tuple[str, ...]
    protected: bool

    @property
    def pronoun(self) -> str:
        return "kvinde" if self.sex == "female" else "mand"


def born(
    dice: Dice,
    identity: str,
    index: int,
    now: datetime,
    age: int,
    sex: Sex,
    required: tuple[str, ...],
    without: tuple[str, ...],
) -> Person:
    """The person of that age (in whole years at `now`), with the diseases that their story needs."""
    birthday = cpr.birthday(index, now.year - age)
    if years_between(birthday, now.date()) < age:
        birthday = birthday.replace(year=birthday.year - 1)
    diseases = fall_ill(dice, age, sex, required, without)
    cave = allergies.state(index)
    suffered = allergies.suffered(dice, cave)
    height, weight = _body(dice, sex, age)
    name = names.name(dice, sex, birthday.year)
    return Person(
        number=index,
        reference=reference(f"Patient/{identity}", name.text),
        name=name,
        sex=sex,
        born=birthday,
        age=age,
        cpr=cpr.cpr(index, birthday, sex),
        height_cm=height,
        weight_kg=weight,
        practice=dice.whole(0, len(places.PRACTICES) - 1),
        cave=cave,
        allergies=suffered,
        diseases=diseases,
        usual=usual_values(dice, sex, age, diseases),
        avoids=(*_avoided(suffered), *_avoided(diseases)),
        protected=index % PROTECTED_EVERY == PROTECTED_FIRST,
    )


def _avoided(sources: tuple[Allergy, ...] | tuple[Disease, ...]) -> list[str]:
    return [avoided for source in sources for avoided in source.avoids]


def _body(dice: Dice, sex: Sex, age: int) -> tuple[int, float]:
    """Height in cm and weight in kg; the old are shorter and lighter."""
    height = dice.about(167 if sex == "female" else 180, 5) - max(0, age - 70) * 0.12
    index = dice.about(26.5, 3) - max(0, age - 75) * 0.1
    return round(height), round(index * (height / 100) ** 2, 1)


def write(chart: Chart, dice: Dice, region: str, person: Person, died: datetime | None) -> None:
    """The Patient resource (dk-core-patient)."""
    address = names.address(dice)
    elements: Resource = {
        "identifier": [{"use": "official", "system": CPR_SYSTEM, "value": person.cpr}],
        "active": True,
        "name": [
            {
                "use": "official",
                "text": person.name.text,
                "family": person.name.family,
                "given": list(person.name.given),
            }
        ],
        "telecom": [{"system": "phone", "value": names.phone(dice), "use": "mobile"}],
        "gender": person.sex,
        "birthDate": person.born.isoformat(),
        "address": [_address(address)],
        "maritalStatus": coded(f"{HL7}/v3-MaritalStatus", _marital_status(dice, person.age)),
        "contact": [_next_of_kin(dice, person)],
        "communication": [{"language": coded("urn:ietf:bcp:47", "da", "Danish"), "preferred": True}],
        "generalPractitioner": [places.practice_reference(region, person.practice)],
        "managingOrganization": reference(f"Organization/{region}-region", places.REGION_NAME),
    }
    if died:
        elements["deceasedDateTime"] = stamp(died)
    chart.add("Patient", elements)
    if person.protected:
        chart.resources[-1]["meta"]["security"] = [
            {"system": f"{HL7}/v3-Confidentiality", "code": "R", "display": "restricted"}
        ]


def _address(address: names.Address) -> Resource:
    town = address.town
    return {
        "extension": [
            {
                "url": f"{DK_CORE}/dk-core-municipalityCodes",
                "valueCodeableConcept": coded(
                    f"{DK_CORE_CODES}/dk-core-municipality-codes", town.municipality, town.municipality_name
                ),
            },
            {
                "url": f"{DK_CORE}/dk-core-RegionalSubDivisionCodes",
                "valueCodeableConcept": coded(
                    f"{DK_CORE_CODES}/dk-core-regional-subdivision-codes", places.REGION_CODE
                ),
            },
        ],
        "use": "home",
        "type": "physical",
        "line": [address.line],
        "city": town.city,
        "postalCode": town.postcode,
        "country": "DK",
    }


def _marital_status(dice: Dice, age: int) -> str:
    """HL7 codes: M married, U unmarried, D divorced, W widowed."""
    if age < 35:
        return dice.weighted(("U", "M"), (7, 3))
    if age < 70:
        return dice.weighted(("M", "U", "D", "W"), (55, 20, 20, 5))
    return dice.weighted(("M", "U", "D", "W"), (42, 6, 12, 40))


def _next_of_kin(dice: Dice, person: Person) -> Resource:
    sex: Sex = "female" if dice.chance(0.55) else "male"
    kin = names.name(dice, sex, dice.whole(1960, 1995))
    family = person.name.family if dice.chance(0.6) else kin.family
    text = " ".join((*kin.given, family))
    return {
        "relationship": [
            {
                "coding": [{"system": f"{HL7}/v2-0131", "code": "N", "display": "Next-of-Kin"}],
                "text": "Pårørende",
            }
        ],
        "name": {"text": text, "family": family, "given": list(kin.given)},
        "telecom": [{"system": "phone", "value": names.phone(dice), "use": "mobile"}],
        "gender": sex,
    }
