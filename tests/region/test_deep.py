"""Whether a PostgreSQL answers: asked of a real one, of one that refuses, and of nobody."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import asyncpg

from altid.record.postgres import Cluster
from altid.region.guardian.apply import ApplyWatch
from altid.region.guardian.deep import DeepProber

_S_MAX = 20.0


async def _settled(prober: DeepProber) -> bool:
    """Whether the first question was answered."""
    task = asyncio.create_task(prober.run())
    try:
        async with asyncio.timeout(_S_MAX):
            while prober.sighting.seen_at_s is None and not prober.sighting.failing:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return prober.sighting.seen_at_s is not None


def test_a_database_that_answers_is_seen(postgres: Cluster) -> None:
    assert asyncio.run(_settled(DeepProber(postgres.dsn)))


def test_a_database_that_refuses_the_role_is_not_frozen(postgres: Cluster) -> None:
    """As in a region that is being made, where the role comes with the schema."""
    assert asyncio.run(_settled(DeepProber(postgres.dsn_for("nobody_here"))))


def test_nobody_is_not_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not asyncio.run(_settled(DeepProber(f"postgresql://nobody@127.0.0.1:{port}/none")))


async def _watched(dsn: str) -> ApplyWatch:
    watch = ApplyWatch(dsn)
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    session = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(_S_MAX):
            while not await session.fetchval(_ASKED):  # noqa: ASYNC110  PostgreSQL says when
                await asyncio.sleep(0.01)
    finally:
        await session.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return watch


_ASKED = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE state = 'idle' AND query LIKE '%pg_stat_wal_receiver%' AND pid <> pg_backend_pid()
"""


def test_a_primary_is_no_standby_and_has_no_backlog(postgres: Cluster) -> None:
    watch = asyncio.run(_watched(postgres.dsn))
    assert not watch.standby
    assert watch.backlog.behind_s(0.0) is None
    assert not watch.streams
