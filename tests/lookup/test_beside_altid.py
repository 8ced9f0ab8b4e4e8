"""A real FHIR server on a real database, followed from outside by what any other server is followed by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from altid.api.settings import FhirSettings
from altid.lookup.beside.fhir.asking import Asker
from altid.lookup.beside.fhir.polling import Poller
from altid.lookup.beside.naming import own_id
from altid.lookup.beside.sources import FhirSource, Login
from altid.record.postgres import Cluster
from tests.guards import EVERYTHING, token
from tests.lookup.beside_store import StandIn
from tests.running import make_database, running_worker

PEOPLE = 30


def test_a_real_server_is_followed_resource_by_resource(postgres: Cluster, tmp_path: Path) -> None:
    dsn = make_database(postgres)
    (tmp_path / "token").write_text(token(dsn, scopes=(EVERYTHING,)))
    with running_worker(dsn, FhirSettings()) as address:
        source = FhirSource(
            "epj", f"{address}/fhir", Login("bearer", tmp_path / "token"), types=TYPES, page_count=7
        )
        store = StandIn()
        with httpx.Client(base_url=source.url, timeout=30) as client:
            people = [_made(client, number) for number in range(PEOPLE)]
            asyncio.run(_rounds(store, source, lambda: _change(client, people)))
            assert _here(store) == _there(client)
        assert store.here()[f"Observation/{own_id('epj', people[0][1])}"]["subject"] == {
            "reference": f"Patient/{own_id('epj', people[0][0])}"
        }


TYPES = ("Patient", "Observation")


async def _rounds(store: StandIn, source: FhirSource, change: Callable[[], None]) -> None:
    asker = Asker(source)
    try:
        poller = Poller(store, asker)
        await poller.round()
        await asyncio.to_thread(change)
        await poller.round()
    finally:
        await asker.close()


def _made(client: httpx.Client, number: int) -> tuple[str, str]:
    patient = _post(client, {"resourceType": "Patient", "name": [{"family": f"F{number}"}]})
    subject = {"reference": f"Patient/{patient}"}
    code = {"text": "Weight"}
    return patient, _post(
        client, {"resourceType": "Observation", "status": "final", "code": code, "subject": subject}
    )


def _change(client: httpx.Client, people: list[tuple[str, str]]) -> None:
    """Some changed, some deleted, one new."""
    for patient, _ in people[:5]:
        body = {"resourceType": "Patient", "id": patient, "gender": "other"}
        assert client.put(f"/Patient/{patient}", json=body).status_code == 200
    for _, observation in people[5:10]:
        assert client.delete(f"/Observation/{observation}").status_code == 204
    _made(client, PEOPLE)


def _post(client: httpx.Client, resource: dict[str, Any]) -> str:
    answer = client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201
    made: str = answer.json()["id"]
    return made


def _there(client: httpx.Client) -> dict[str, str]:
    found = {}
    for type_ in TYPES:
        bundle = client.get(f"/{type_}", params={"_count": "500"}).json()
        for one in bundle["entry"]:
            found[f"{type_}/{one['resource']['id']}"] = one["resource"]["meta"]["versionId"]
    return found


def _here(store: StandIn) -> dict[str, str]:
    return {key.replace("epj.", ""): one["meta"]["versionId"] for key, one in store.here().items()}
