"""Three ways in which PostgreSQL acknowledges what only one site has. Each is shown open to a plain session,
and closed to the record's.

Commits wait for a standby that isn't there, so nothing may ever be acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.connection import WriteConnection
from altid.record.connection import connect as connect_to_write
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.roles import APP_ROLE
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import Written, create, delete, update, write
from nodes import WAITING, Node, a_primary

PATIENT = {"resourceType": "Patient", "gender": "female"}
INSERT = (
    "INSERT INTO change VALUES (pg_current_xact_id(), nextval('resource_rid'), 1, 'Patient', now(), 'POST')"
)
IMPATIENT = Limits(write_deadline_s=1.0, transaction_deadline_s=1.0, commit_s=0.1)
PATIENT_S = 30.0


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with a_primary() as primary:
        yield primary


@pytest.fixture(autouse=True)
def lonely(node: Node) -> Iterator[None]:
    """Each test begins with a primary whose commits wait for ever."""
    asyncio.run(node.require("nobody"))
    yield
    asyncio.run(node.require(""))
    asyncio.run(node.ask(f"ALTER ROLE {APP_ROLE} RESET ALL"))


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(PATIENT_S * 2):
            return await work()

    return asyncio.run(bounded())


async def plain(node: Node, **settings: str) -> Any:
    """A session as anybody might open it."""
    settings = {"synchronous_commit": "remote_apply", **settings}
    return await asyncpg.connect(node.dsn(APP_ROLE), server_settings=settings)


async def with_database(
    node: Node, work: Callable[[Database], Awaitable[Any]], limits: Limits = IMPATIENT
) -> Any:
    dsn = node.dsn(APP_ROLE)
    async with open_database(dsn, dsn, limits=limits) as database:
        return await work(database)


async def outcome_of(task: asyncio.Future[Any]) -> str:
    done, _ = await asyncio.wait({task}, timeout=0.3)
    return "waits" if not done else "answered"


async def write_in_group(database: Database) -> Written:
    return await GroupWriter(database).write(create(PATIENT))


async def write_in_transaction(database: Database) -> Any:
    async def work(transaction: Transaction) -> Written:
        return (await transaction.write([create(PATIENT)]))[0]

    return await run_transaction(database, work)


BOTH_WAYS = pytest.mark.parametrize("way", [write_in_group, write_in_transaction])


# 1: a commit that is cancelled while it waits is answered as if it were done.


def test_open_a_cancelled_commit_is_answered_as_success(node: Node) -> None:
    async def work() -> None:
        session = await plain(node)
        task = asyncio.create_task(session.execute(INSERT))
        await node.ask("SELECT pg_cancel_backend($1)", await node.waiting())
        assert await task == "INSERT 0 1"
        session.terminate()

    run(work)


@BOTH_WAYS
def test_closed_a_cancelled_commit_is_never_answered_as_success(node: Node, way: Any) -> None:
    async def work(database: Database) -> None:
        task = asyncio.create_task(way(database))
        await node.ask("SELECT pg_cancel_backend($1)", await node.waiting())
        with pytest.raises(OutcomeUnknownError):
            await task

    run(lambda: with_database(node, work))


@BOTH_WAYS
def test_a_cancelled_commit_is_made_sure_of_when_the_other_site_is_back(node: Node, way: Any) -> None:
    async def work(database: Database) -> None:
        task = asyncio.create_task(way(database))
        cancelled = await node.waiting()
        await node.ask("SELECT pg_cancel_backend($1)", cancelled)
        await node.wait_for(f"{WAITING} AND pid <> $1", cancelled)
        assert await outcome_of(task) == "waits"
        before = await node.ask("SELECT count(*) FROM change")
        await node.require("")
        await task
        assert await node.ask("SELECT count(*) FROM change") == before

    run(lambda: with_database(node, work, Limits(commit_s=0.1)))


def test_open_a_task_that_is_cancelled_cancels_the_commit(node: Node) -> None:
    async def work() -> None:
        session = await plain(node)
        task = asyncio.create_task(session.execute(INSERT))
        process = await node.waiting()
        task.cancel()
        await node.wait_for(f"SELECT NOT EXISTS ({WAITING} AND pid = $1)", process)
        session.terminate()

    run(work)


def test_closed_a_task_that_is_cancelled_leaves_the_commit_waiting(node: Node) -> None:
    async def work() -> None:
        session = await connect_to_write("a", node.dsn(APP_ROLE), {}, 5.0)
        task = asyncio.create_task(session.execute(INSERT))
        process = await node.waiting()
        task.cancel()
        with suppress(asyncio.CancelledError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
            await task
        await asyncio.sleep(0)
        assert session.is_closed()
        assert await node.ask(f"SELECT EXISTS ({WAITING} AND pid = $1)", process)

    run(work)


# 2: a retry that finds what the first attempt has left at this site only.


def test_open_a_retry_acknowledges_what_is_only_local(node: Node) -> None:
    async def work() -> None:
        first, second = await plain(node), await plain(node)
        statement = (
            "INSERT INTO resource (rid, type, id, version, last_updated, terms, present, refs) "
            "VALUES (nextval('resource_rid'), 'Patient', 'local', 1, now(), '{}', '{}', '{}') "
            "ON CONFLICT DO NOTHING"
        )
        task = asyncio.create_task(first.execute(statement))
        await node.ask("SELECT pg_terminate_backend($1)", await node.waiting())
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await task
        assert await second.execute(statement) == "INSERT 0 0"
        second.terminate()

    run(work)


def test_closed_a_retry_waits_for_the_other_site(node: Node) -> None:
    """The writer's own: the first attempt is ended while it waits, the second finds it and waits too."""

    async def work(database: Database) -> None:
        task = asyncio.create_task(GroupWriter(database).write(create(PATIENT, "retried")))
        first = await node.waiting()
        await node.ask("SELECT pg_terminate_backend($1)", first)
        await node.wait_for(f"{WAITING} AND pid <> $1", first)
        assert await outcome_of(task) == "waits"
        assert await node.ask("SELECT count(*) FROM resource WHERE id = 'retried'") == 1
        await node.require("")
        assert (await task)[:2] == ("created", 1)

    run(lambda: with_database(node, work, Limits(commit_s=0.1)))


