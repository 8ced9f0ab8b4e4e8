"""A hospital around the data of the measurements: wards, whom they have, and the doctors who work there."""

from __future__ import annotations

import functools
import random
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson

from altid.access.identity import Level, Role
from altid.access.keys import KeySet
from altid.access.settings import AccessSettings
from altid.access.tokens import Subject, issue
from benchmarks.dataset import patient_id, put, transaction
from benchmarks.load import Request, Workload
from benchmarks.response import Response
from benchmarks.workloads import WORKLOADS, Source

BEDS = 20
"""Patients of a ward."""
HOSPITAL, _REGION = "hospital", "region"
_SOR = "urn:oid:1.2.208.176.1.1"


def ward_id(number: int) -> str:
    return f"ward-{number}"


def bundle(patients: int) -> dict[str, Any]:
    """A transaction with the region, its hospital, the wards, and each patient admitted to one of them."""
    return transaction([put(resource) for resource in _resources(patients)])


def _resources(patients: int) -> Iterator[dict[str, Any]]:
    yield _organisation(_REGION, None)
    yield _organisation(HOSPITAL, _REGION)
    for number in range(_wards(patients)):
        yield _organisation(ward_id(number), HOSPITAL)
    for number in range(patients):
        yield {
            "resourceType": "Encounter",
            "id": f"stay-{number}",
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": {"reference": f"Patient/{patient_id(number)}"},
            "period": {"start": "2026-01-04T10:00:00Z"},
            "serviceProvider": {"reference": f"Organization/{ward_id(number // BEDS)}"},
        }


def _organisation(id_: str, above: str | None) -> dict[str, Any]:
    part = {"partOf": {"reference": f"Organization/{above}"}} if above else {}
    return {
        "resourceType": "Organization",
        "id": id_,
        "identifier": [{"system": _SOR, "value": id_}],
        "name": id_,
        **part,
    }


def _wards(patients: int) -> int:
    return -(-patients // BEDS)


def doctors(keys: KeySet, settings: AccessSettings, count: int, now_s: float) -> list[str]:
    """Tokens of doctors who work at the hospital, and so have grounds for all its patients."""
    rng = random.Random(5)
    return [_token(keys, settings, rng, now_s, Role.DOCTOR, ()) for _ in range(count)]


def loader(keys: KeySet, settings: AccessSettings, now_s: float) -> str:
    """A token of a system that may do everything."""
    return _token(keys, settings, random.Random(6), now_s, Role.SYSTEM, ("system/*.cruds",))


def _token(
    keys: KeySet,
    settings: AccessSettings,
    rng: random.Random,
    now_s: float,
    role: Role,
    scopes: tuple[str, ...],
) -> str:
    subject = Subject(
        id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        name="Anne Holm",
        role=role,
        organisation=HOSPITAL,
        level=Level.SUBSTANTIAL,
        session=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        scopes=scopes,
    )
    return issue(subject, keys.signing(), settings, now_s, rng, life_s=6 * 3600.0)[0]


def ward_list(source: Source) -> Workload:
    """Who lies in a ward: its admissions, with the patients."""

    def next_request() -> Request:
        number = source.dice.randrange(_wards(source.data.patients))
        provider = quote(f"Organization/{ward_id(number)}", safe="")
        path = f"/Encounter?service-provider={provider}&status=in-progress&_include=Encounter:patient"
        check = functools.partial(_check_ward, min(BEDS, source.data.patients))
        return Request("ward", source.get(path), 200, check)

    return next_request


def _check_ward(beds: int, response: Response) -> str | None:
    entries = orjson.loads(response.body).get("entry", [])
    types = [entry["resource"]["resourceType"] for entry in entries]
    if types.count("Encounter") != beds or types.count("Patient") != beds:
        return f"{types.count('Encounter')} admissions and {types.count('Patient')} patients of {beds}"
    return None


WORK = {"read": WORKLOADS["read"], "search": WORKLOADS["search"], "ward": ward_list}
"""What is asked in a clinician's name."""


def asked(work: str, source: Source, tokens: list[str]) -> Workload:
    """Work of `WORK`, each request in the name of another."""
    each = [WORK[work](source._replace(token=token)) for token in tokens]

    def next_request() -> Request | None:
        return source.dice.choice(each)()

    return next_request
