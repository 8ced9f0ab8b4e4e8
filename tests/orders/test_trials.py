"""The canary's trials at a real server, with a token that is good for its synthetic patient alone."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from altid.access.identity import Level, Role
from altid.access.programs import SCOPES, GivenToken, bearer
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.gateway.canary.probe import Probe, Seen
from altid.gateway.canary.trimming import trim_by
from altid.orders.receipt import order_id
from altid.orders.synthetic import canary_patient, is_test_order, medication_order
from altid.region.http import Answer, Connection
from guards import minted
from running import running_worker

PATIENT = canary_patient("A", "server-1")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def guarded(dsn: str) -> Iterator[int]:
    """The port of a server that lets nobody in without a token."""
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield int(address.rpartition(":")[2])


def _token(dsn: str, patient: str = PATIENT) -> str:
    subject = Subject(
        "altid", "altid canary", Role.SYSTEM, "", Level.HIGH, str(uuid.uuid4()), SCOPES["canary"], patient
    )
    return asyncio.run(minted(dsn, subject))


def _trials(port: int, token: str, count: int) -> list[Seen]:
    async def tried() -> list[Seen]:
        connections = [Connection("127.0.0.1", port) for _ in range(3)]
        probe = Probe("server-1", PATIENT, connections[0], connections[1:], GivenToken(token))
        try:
            return [await probe.trial() for _ in range(count)]
        finally:
            probe.close()

    return asyncio.run(tried())


def _ask(port: int, token: str, method: str, path: str, body: object = None, key: str = "") -> Answer:
    async def asked() -> Answer:
        connection = Connection("127.0.0.1", port)
        headers = {**bearer(token), "Content-Type": "application/fhir+json"}
        headers |= {"Idempotency-Key": key} if key else {}
        content = b"" if body is None else json.dumps(body).encode()
        try:
            return await connection.ask(method, path, content, headers, s_max=10.0)
        finally:
            connection.close()

    return asyncio.run(asked())


def test_a_server_that_is_well_passes_and_has_one_order_with_a_version_for_each_trial(
    dsn: str, guarded: int
) -> None:
    token = _token(dsn)
    assert [(seen.trial.fault, seen.detail) for seen in _trials(guarded, token, 3)] == [(None, "")] * 3
    assert [seen.trial.fault for seen in _trials(guarded, token, 2)] == [None] * 2  # a watcher started anew
    order = json.loads(
        _ask(guarded, token, "GET", f"/fhir/MedicationRequest/{order_id(f'canary-{PATIENT}')}").body
    )
    assert order["meta"]["versionId"] == "6"
    assert is_test_order(order)


def test_its_token_opens_nobody_else(dsn: str, guarded: int) -> None:
    other = _token(dsn, "somebody")
    assert _ask(guarded, other, "PUT", "/fhir/Patient/somebody", _patient("somebody")).status == 201
    token = _token(dsn)
    assert _ask(guarded, token, "GET", "/fhir/Patient/somebody").status in (403, 404)
    assert _ask(guarded, token, "PUT", "/fhir/Patient/another", _patient("another")).status == 403
    order = {"resourceType": "MedicationRequest", "status": "draft", "intent": "order"}
    order |= {"subject": {"reference": "Patient/somebody"}}
    order |= {"medicationCodeableConcept": {"text": "paracetamol"}}
    assert _ask(guarded, token, "POST", "/orders", order, str(uuid.uuid4())).status == 403
    assert _ask(guarded, token, "POST", "/fhir/MedicationRequest", order).status == 403


def _patient(id_: str) -> dict[str, str]:
    return {"resourceType": "Patient", "id": id_}


def test_old_versions_of_test_orders_are_taken_away_and_nothing_else(dsn: str, guarded: int) -> None:
    _trials(guarded, _token(dsn), 4)
    everybody = _token_of_everything(dsn)
    others = _ask(guarded, everybody, "PUT", "/fhir/Patient/trim", _patient("trim"))
    assert others.status == 201
    for day in (1, 2):
        tagged = medication_order("trim", f"v{day}", NOW, starts=NOW + timedelta(days=2 * day), is_test=True)
        assert _ask(guarded, everybody, "POST", "/orders", tagged, f"trim-{day}").status == 201
    before = asyncio.run(_counted(dsn))

    async def trimmed() -> int:
        session = await asyncpg.connect(dsn)
        try:
            return await trim_by(session, timedelta(0))
        finally:
            await session.close()

    taken = asyncio.run(trimmed())
    assert taken >= 4
    assert asyncio.run(_counted(dsn)) == tuple(count - taken for count in before)
    seen = _trials(guarded, _token(dsn), 1)
    assert seen[0].trial.fault is None


async def _counted(dsn: str) -> tuple[int, ...]:
    session = await asyncpg.connect(dsn)
    try:
        tables = ("resource_history", "change", "order_key")
        return tuple([await session.fetchval(f"SELECT count(*) FROM {table}") for table in tables])
    finally:
        await session.close()


def _token_of_everything(dsn: str) -> str:
    whom = Subject("test", "Test", Role.SYSTEM, "", Level.HIGH, str(uuid.uuid4()), ("system/*.cruds",))
    return asyncio.run(minted(dsn, whom))