def test_closed_what_is_found_is_acknowledged_only_when_the_other_site_has_it(node: Node) -> None:
    """As a conditional create that meets its resource: nothing is written, and yet it waits."""

    async def find(transaction: Transaction) -> Any:
        return await transaction.connection.fetchval("SELECT count(*) FROM resource")

    async def work(database: Database) -> None:
        with pytest.raises(NotStoredError):
            await run_transaction(database, find)

    run(lambda: with_database(node, work))


def test_closed_nothing_to_delete_is_acknowledged_only_when_the_other_site_knows(node: Node) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(OutcomeUnknownError):
            await GroupWriter(database).write(delete("Patient", "never-was"))

    run(lambda: with_database(node, work))


# 3: any session can stop waiting.


def test_open_a_session_may_stop_waiting(node: Node) -> None:
    async def work() -> None:
        await node.ask(f"ALTER ROLE {APP_ROLE} SET synchronous_commit = local")
        session = await asyncpg.connect(node.dsn(APP_ROLE))
        assert await session.execute(INSERT) == "INSERT 0 1"
        session.terminate()

    run(work)


@pytest.mark.parametrize(
    "weaker", ["synchronous_commit = local", "synchronous_commit = on", "client_min_messages = error"]
)
def test_closed_no_version_is_written_by_a_session_that_would_not_wait(node: Node, weaker: str) -> None:
    async def work() -> None:
        session = await plain(node)
        await session.execute(f"SET {weaker}")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await write(session, [create(PATIENT)])
        session.terminate()

    run(work)


def test_closed_settings_of_the_role_do_not_weaken_the_servers_sessions(node: Node) -> None:
    async def work() -> None:
        await node.ask(f"ALTER ROLE {APP_ROLE} SET synchronous_commit = off")
        await node.ask(f"ALTER ROLE {APP_ROLE} SET client_min_messages = error")
        session = await connect_to_write("a", node.dsn(APP_ROLE), {}, 5.0)
        assert await session.fetchval("SELECT current_setting('synchronous_commit')") == "remote_apply"
        assert await session.fetchval("SELECT current_setting('client_min_messages')") == "warning"
        session.terminate()

    run(work)


def test_closed_a_stray_set_costs_a_session_and_no_write(node: Node) -> None:
    async def weaken(connection: WriteConnection) -> None:
        await connection.execute("SET synchronous_commit = local")

    async def work(database: Database) -> None:
        async with database.writing() as connection:
            await weaken(connection)
        written = await GroupWriter(database).write(update({**PATIENT, "id": "sane"}))
        assert written.outcome == "created"

    async def prepared() -> None:
        await node.require("")
        await with_database(node, work, Limits(write_connections=1))

    run(prepared)
