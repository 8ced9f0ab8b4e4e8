"""The data that the measurements stand on: patients with laboratory results, made from numbers alone.

Ids follow from the numbers, so that the load generator can ask for any of them without having been told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

LOINC = "http://loinc.org"
NUMBERS = "urn:oid:1.2.208.176.99.1"
REQUISITIONS = "urn:oid:1.2.208.176.99.2"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_CET = timezone(timedelta(hours=1))
_FIRST_DAY = datetime(2021, 1, 1, 7, 30, tzinfo=_CET)


class Analysis(NamedTuple):
    """A laboratory analysis with its unit and its normal range."""

    loinc: str
    npu: str
    text: str
    unit: str
    low: float
    high: float


ANALYSES = (
    Analysis("2823-3", "NPU03230", "P—Kalium", "mmol/L", 3.5, 4.6),
    Analysis("2951-2", "NPU03429", "P—Natrium", "mmol/L", 137.0, 145.0),
    Analysis("14682-9", "NPU04998", "P—Kreatinin", "umol/L", 45.0, 105.0),
    Analysis("59260-0", "NPU02319", "B—Hæmoglobin", "mmol/L", 7.3, 10.5),
    Analysis("1988-5", "NPU19748", "P—C-reaktivt protein", "mg/L", 0.0, 8.0),
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """`patients` patients, each with `repeats` results of each of the `analyses`."""

    patients: int
    analyses: int = len(ANALYSES)
    repeats: int = 9

    @property
    def resources(self) -> int:
        return self.patients * (1 + self.analyses * self.repeats)

    def bundles(self, first: int = 0, patients_per_bundle: int = 2) -> Iterator[dict[str, Any]]:
        """The patients from number `first` on as transaction bundles."""
        for start in range(first, self.patients, patients_per_bundle):
            numbers = range(start, min(start + patients_per_bundle, self.patients))
            yield transaction([entry for number in numbers for entry in self._entries(number)])

    def _entries(self, number: int) -> list[dict[str, Any]]:
        entries = [put(patient(number))]
        for analysis in range(self.analyses):
            entries += [put(observation(number, analysis, repeat)) for repeat in range(self.repeats)]
        return entries


def patient_id(number: int) -> str:
    return f"bench-{number}"


def observation_id(number: int, analysis: int, repeat: int) -> str:
    return f"bench-{number}-{analysis}-{repeat}"


def patient_identifier(number: int) -> str:
    """A number of our own making, so that it can be nobody's CPR number."""
    return f"P{number:08d}"


def patient(number: int) -> dict[str, Any]:
    dice = random.Random(number)
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    return {
        "resourceType": "Patient",
        "id": patient_id(number),
        "identifier": [{"use": "official", "system": NUMBERS, "value": patient_identifier(number)}],
        "active": True,
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": f"+45 {20000000 + number}", "use": "mobile"}],
        "gender": dice.choice(("male", "female")),
        "birthDate": f"{dice.randint(1930, 2020)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}",
        "address": [{"line": [f"Vestergade {number % 200}"], "city": "Aarhus C", "postalCode": "8000"}],
    }


def observation(number: int, analysis: int, repeat: int) -> dict[str, Any]:
    """Result `repeat` of an analysis for patient `number`, under its own id; about 1 kB."""
    dice = random.Random(number * 1000 + analysis * 100 + repeat)
    result = new_observation(number, analysis, dice, _FIRST_DAY + timedelta(days=97 * repeat + number % 90))
    return {"resourceType": "Observation", "id": observation_id(number, analysis, repeat), **result}


def new_observation(number: int, analysis: int, dice: random.Random, taken: datetime) -> dict[str, Any]:
    """A result without id, as a laboratory would send it."""
    kind = ANALYSES[analysis]
    span = kind.high - kind.low
    value = round(kind.low + span * dice.uniform(-0.2, 1.2), 1)
    flag = "L" if value < kind.low else "H" if value > kind.high else "N"
    return {
        "resourceType": "Observation",
        "identifier": [{"system": REQUISITIONS, "value": f"{dice.getrandbits(48):012x}"}],
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory", "display": "Laboratory"}]}],
        "code": {
            "coding": [
                {"system": LOINC, "code": kind.loinc},
                {"system": "urn:oid:1.2.208.176.2.1", "code": kind.npu, "display": kind.text},
            ],
            "text": kind.text,
        },
        "subject": {"reference": f"Patient/{patient_id(number)}"},
        "effectiveDateTime": taken.isoformat(),
        "issued": (taken + timedelta(minutes=95)).isoformat(),
        "performer": [{"display": "Klinisk Biokemisk Afdeling"}],
        "valueQuantity": {
            "value": value,
            "unit": kind.unit,
            "system": "http://unitsofmeasure.org",
            "code": kind.unit,
        },
        "interpretation": [{"coding": [{"system": _INTERPRETATION, "code": flag}]}],
        "referenceRange": [
            {"low": {"value": kind.low, "unit": kind.unit}, "high": {"value": kind.high, "unit": kind.unit}}
        ],
    }


def put(resource: dict[str, Any]) -> dict[str, Any]:
    """The entry of a transaction that stores the resource under its id."""
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def transaction(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


_GIVEN = (
    "Anne",
    "Bo",
    "Camilla",
    "Dorthe",
    "Erik",
    "Freja",
    "Gunnar",
    "Hanne",
    "Ib",
    "Jens",
    "Karen",
    "Lars",
)
_FAMILY = (
    "Andersen",
    "Bertelsen",
    "Christensen",
    "Dam",
    "Eriksen",
    "Frandsen",
    "Gregersen",
    "Holm",
    "Iversen",
)
