"""A patient with a fuller chart than wards see: twenty stays like the last one, a month apart.

A page is to be quick for everybody, and is slowest for whoever is ill the longest. Their stays before are
made of the last one, so that each is as long and as mixed as a stay is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from altid.fhir import json

STAYS = 20
_DAYS_BETWEEN = 30
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d(?=[T\"])", re.ASCII)
_OVER = {
    "Encounter": "finished",
    "MedicationRequest": "completed",
    "ServiceRequest": "completed",
}
"""What is in force today was over by then."""
_REPEATED = (*_OVER, "DiagnosticReport", "DocumentReference", "MedicationAdministration", "Observation")

Bundle = dict[str, Any]


def of(patient: str, bundles: Iterable[Bundle]) -> Bundle:
    """The bundle of a patient, by id."""
    return next(each for each in bundles if _patient_of(each) == patient)


def before(bundle: Bundle, stays: int = STAYS) -> Iterator[Bundle]:
    """The stays before the one of a patient's bundle, each a bundle of its own."""
    entries = [each for each in bundle["entry"] if each["resource"]["resourceType"] in _REPEATED]
    for back in range(1, stays):
        yield {**bundle, "entry": _moved(entries, back)}


def _moved(entries: list[Any], back: int) -> list[Any]:
    names = {each["resource"]["id"] for each in entries}
    text = json.dumps(entries).decode()
    text = _DATE.sub(lambda found: _earlier(found[0], back * _DAYS_BETWEEN), text)
    text = re.sub(
        r'([/"])([A-Za-z0-9-]+)"',
        lambda found: f'{found[1]}{found[2]}-before-{back}"' if found[2] in names else found[0],
        text,
    )
    moved: list[Any] = json.loads(text.encode())
    for each in moved:
        kind = each["resource"]["resourceType"]
        if kind in _OVER:
            each["resource"]["status"] = _OVER[kind]
    return moved


def _earlier(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _patient_of(bundle: Bundle) -> str | None:
    resources = (each["resource"] for each in bundle["entry"])
    return next((str(each["id"]) for each in resources if each["resourceType"] == "Patient"), None)
