"""Whoever admits or books somebody without other grounds is followed up, by whatever way they wrote it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from altid.access.identity import Level, Role
from altid.access.overrides import Override, still_open
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from rights import hospital
from rights.hospital import ACCOUNT, OTHER_WARD, WARD, Resource
from running import make_database, running_worker
from tests.guards import EVERYTHING, bearer, minted

_WAIT_S_MAX = 30.0
_numbers = itertools.count()


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield f"{address}/fhir"


@pytest.fixture(scope="module")
def system(dsn: str, server: str) -> Iterator[httpx.Client]:
    yield from _client(dsn, server, Role.SYSTEM, EVERYTHING)


@pytest.fixture(scope="module")
def nurse(dsn: str, server: str, system: httpx.Client) -> Iterator[httpx.Client]:
    for content in hospital.organisations():
        _put(system, content)
    yield from _client(dsn, server, Role.NURSE)


def _client(dsn: str, server: str, role: Role, *scopes: str) -> Iterator[httpx.Client]:
    subject = Subject(ACCOUNT, role.value, role, WARD, Level.HIGH, "s", scopes)
    token = bearer(asyncio.run(minted(dsn, subject, life_s=3600)))
    with httpx.Client(base_url=server, headers=token, timeout=30) as client:
        yield client


@pytest.fixture
def patient(system: httpx.Client) -> str:
    """Nobody's here."""
    id_ = f"p{next(_numbers)}"
    _put(system, {"resourceType": "Patient", "id": id_})
    _put(system, {**hospital.resource("Observation", id_), "id": f"o{id_}"})
    return id_


def _put(client: httpx.Client, content: Resource) -> None:
    answer = client.put(f"/{content['resourceType']}/{content['id']}", json=content)
    assert answer.status_code in (200, 201), answer.text


def _encounter(patient: str, ward: str = WARD) -> Resource:
    return {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:test", "value": patient}],
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/o{ward}"},
    }


def _appointment(patient: str) -> Resource:
    actor = {"reference": f"Patient/{patient}"}
    participant = [{"actor": actor, "status": "accepted"}]
    return {"resourceType": "Appointment", "status": "booked", "participant": participant}


def _kept(dsn: str, patient: str) -> list[Override]:
    async def work() -> list[Override]:
        connection = await asyncpg.connect(dsn)
        try:
            return [one for one in await still_open(connection) if one.patient == patient]
        finally:
            await connection.close()

    return asyncio.run(work())


def _wait_until_shown(client: httpx.Client, patient: str) -> None:
    """What is known of a place may be some tenths of a second old, also before a refusal."""
    until = time.monotonic() + _WAIT_S_MAX
    while client.get(f"/Observation/o{patient}").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def _bundle(kind: str, content: Resource, **request: str) -> Resource:
    entry = {"resource": content, "request": {"method": "POST", "url": content["resourceType"], **request}}
    return {"resourceType": "Bundle", "type": kind, "entry": [entry]}


Way = Callable[[httpx.Client, str], httpx.Response]
WAYS: dict[str, Way] = {
    "create": lambda client, patient: client.post("/Encounter", json=_encounter(patient)),
    "book": lambda client, patient: client.post("/Appointment", json=_appointment(patient)),
    "conditional create": lambda client, patient: client.post(
        "/Appointment",
        json=_appointment(patient),
        headers={"if-none-exist": f"patient=Patient/{patient}&identifier=urn:test|x"},
    ),
    "batch": lambda client, patient: client.post("/", json=_bundle("batch", _encounter(patient))),
    "transaction": lambda client, patient: client.post("/", json=_bundle("transaction", _encounter(patient))),
}


def test_a_condition_about_somebody_else_hides_nothing(
    nurse: httpx.Client, dsn: str, patient: str, system: httpx.Client
) -> None:
    """A conditional update that finds nothing creates, and its content may name another patient."""
    mine = f"mine-{patient}"
    _put(system, {"resourceType": "Patient", "id": mine})
    _put(system, {**hospital.resource("Observation", mine), "id": f"o{mine}"})
    _put(system, {**_encounter(mine), "id": f"e{mine}"})
    _wait_until_shown(nurse, mine)
    criteria = {"patient": f"Patient/{mine}", "identifier": "urn:test|none"}
    answer = nurse.put("/Encounter", params=criteria, json=_encounter(patient))
    assert answer.status_code == 201, answer.text
    assert [one.kind for one in _kept(dsn, patient)] == ["incomplete-relation"]


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"conditional create"}))
def test_who_makes_the_grounds_themselves_is_followed_up(
    nurse: httpx.Client, dsn: str, patient: str, way: str
) -> None:
    assert nurse.get(f"/Observation/o{patient}").status_code == 404
    answer = WAYS[way](nurse, patient)
    assert answer.status_code in (200, 201), answer.text
    (kept,) = _kept(dsn, patient)
    assert (kept.account, kept.organisation, kept.kind) == (ACCOUNT, WARD, "incomplete-relation")
    assert kept.reason.startswith(("Oprettede Encounter/", "Oprettede Appointment/"))
    assert kept.began == kept.until


def test_the_admission_is_what_opens(nurse: httpx.Client, dsn: str, patient: str) -> None:
    assert nurse.post("/Encounter", json=_encounter(patient, OTHER_WARD)).status_code == 201
    assert len(_kept(dsn, patient)) == 1
    assert nurse.get(f"/Observation/o{patient}").status_code == 404
    assert nurse.post("/Encounter", json=_encounter(patient)).status_code == 201
    _wait_until_shown(nurse, patient)


def test_who_has_grounds_is_not(nurse: httpx.Client, dsn: str, patient: str, system: httpx.Client) -> None:
    _put(system, {**_encounter(patient), "id": f"e{patient}"})
    _wait_until_shown(nurse, patient)
    for way in WAYS.values():
        answer = way(nurse, patient)
        assert answer.status_code in (200, 201), answer.text
    assert _kept(dsn, patient) == []


def test_a_system_is_not(system: httpx.Client, dsn: str, patient: str) -> None:
    assert system.post("/Encounter", json=_encounter(patient)).status_code == 201
    assert _kept(dsn, patient) == []


def test_what_is_sent_again_is_kept_once(nurse: httpx.Client, dsn: str, patient: str) -> None:
    answers = [
        nurse.post("/Encounter", json=_encounter(patient), headers={"idempotency-key": f"k-{patient}"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len(_kept(dsn, patient)) == 1


def test_what_was_refused_keeps_nothing(nurse: httpx.Client, dsn: str, patient: str) -> None:
    bundle: Any = _bundle("transaction", _encounter(patient))
    bundle["entry"].append({"request": {"method": "GET", "url": "Observation/nowhere"}})
    assert nurse.post("/", json=bundle).status_code == 404
    assert _kept(dsn, patient) == []


def test_an_admission_opens_nothing_to_whom_the_patient_has_blocked(
    nurse: httpx.Client, dsn: str, patient: str
) -> None:
    async def block() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(hospital.BLOCK, patient, ACCOUNT, None, None)
        finally:
            await connection.close()

    asyncio.run(block())
    assert nurse.post("/Encounter", json=_encounter(patient)).status_code == 201
    assert nurse.get(f"/Observation/o{patient}").status_code == 404
    assert len(_kept(dsn, patient)) == 1
