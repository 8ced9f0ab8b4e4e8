"""What reconciliation reads: journals, tables, outboxes and wards, of one site and of two that differ."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.fhir import json
from altid.orders.gathering import Site, gather
from altid.orders.intent import Held
from altid.orders.outboxes import Unconfirmed, tell
from altid.orders.reconcile import reconcile
from altid.orders.recovery import planned_again
from altid.orders.todo import Why
from altid.orders.verdict import Reconciliation, Ward
from altid.orders.whereabouts import patient_names, wards
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE
from altid.record.write import create
from altid.record.write_key import new_key
from running import make_database
from tests.access.auditing import SECRET, alter_last_byte

from .ordering import PATIENT, medication, patient
from .test_recovery import Stage, dead, intent, opened, staged

NOW = datetime.now(UTC)
SINCE, UNTIL = NOW - timedelta(hours=2), NOW + timedelta(hours=2)
TAG = {"tag": [{"system": "https://altid.dk/fhir/tag", "code": "test-order"}]}


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture
def other(postgres: Cluster) -> str:
    """Another site's database, which nothing is replicated to."""
    return make_database(postgres)


def reconciled(*sites: tuple[str, Path, str | None]) -> Reconciliation:
    async def run() -> Reconciliation:
        async with AsyncExitStack() as stack:
            opened_ = []
            for name, folder, dsn in sites:
                connection = None
                if dsn is not None:
                    connection = await asyncpg.connect(dsn)
                    stack.push_async_callback(connection.close)
                opened_.append(Site(name, folder, connection))
            found = reconcile(await gather(opened_, SECRET, SINCE, UNTIL))
            there = next(site.connection for site in opened_ if site.connection is not None)
            return found.placed(await wards(there, found.uncertain))

    return asyncio.run(run())


def on(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def register(dsn: str, folder: Path, *keys: str) -> None:
    async def work(stage: Stage) -> None:
        for key in keys:
            await stage.registrar.register([planned_again(intent(key))])

    staged(dsn, folder, work)


def whys(found: Reconciliation) -> list[tuple[str, Why]]:
    return [(one.key, one.why) for one in found.uncertain]


def test_what_is_registered_is_certain_and_what_died_is_not(dsn: str, tmp_path: Path) -> None:
    register(dsn, tmp_path, "one", "two")
    asyncio.run(dead(tmp_path, intent("three")))
    found = reconciled(("A", tmp_path, dsn))
    assert whys(found) == [("three", Why.NO_OUTCOME)]
    assert (found.counts.intents, found.counts.registered, found.unread) == (3, 2, ())
    assert found.digests[0].count == 2


def test_a_version_that_is_gone_is_lost_though_its_key_is_there(
    postgres: Cluster, dsn: str, tmp_path: Path
) -> None:
    register(dsn, tmp_path, "one", "two")
    lose = "DELETE FROM resource WHERE rid = (SELECT rid FROM order_key ORDER BY position LIMIT 1)"
    owner = dsn.replace(f"://{APP_ROLE}@", f"://{postgres.superuser}@")
    on(owner, lambda connection: connection.execute(lose))  # servers themselves may not
    assert whys(reconciled(("A", tmp_path, dsn))) == [("one", Why.LOST)]


def test_a_version_that_was_changed_since_still_has_its_digest(dsn: str, other: str, tmp_path: Path) -> None:
    first = intent("first")

    async def change(stage: Stage) -> None:
        await stage.registrar.register([planned_again(first)])
        for _ in range(2):
            later = replace(intent(str(uuid.uuid4())), id=first.id, expected=None)
            await stage.registrar.register([planned_again(later)])

    async def once(stage: Stage) -> None:
        await stage.registrar.register([planned_again(first)])

    (tmp_path / "A").mkdir()
    (tmp_path / "B").mkdir()
    staged(dsn, tmp_path / "A", change)
    staged(other, tmp_path / "B", once)
    found = reconciled(("A", tmp_path / "A", dsn), ("B", tmp_path / "B", other))
    assert [one.why for one in found.uncertain] == [Why.ONE_SITE] * 2
    assert not found.sites_agree


def test_sites_that_hold_the_same_have_the_same_digest(dsn: str, tmp_path: Path) -> None:
    register(dsn, tmp_path, "one", "two")
    found = reconciled(("A", tmp_path, dsn), ("B", tmp_path, dsn))
    assert found.sites_agree
    assert whys(found) == []


def test_test_orders_are_left_out(dsn: str, tmp_path: Path) -> None:
    one = intent("tried")
    content = json.dumps({**medication(), "id": one.id, "meta": TAG}).decode()

    async def work(stage: Stage) -> None:
        await stage.registrar.register([planned_again(replace(one, content=content))])

    staged(dsn, tmp_path, work)
    asyncio.run(dead(tmp_path, replace(intent("tried-too"), content=content)))
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path, tmp_path / "empty"):
        found = reconciled(("A", folder, dsn))
        assert (found.uncertain, found.counts.registered, found.counts.intents) == ((), 0, 0)


