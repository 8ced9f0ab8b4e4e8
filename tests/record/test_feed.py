"""The change feed: every commit once, in order, and none skipped that commits late."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from altid.record.feed import START, Change, Cursor, changes, newest
from altid.record.migrate import migrate
from altid.record.postgres import Cluster
from altid.record.write import delete, update, write

_numbers = itertools.count()


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    name = f"feed_{next(_numbers)}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, "postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        await migrate(postgres.dsn_for(postgres.superuser, name))

    asyncio.run(make())
    return postgres.dsn_for(postgres.superuser, name)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def basic(id_: str, text: str = "x") -> dict[str, Any]:
    return {"resourceType": "Basic", "id": id_, "code": {"text": text}}


async def all_changes(connection: Any, after: Cursor = START) -> list[Change]:
    """What a consumer gets that follows the feed until there is no more: other databases' transactions in
    this cluster may hold it back for a moment."""
    found: list[Change] = []
    for _ in range(200):
        batch = await changes(connection, after, count=7)
        found += batch.changes
        after = batch.cursor
        if batch.caught_up:
            break
    return found


def names(found: list[Change]) -> list[tuple[str, int, str]]:
    return [(change.stored.id, change.stored.version, change.method) for change in found]


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_every_version_is_told_once_with_its_content(dsn: str) -> None:
    async def work() -> None:
        async with connected(dsn) as connection:
            await write(connection, [update(basic("a", "1"))])
            await write(connection, [update(basic("a", "2"))])
            await write(connection, [delete("Basic", "a")])
            await write(connection, [update(basic("b"))])
            found = await all_changes(connection)
            assert names(found) == [("a", 1, "PUT"), ("a", 2, "PUT"), ("a", 3, "DELETE"), ("b", 1, "PUT")]
            bodies = [change.stored.body for change in found]
            assert b'"1"' in (bodies[0] or b"")
            assert b'"2"' in (bodies[1] or b"")
            assert bodies[2] is None

    run(work)


def test_a_consumer_goes_on_where_it_was(dsn: str) -> None:
    async def work() -> None:
        async with connected(dsn) as connection:
            await write(connection, [update(basic("a"))])
            (first,) = await all_changes(connection)
            await write(connection, [update(basic("b"))])
            later = await all_changes(connection, Cursor.parse(str(first.cursor)))
            assert names(later) == [("b", 1, "PUT")]

    run(work)


def test_a_transaction_that_commits_late_is_not_skipped(dsn: str) -> None:
    """The early bird has the lower number and commits last: a reader by number alone would never see it."""

    async def work() -> None:
        async with connected(dsn) as slow, connected(dsn) as quick, connected(dsn) as reader:
            late = slow.transaction()
            await late.start()
            await write(slow, [update(basic("late"))])
            await write(quick, [update(basic("early"))])
            before = await changes(reader, START)
            await late.commit()
            assert before.changes == []
            assert {name for name, _, _ in names(await all_changes(reader, before.cursor))} == {
                "late",
                "early",
            }

    run(work)


def test_a_transaction_that_was_rolled_back_is_never_told(dsn: str) -> None:
    async def work() -> None:
        async with connected(dsn) as connection:
            undone = connection.transaction()
            await undone.start()
            await write(connection, [update(basic("undone"))])
            await undone.rollback()
            await write(connection, [update(basic("done"))])
            assert names(await all_changes(connection)) == [("done", 1, "PUT")]

    run(work)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reader_amid_concurrent_writers_misses_nothing(dsn: str, seed: int) -> None:
    """Writers commit in random order with random pauses; the reader follows all the while."""
    dice = random.Random(seed)
    writers, each = 6, 15

    async def writer(number: int, pauses: list[float]) -> None:
        async with connected(dsn) as connection:
            for turn, pause in enumerate(pauses):
                async with connection.transaction():
                    await write(connection, [update(basic(f"{number}-{turn}"))])
                    await connection.execute("SELECT pg_sleep($1)", pause)

    async def reader(done: asyncio.Event) -> list[Change]:
        found: list[Change] = []
        cursor = START
        async with connected(dsn) as connection:
            while True:
                finished = done.is_set()
                batch = await changes(connection, cursor)
                found += batch.changes
                cursor = batch.cursor
                if finished and batch.caught_up and len(found) >= writers * each:
                    return found
                await asyncio.sleep(0.001)

    async def work() -> None:
        done = asyncio.Event()
        reading = asyncio.create_task(reader(done))
        pauses = [[dice.random() * 0.01 for _ in range(each)] for _ in range(writers)]
        await asyncio.gather(*(writer(number, mine) for number, mine in enumerate(pauses)))
        done.set()
        async with asyncio.timeout(30):
            found = await reading
        told = [change.stored.id for change in found]
        assert len(told) == len(set(told)) == writers * each
        cursors = [change.cursor for change in found]
        assert cursors == sorted(cursors)

    run(work)


@pytest.mark.parametrize("text", ["", "x", "1", "1.x", "-1.0", "99999999999999999999.0"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Cursor.parse(text)


def test_a_consumer_of_some_types_gets_those_and_goes_past_the_others(dsn: str) -> None:
    async def work() -> None:
        async with connected(dsn) as connection:
            await write(connection, [update(basic("a"))])
            await write(connection, [update({"resourceType": "Patient", "id": "p"})])
            await write(connection, [update(basic("b"))])
            found: list[str] = []
            after = START
            for _ in range(200):
                batch = await changes(connection, after, count=1, types=["Patient"])
                found += [change.stored.reference for change in batch.changes]
                after = batch.cursor
                if batch.caught_up:
                    break
            assert found == ["Patient/p"]
            assert (await changes(connection, after)).changes == []

    asyncio.run(work())


def test_whoever_begins_now_gets_what_comes_and_not_what_was(dsn: str) -> None:
    async def work() -> None:
        async with connected(dsn) as connection:
            await write(connection, [update(basic("before"))])
            await all_changes(connection)
            begin = await newest(connection)
            await write(connection, [update(basic("after"))])
            found = await all_changes(connection, begin)
            assert "Basic/after" in {change.stored.reference for change in found}

    asyncio.run(work())
