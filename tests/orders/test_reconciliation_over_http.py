"""What was reconciled, over HTTP: who sees whose orders; and journals that another host's servers tell."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from altid.access.identity import Level, Role
from altid.access.programs import SCOPES, bearer
from altid.access.tokens import Subject
from altid.orders import reading
from altid.orders.gathering import Journals, Site, gather
from altid.orders.policy import OPERATORS, READERS
from altid.orders.proofs.keeping import add
from altid.orders.reconcile import reconcile
from altid.orders.verdict import Ward
from altid.record.postgres import Cluster
from altid.region import intents
from altid.region.builtin import builtin_region
from running import make_database
from tests.access.auditing import sql
from tests.guards import EVERYTHING, SECRET, minted

from .ordering import WARD, bundle, medication
from .test_reconcile import NOON, evidence, identity, promise
from .test_rights import OTHERS, OURS, PEOPLE, people, post, server, system

__all__ = ["people", "server", "system"]

SINCE, UNTIL = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def proven(dsn: str) -> None:
    """Two orders that are lost: of one patient whom everybody here may see, and of one whom nobody may."""
    lost = [promise(1, patient=OURS), promise(2, patient=OTHERS)]
    found = reconcile(evidence(lost)).placed({identity(n): Ward("Hospitalet", "O1") for n in (1, 2)})

    async def work() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                await add(connection, SECRET, found, NOON, "itself at A")
        finally:
            await connection.close()

    asyncio.run(work())


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.usefixtures("proven")
def test_patients_are_told_to_those_with_grounds_and_keys_to_whoever_oversees(
    people: dict[Role, httpx.Client], role: Role
) -> None:
    answer = people[role].get("/orders/reconciliation")
    if role not in OPERATORS:
        assert answer.status_code == 403
        return
    told = answer.json()
    assert (told["alarm"], told["evidence"][0]["uncertain"], told["altered"]) == (True, 2, [])
    found = told["reconciliation"]
    assert found["affected"] == [{"hospital": "Hospitalet", "ward": "O1", "patients": 2, "orders": 2}]
    named = {one["key"]: one.get("patient") for one in found["uncertain"]}
    everybody = {"k1": OURS, "k2": OTHERS}
    expected = {**everybody, "k2": None} if role in READERS else dict.fromkeys(everybody)
    assert named == (everybody if role is Role.AUDITOR else expected)
    assert ("Anne Holm" in answer.text) is (role in READERS)


@pytest.mark.usefixtures("proven")
def test_each_look_is_in_the_audit(people: dict[Role, httpx.Client], dsn: str) -> None:
    people[Role.DOCTOR].get("/orders/reconciliation").raise_for_status()
    query = "SELECT convert_from(body, 'UTF8') AS event FROM audit"
    for _ in range(200):
        looks = [row["event"] for row in sql(dsn, query) if '"reconciliation"' in row["event"]]
        if any(OURS in look and OTHERS not in look for look in looks):
            return
        asyncio.run(asyncio.sleep(0.05))
    raise AssertionError("the look was not told")


@pytest.mark.usefixtures("proven")
def test_health_tells_of_the_uncertain(server: str) -> None:
    tolds = [
        httpx.get(f"{server}/health/orders", timeout=30).json() for _ in range(2)
    ]  # the second from memory
    told = tolds[1]
    assert told["reconciled"] == tolds[0]["reconciled"]
    assert told["alarms"] == ["uncertain"]
    assert (told["reconciled"]["uncertain"], told["reconciled"]["alarm"]) == (2, True)


class _Known:
    def __init__(self, dsn: str, *scopes: str) -> None:
        whom = Subject("loader", "Test", Role.SYSTEM, WARD, Level.HIGH, str(uuid.uuid4()), scopes)
        self._token = asyncio.run(minted(dsn, whom, life_s=3600))

    async def token(self) -> str:
        return self._token

    async def headers(self) -> dict[str, str]:
        return bearer(self._token)


def asked(server: str, dsn: str, site: str = "A", scopes: tuple[str, ...] = SCOPES["reconcile"]) -> Journals:
    """The journals of the site whose gateway that server is taken for."""
    host, _, port = server.removeprefix("http://").rpartition(":")
    there = replace(builtin_region().sites[0], name=site, host=host, gateway=int(port))
    tls: Any = None
    return asyncio.run(_ask(there, tls, _Known(dsn, *scopes)))


async def _ask(there: Any, tls: Any, known: _Known) -> Journals:
    return await intents.intents_of(there, tls, known)(SINCE, UNTIL)


@pytest.fixture(scope="module")
def signed(system: httpx.Client) -> list[str]:
    keys = [str(uuid.uuid4()) for _ in range(3)]
    for key in keys:
        post(system, "", medication(patient_=OTHERS), **{"idempotency-key": key}).raise_for_status()
    whole = str(uuid.uuid4())
    post(system, "", bundle(medication(patient_=OURS)), **{"idempotency-key": whole}).raise_for_status()
    held = {"client": "b-1", "held": [{"key": "held-by-a-browser", "patient": OURS}]}
    system.post("/orders/outboxes", json=held).raise_for_status()
    return [*keys, f"{whole}#1"]


def test_journals_of_another_host_are_read_at_its_servers(
    server: str, dsn: str, signed: list[str], tmp_path: Any
) -> None:
    told = asked(server, dsn)
    assert told.is_whole
    assert set(signed) <= {one.key for one in told.promises}
    assert [one.key for one in told.held] == ["held-by-a-browser"]

    async def reconciled() -> Any:
        async def ask(_since: datetime, _until: datetime) -> Journals:
            return told

        connection = await asyncpg.connect(dsn)
        try:
            site = Site("A", tmp_path / "elsewhere", connection, ask)
            return reconcile(await gather([site], SECRET, SINCE, UNTIL))
        finally:
            await connection.close()

    found = asyncio.run(reconciled())
    assert [one.key for one in found.uncertain] == ["held-by-a-browser"]
    assert found.unread == ()
    assert found.counts.intents == len(told.promises)


def test_what_is_too_much_for_one_answer_is_asked_for_in_pieces(
    server: str, dsn: str, signed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "NOTED_MAX", 2)
    monkeypatch.setattr(intents, "_HALVED_MAX", 14)
    in_pieces, whole = asked(server, dsn), reading.NOTED_MAX
    assert whole > len(signed)
    assert {one.key for one in in_pieces.promises} >= set(signed)
    assert len({one.identity for one in in_pieces.promises}) == len(in_pieces.promises)


@pytest.mark.usefixtures("signed")
def test_another_sites_answer_a_refusal_and_silence_are_not_taken_for_its_journals(
    server: str, dsn: str
) -> None:
    nothing = Journals((), (), is_whole=False)
    assert asked(server, dsn, site="B") == nothing
    assert asked(server, dsn, scopes=("system/Patient.r",)) == nothing
    assert asked("http://127.0.0.1:1", dsn) == nothing
    assert asked(server, dsn, scopes=(EVERYTHING,)).is_whole
