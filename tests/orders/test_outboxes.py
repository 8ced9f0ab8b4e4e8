"""POST /orders/outboxes: whose word is kept, what it opens (nothing), and that it is let go of again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from altid.access.identity import Role
from altid.record.postgres import Cluster
from running import make_database
from tests.access.auditing import sql
from tests.guards import EVERYTHING

from .test_rights import ACCOUNT, OTHERS, PEOPLE, client_of, server

__all__ = ["server"]

MAY = {
    role: role
    in (
        Role.DOCTOR,
        Role.NURSE,
        Role.PHARMACIST,
        Role.SECRETARY,
        Role.OPERATIONS,
        Role.AUDITOR,
    )
    for role in PEOPLE
}


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def doctor(server: str, dsn: str) -> Iterator[httpx.Client]:
    with client_of(server, dsn, Role.DOCTOR) as client:
        yield client


def tell(client: httpx.Client, *held: dict[str, Any], browser: str = "b-1") -> httpx.Response:
    return client.post("/orders/outboxes", json={"client": browser, "held": list(held)})


def kept(dsn: str, key: str) -> list[dict[str, Any]]:
    rows = sql(dsn, f"SELECT * FROM client_outbox WHERE key = '{key}' ORDER BY signer, client")
    return [dict(row) for row in rows]


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


def test_what_a_browser_holds_is_kept_until_it_says_otherwise(
    doctor: httpx.Client, dsn: str, key: str
) -> None:
    held = {
        "key": key,
        "patient": "p1",
        "kind": "MedicationRequest",
        "action": "sign",
        "ward": "O1",
        "since": "2026-11-28T07:00:00+01:00",
    }
    answer = tell(doctor, held)
    assert [one["word"] for one in answer.json()["receipts"]] == ["never-seen"]
    (row,) = kept(dsn, key)
    assert [row[name] for name in ("signer", "client", "patient", "kind", "action", "ward")] == [
        ACCOUNT,
        "b-1",
        "p1",
        "MedicationRequest",
        "sign",
        "O1",
    ]
    assert (row["since"].isoformat(), row["released"]) == ("2026-11-28T06:00:00+00:00", None)
    tell(doctor, held, browser="b-2")
    tell(doctor)
    assert [row["released"] is None for row in kept(dsn, key)] == [False, True]
    tell(doctor, held)
    assert [row["released"] is None for row in kept(dsn, key)] == [True, True]


def test_nobody_releases_what_another_holds(server: str, dsn: str, doctor: httpx.Client, key: str) -> None:
    with client_of(server, dsn, Role.SYSTEM, EVERYTHING) as system:
        tell(system, {"key": key})
    tell(doctor)
    assert [row["released"] for row in kept(dsn, key)] == [None]


@pytest.mark.parametrize("role", PEOPLE)
def test_only_those_who_have_to_do_with_orders_may_tell(
    server: str,
    dsn: str,
    role: Role,
    key: str,
) -> None:
    with client_of(server, dsn, role) as client:
        answer = tell(client, {"key": key, "patient": OTHERS})
    assert answer.status_code == (200 if MAY[role] else 403)
    assert len(kept(dsn, key)) == MAY[role]
    assert OTHERS not in answer.text


def test_nobody_in_particular_may_not(server: str, key: str) -> None:
    assert (
        httpx.post(f"{server}/orders/outboxes", json={"held": [{"key": key}]}, timeout=30).status_code == 401
    )


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"held": {}},
        {"held": [1]},
        {"held": [{}]},
        {"held": [{"key": ""}]},
        {"held": [{"key": "k", "patient": 1}]},
        {"held": [{"key": "k", "ward": "a\x00b"}]},
        {"held": [{"key": "k", "since": "yesterday"}]},
        {"held": [{"key": "k", "since": "2026-11-28T07:00:00"}]},
        {"held": [{"key": "k"}], "client": 1},
        {"held": [{"key": f"k{n}"} for n in range(501)]},
    ],
)
def test_what_is_no_outbox_is_refused_and_nothing_kept(doctor: httpx.Client, dsn: str, body: Any) -> None:
    before = sql(dsn, "SELECT count(*) FROM client_outbox")[0][0]
    answer = doctor.post("/orders/outboxes", json=body)
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")
    assert sql(dsn, "SELECT count(*) FROM client_outbox")[0][0] == before


def test_long_texts_are_cut(doctor: httpx.Client, dsn: str, key: str) -> None:
    assert tell(doctor, {"key": key, "ward": "x" * 5_000}, browser="y" * 5_000).status_code == 200
    (row,) = kept(dsn, key)
    assert (len(row["ward"]), len(row["client"])) == (64, 64)
