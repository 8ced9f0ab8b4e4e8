"""What is settled goes after a while, a bounded number at once, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from altid.orders.trimming import Trimmed, trim
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE
from tests.running import make_database

DELIVERIES = """
INSERT INTO delivery (destination, type, id, version, lane, state, made, told)
SELECT 'pharmacy', 'MedicationRequest', id, version, 'p', state, now(), now() - make_interval(days => age)
  FROM (VALUES {}) v(id, version, state, age)
"""
RECOVERED = """
INSERT INTO order_recovered (
    identity, key, client_key, site, writer, intended, found, action, type, id, patient, organisation, signer,
    signer_name, content, state, decided_by, decided_at, reason)
SELECT substring(sha256(name::bytea) FOR 10), gen_random_uuid(), name, 'A', 'w', now(), now(), 'sign',
       'MedicationRequest', name, 'p', 'o', 's', 's', 'x', state, person,
       now() - make_interval(days => age), why
  FROM (VALUES ('old', 'discarded', 'me', 91, 'twice'), ('new', 'registered', 'me', 89, 'needed'),
               ('open', 'open', NULL, NULL, NULL)) v(name, state, person, age, why)
"""
OUTBOX = """
INSERT INTO client_outbox (
    signer, client, key, identity, organisation, patient, kind, action, ward, since, told, released)
SELECT 's', 'b', key, substring(sha256(key::bytea) FOR 10), 'o', 'p', '', '', '', now() - interval '99 days',
       now() - interval '99 days', now() - make_interval(days => age)
  FROM (VALUES ('old', 31), ('new', 29), ('held', NULL)) v(key, age)
"""


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


def at(dsn: str, *work: Callable[[asyncpg.Connection[Any]], Awaitable[Any]]) -> list[Any]:
    async def done() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return [await one(connection) for one in work]
        finally:
            await connection.close()

    return asyncio.run(done())


def made(dsn: str, *statements: str) -> None:
    at(dsn, *(lambda connection, one=one: connection.execute(one) for one in statements))  # type: ignore[misc]


def trimmed(dsn: str, at_most: int = 100) -> Trimmed:
    found: Trimmed = at(dsn, lambda connection: trim(connection, at_most))[0]
    return found


def left(dsn: str, column: str, table: str) -> list[str]:
    query = f"SELECT array_agg({column}::text) FROM {table}"
    found: list[str] | None = at(dsn, lambda connection: connection.fetchval(query))[0]
    return sorted(found or [])


def test_deliveries_that_were_settled_long_ago_go(dsn: str) -> None:
    made(
        dsn,
        DELIVERIES.format(
            "('a', 1, 'acknowledged', 91), ('b', 1, 'acknowledged', 89), ('c', 1, 'discarded', 99),"
            "('d', 1, 'dead', 99), ('e', 1, 'refused', 99), ('f', 1, 'waiting', 99), ('g', 1, 'sent', 99)"
        ),
    )
    assert trimmed(dsn).deliveries == 2
    assert left(dsn, "id", "delivery") == ["b", "d", "e", "f", "g"]


def test_what_keeps_a_dead_letter_from_being_sent_after_it_stays(dsn: str) -> None:
    made(
        dsn,
        DELIVERIES.format("('a', 1, 'acknowledged', 99), ('a', 2, 'dead', 98), ('a', 3, 'acknowledged', 97)"),
    )
    assert trimmed(dsn).deliveries == 1
    assert left(dsn, "version", "delivery") == ["2", "3"]
    made(dsn, "UPDATE delivery SET state = 'discarded' WHERE version = 2")
    assert trimmed(dsn).deliveries == 2


def test_recoveries_that_somebody_decided_long_ago_go_and_open_ones_stay(dsn: str) -> None:
    made(dsn, RECOVERED)
    assert trimmed(dsn).recovered == 1
    assert left(dsn, "client_key", "order_recovered") == ["new", "open"]


def test_keys_that_a_browser_let_go_of_long_ago_go_and_held_ones_stay(dsn: str) -> None:
    made(dsn, OUTBOX)
    assert trimmed(dsn).outboxes == 1
    assert left(dsn, "key", "client_outbox") == ["held", "new"]


def test_no_more_go_at_once_than_is_asked_for(dsn: str) -> None:
    rows = ", ".join(f"('{number}', 1, 'acknowledged', {100 + number})" for number in range(7))
    made(dsn, DELIVERIES.format(rows))
    assert [trimmed(dsn, 3).deliveries for _ in range(4)] == [3, 3, 1, 0]


def test_what_somebody_holds_is_left_for_the_next_time(dsn: str) -> None:
    made(dsn, OUTBOX)

    async def raced() -> Trimmed:
        holder, other = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
        try:
            async with holder.transaction():
                await holder.execute("UPDATE client_outbox SET released = NULL WHERE key = 'old'")
                async with asyncio.timeout(30):
                    return await trim(other)
        finally:
            await holder.close()
            await other.close()

    assert asyncio.run(raced()).outboxes == 0
    assert left(dsn, "key", "client_outbox") == ["held", "new", "old"]


def test_a_server_may_do_just_this_and_delete_nothing_itself(postgres: Cluster, dsn: str) -> None:
    made(dsn, DELIVERIES.format("('a', 1, 'acknowledged', 91), ('b', 1, 'waiting', 91)"))

    async def tried(connection: asyncpg.Connection[Any]) -> None:
        await connection.execute(f"SET ROLE {APP_ROLE}")
        assert (await trim(connection)).deliveries == 1
        for table in ("delivery", "order_recovered", "client_outbox"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {table}")

    at(dsn, tried)