def test_what_a_browser_holds_is_found_in_the_record_and_in_journals(dsn: str, tmp_path: Path) -> None:
    register(dsn, tmp_path, "known")

    async def told(connection: Any) -> None:
        held = [Unconfirmed("known"), Unconfirmed("table", "p1", "MedicationRequest", "sign", "O1")]
        await tell(connection, "a-1", "ward", "browser-1", held)
        await tell(connection, "a-1", "ward", "browser-2", [Unconfirmed("released")])
        await tell(connection, "a-1", "ward", "browser-2", [])

    async def note() -> None:
        notebook = opened(tmp_path)
        notebook.start()
        await notebook.hold(Held(round(NOW.timestamp() * 1e6), "a-1", "w", ("journal", "known"), ("", "")))
        await notebook.close()

    on(dsn, told)
    asyncio.run(note())
    found = reconciled(("A", tmp_path, dsn))
    assert sorted(whys(found)) == [("journal", Why.UNSEEN), ("table", Why.UNSEEN)]
    (one,) = [one for one in found.uncertain if one.key == "table"]
    assert (one.patient, one.action, one.ward.ward) == ("p1", "sign", "O1")


def test_what_can_not_be_read_is_named(dsn: str, tmp_path: Path) -> None:
    path = asyncio.run(dead(tmp_path, intent("altered")))
    alter_last_byte(next(iter(path.glob("*.journal"))))
    found = reconciled(("A", tmp_path, dsn), ("B", tmp_path / "missing", None))
    assert found.unread == ("A (intents)", "B (intents)", "B (database)")
    assert not found.is_certain


def test_a_recovered_order_waits_for_a_person(dsn: str, tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        await dead(tmp_path, intent("old", age_s=3600))
        await stage.recovery.step()

    staged(dsn, tmp_path, work)
    assert whys(reconciled(("A", tmp_path, dsn))) == [("old", Why.RECOVERED)]


def stay(start: datetime, end: datetime | None, ward: str, class_: str = "IMP") -> dict[str, Any]:
    period = {"start": start.isoformat(), **({"end": end.isoformat()} if end else {})}
    kind = {"coding": [{"code": "wa"}]}
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"code": class_},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "period": period,
        "location": [
            {"location": {"display": f"{ward}, seng 1"}},
            {"location": {"display": ward}, "physicalType": kind},
        ],
        "serviceProvider": {"reference": "Organization/h1"},
    }


def test_the_ward_is_the_one_of_that_time(dsn: str, tmp_path: Path) -> None:
    day = timedelta(days=1)
    before = stay(NOW - 9 * day, NOW - 3 * day, "Gammelt afsnit")
    here, clinic = stay(NOW - 2 * day, None, "O1"), stay(NOW - day, None, "Ambulatorium", "AMB")
    hospital = {"resourceType": "Organization", "name": "Hospitalet"}
    some = [(before, "e1"), (here, "e2"), (clinic, "e3"), (hospital, "h1"), (patient(), PATIENT)]

    async def work(stage: Stage) -> None:
        for resource, id_ in some:
            await stage.registrar.writer.write(create(resource, id_), new_key())
        await dead(tmp_path, intent("here"))

    staged(dsn, tmp_path, work)
    found = reconciled(("A", tmp_path, dsn))
    assert [one.ward for one in found.uncertain] == [Ward("Hospitalet", "O1")]
    assert [(one.patients, one.orders) for one in found.affected] == [(1, 1)]
    assert on(dsn, lambda there: patient_names(there, [PATIENT])) == {PATIENT: "Tove Testesen"}


def test_a_version_that_no_key_has_made_is_compared_and_looked_for_again(
    postgres: Cluster, dsn: str, other: str, tmp_path: Path
) -> None:
    async def work(stage: Stage) -> None:
        for id_ in ("plain-1", "plain-2"):
            await stage.registrar.writer.write(create({**medication(), "id": id_}, id_), new_key())

    staged(dsn, tmp_path, work)
    owner = dsn.replace(f"://{APP_ROLE}@", f"://{postgres.superuser}@")
    on(owner, lambda connection: connection.execute("DELETE FROM order_key"))
    same = reconciled(("A", tmp_path, dsn), ("B", tmp_path, dsn))
    assert (same.is_certain, [one.count for one in same.digests]) == (True, [2, 2])
    differs = reconciled(("A", tmp_path, dsn), ("B", tmp_path, other))
    assert [(one.why, one.order, one.patient) for one in differs.uncertain] == [
        (Why.ONE_SITE, f"MedicationRequest/plain-{number}", PATIENT) for number in (1, 2)
    ]
