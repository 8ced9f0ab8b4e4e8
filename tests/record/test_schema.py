"""Migrations, from nothing and from each version before; the application's rights; keys in SQL and Python."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from altid.fhir.search.entries import Entries
from altid.record import migrate as migrating
from altid.record.keys import present_key, term_key
from altid.record.migrate import MigrationError, migrate, migrations
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE, ensure_app_role
from altid.record.write import create, delete, update, write

_numbers = itertools.count()

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-01-01"}


@pytest.fixture
def empty(postgres: Cluster) -> str:
    """The superuser's DSN of a new, empty database."""
    name = f"schema_{next(_numbers)}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, "postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return postgres.dsn_for(postgres.superuser, name)


def with_connection(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_database_is_brought_from_nothing_to_the_newest_schema_once(empty: str) -> None:
    assert asyncio.run(migrate(empty)) == migrations()
    assert asyncio.run(migrate(empty)) == []


@pytest.mark.parametrize("before", [step.number for step in migrations()[:-1]])
def test_every_earlier_schema_can_be_brought_to_the_newest(empty: str, before: int) -> None:
    asyncio.run(migrate(empty, upto=before))
    assert asyncio.run(migrate(empty)) == [step for step in migrations() if step.number > before]


def test_two_servers_that_start_together_migrate_once(empty: str) -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(migrate(empty), migrate(empty))

    done = asyncio.run(both())
    assert sorted(map(len, done)) == [0, len(migrations())]


def test_a_newer_or_altered_schema_is_refused(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrations()
    asyncio.run(migrate(empty))
    monkeypatch.setattr(migrating, "migrations", lambda: known[:-1])
    with pytest.raises(MigrationError, match="start the newer Altid"):
        asyncio.run(migrate(empty))
    altered = [replace(known[0], sql=known[0].sql + "-- changed"), *known[1:]]
    monkeypatch.setattr(migrating, "migrations", lambda: altered)
    with pytest.raises(MigrationError, match="0001"):
        asyncio.run(migrate(empty))


def test_a_migration_that_fails_leaves_nothing_behind(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = replace(migrations()[0], sql="CREATE TABLE half (x int); SELECT 1 / 0;")
    monkeypatch.setattr(migrating, "migrations", lambda: [faulty])
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(migrate(empty))
    tables = with_connection(empty, lambda c: c.fetchval("SELECT to_regclass('half')"))
    assert tables is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE resource_history SET body = NULL",
        "DELETE FROM resource_history",
        "UPDATE change SET method = 'PUT'",
        "DELETE FROM change",
        "DELETE FROM resource",
        "DROP TABLE resource",
        "CREATE TABLE mine (x int)",
        "TRUNCATE change",
    ],
)
def test_the_application_cannot_rewrite_what_was_written(empty: str, statement: str) -> None:
    asyncio.run(migrate(empty))
    asyncio.run(ensure_app_role(empty))
    as_application = empty.replace("//altid@", f"//{APP_ROLE}@", 1)
    assert APP_ROLE in as_application
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        with_connection(as_application, lambda c: c.execute(statement))


def test_the_application_can_do_all_that_it_needs(empty: str) -> None:
    asyncio.run(migrate(empty))
    asyncio.run(ensure_app_role(empty))

    async def work(connection: Any) -> list[str]:
        results = [
            (await write(connection, [prepared]))[0].outcome
            for prepared in (
                create(PATIENT),
                update(PATIENT),
                update({**PATIENT, "birthDate": "1960"}),
                delete("Patient", "p"),
                delete("Patient", "p"),
            )
        ]
        return list(results)

    outcomes = with_connection(empty.replace("//altid@", f"//{APP_ROLE}@", 1), work)
    assert outcomes == ["created", "created", "updated", "deleted", "unchanged"]


@pytest.mark.parametrize(
    "text", ["Observation.code=http://loinc.org|8867-4", "Patient.name:exact=Læssøe", ""]
)
def test_sql_and_python_make_the_same_term_key(empty: str, text: str) -> None:
    asyncio.run(migrate(empty))
    assert with_connection(empty, lambda c: c.fetchval("SELECT term($1)", text)) == term_key(text)


def test_present_keys_of_all_standard_parameters_differ() -> None:
    from altid.fhir.definitions import resource_types
    from altid.fhir.search.parameters import search_parameters

    codes = {code for type_ in resource_types() for code in search_parameters(type_)}
    assert len({present_key(code) for code in codes}) == len(codes)


def test_an_update_that_changes_no_range_touches_no_range_index(empty: str) -> None:
    """Its rows stay the very same ones, told by their physical place."""
    asyncio.run(migrate(empty))

    async def work(connection: Any) -> tuple[Any, Any, Any]:
        where = "SELECT array_agg(ctid::text ORDER BY key) FROM index_date"
        await write(connection, [update(PATIENT)])
        first = await connection.fetchval(where)
        await write(connection, [update({**PATIENT, "gender": "male"})])
        second = await connection.fetchval(where)
        await write(connection, [update({**PATIENT, "birthDate": "1960-01-01"})])
        return first, second, await connection.fetchval(where)

    first, second, third = with_connection(empty, work)
    assert first == second
    assert first != third


def test_the_index_holds_dates_from_the_beginning_to_the_end_of_time(empty: str) -> None:
    asyncio.run(migrate(empty))
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "planned",
        "class": {"code": "IMP"},
        "period": {"end": "0001-01-01"},
    }

    async def work(connection: Any) -> list[Any]:
        await write(connection, [update(encounter)])
        await write(connection, [update({**encounter, "period": {"start": "9999-12-31"}})])
        return list(await connection.fetch("SELECT low, high FROM index_date"))

    assert with_connection(empty, work)


def test_entries_have_what_the_schema_has() -> None:
    assert Entries._fields == (
        "terms",
        "refs",
        "present",
        "dates",
        "numbers",
        "quantities",
        "strings",
    )
