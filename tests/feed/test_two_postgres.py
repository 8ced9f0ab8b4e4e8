"""The feed where there are two PostgreSQL: read at the standby, and after the lead has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from altid.record import feed, heartbeat, holding
from altid.record.database import Database, Limits, open_database
from altid.record.heartbeat import Heart
from altid.record.write import update, write
from nodes import Node, a_pair, both

_LIMITS = Limits(read_connections=1, write_connections=2, connect_s=1.0)


@pytest.fixture
def pair() -> Iterator[tuple[Node, Node]]:
    with a_pair() as nodes:
        yield nodes


async def _until_new(heart: Heart) -> None:
    for _ in range(300):
        if await heart.beat():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("no heartbeat")


async def _epoch(database: Database) -> str | None:
    async with database.reading() as connection:
        return await heartbeat.epoch_of(connection)


@pytest.mark.long
def test_the_standby_tells_the_same_and_another_lead_is_another_past(pair: tuple[Node, Node]) -> None:
    a, b = pair

    async def work() -> None:
        # Reads go to the standby, as at the other site.
        near = both(b).partition("?")[0]
        async with open_database(near, both(a, b), limits=_LIMITS, is_replicated=True) as database:
            heart = Heart(database, "A")
            await _until_new(heart)
            async with database.writing() as connection:
                await write(connection, [update({"resourceType": "Patient", "id": "p"})])
            await _until_new(heart)  # tells how safe the commit before was
            before = await _epoch(database)
            assert before is not None
            async with database.reading() as connection, connection.transaction(isolation="repeatable_read"):
                assert await connection.fetchval("SELECT pg_is_in_recovery()")
                batch = await feed.changes(connection, feed.START)
                beat = await heartbeat.newest_below(connection)
                found = await holding.digests(connection, "altid-canary-")
            assert [one.stored.id for one in batch.changes] == ["p"]
            assert beat is not None
            assert beat.durability == "two-sites"
            (group,) = found.groups.values()
            assert group == (1, holding.member_digest(batch.changes[0].stored))

            a.kill()
            await b.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
            await b.ask("SELECT pg_reload_conf()")
            assert await b.ask("SELECT pg_promote()")
            assert await _epoch(database) in (None, before), "nobody has said yet which past this is"
            database.suspect_primary()
            await _until_new(Heart(database, "B"))
            after = await _epoch(database)
            assert after is not None
            assert after != before
            system, timeline, _ = before.split(".")
            assert after.split(".")[:2] == [system, str(int(timeline) + 1)]
            async with database.reading() as connection:
                assert not await heartbeat.is_behind(connection, before, batch.cursor)
                later = f"{system}.{int(timeline) + 5}.x"
                assert await heartbeat.is_behind(connection, later, batch.cursor)

    async def bounded() -> None:
        async with asyncio.timeout(90):
            await work()

    asyncio.run(bounded())
