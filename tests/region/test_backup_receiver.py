"""The receiving end on real servers: a leader that never had what the archive has, and log that is gone."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.record.backup import take
from altid.record.backup.catalogue import make_folder
from altid.record.backup.choice import choose
from altid.record.backup.recover import recover
from altid.record.backup.schedule import Due
from altid.record.backup.wal import read_archive
from altid.record.postgres import Cluster, PostgresSettings, embedded
from altid.record.postgres import account as accounts
from altid.record.postgres import programs as postgres_programs
from altid.record.postgres.account import Account
from altid.region.backup.access import APPLICATION, SLOT
from altid.region.backup.receiver import Receiver
from altid.region.backup.watch import Sight
from altid.region.builtin import builtin_region

_SETTINGS = PostgresSettings(buffers_bytes=128 * 1024 * 1024, wal_bytes_max=256 * 1024 * 1024)
_WAIT_S_MAX = 30.0
_SITES = builtin_region().sites


class _Bench:
    """A folder for servers and an archive, and a receiver that follows whom it is told to."""

    def __init__(self, base: Path) -> None:
        self.base, self.folder = base, base / "backup"
        self.account: Account = accounts.choose(base / "one" / "postgres")
        self.leader: Sight | None = None
        self.told: list[tuple[str, dict[str, Any]]] = []

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            for one in (path, *path.rglob("*")):
                os.chown(one, self.account.uid, self.account.gid)

    def follow(self, number: int) -> None:
        self.leader = Sight(_SITES[number], True, number + 1, datetime.now(UTC), 0, None)

    @asynccontextmanager
    async def receiving(self, *clusters: Cluster) -> AsyncIterator[Receiver]:
        infos = {site.name: _conninfo(one) for site, one in zip(_SITES, clusters, strict=False)}
        receiver = Receiver(
            self.folder,
            self.base,
            infos,
            self.account,
            clusters[0].bin,
            lambda: self.leader,
            lambda event, **detail: self.told.append((event, detail)),
        )
        task = asyncio.create_task(receiver.run())
        try:
            yield receiver
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _conninfo(cluster: Cluster) -> str:
    place = f"host={cluster.socket_dir} port={cluster.port} user={cluster.superuser}"
    return f"{place} application_name={APPLICATION}"


@pytest.fixture
def bench() -> Iterator[_Bench]:
    base = Path(tempfile.mkdtemp(prefix="altid-backup-"))
    base.chmod(0o755)
    found = _Bench(base)
    if not accounts.reaches(found.account, Path(sys.prefix)):
        pytest.skip(f"the user {found.account.name} cannot reach this Python environment")
    make_folder(found.folder, {"owner": "test"}, accounts.current())
    found.own(found.folder)
    yield found
    shutil.rmtree(base)


async def _ask(cluster: Cluster, *statements: str) -> Any:
    connection = await asyncpg.connect(cluster.dsn)
    try:
        found = None
        for statement in statements:
            found = await connection.fetchval(statement)
        return found
    finally:
        await connection.close()


_MAKE_SLOT = f"SELECT pg_create_physical_replication_slot('{SLOT}', true)::text"
_MARK = "SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000), true)"
_ARRIVED = "SELECT max(flush_lsn) >= pg_current_wal_lsn() FROM pg_stat_replication"
_NEXT = (_MARK, "SELECT pg_switch_wal()", _MARK)


async def _eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_WAIT_S_MAX):
        while not await holds():  # noqa: ASYNC110  what it asks is another process
            await asyncio.sleep(0.02)


async def _archived(cluster: Cluster) -> None:
    async def arrived() -> bool:
        return bool(await _ask(cluster, _ARRIVED))

    await _eventually(arrived)


def test_log_that_the_new_leader_never_had_is_set_aside_and_the_new_leader_followed(bench: _Bench) -> None:
    async def story() -> None:
        programs = postgres_programs.find(bench.account)
        async with embedded(bench.base / "one", _SETTINGS) as one:
            await _ask(one, _MAKE_SLOT)
            bench.follow(0)
            async with bench.receiving(one):
                await take.take(
                    bench.folder, Due("full"), _conninfo(one), "A", bench.account, one.bin, bench.base
                )
                await _ask(one, *_NEXT)
                await _archived(one)
            (bench.base / "two").mkdir()
            bench.own(bench.base / "two")
            choice = choose(bench.folder, None, datetime.now(UTC))
            await recover(
                bench.folder, choice, None, bench.base / "two", bench.account, programs, lambda _line: None
            )
            async with embedded(bench.base / "two", _SETTINGS) as two:
                await _ask(two, _MAKE_SLOT)
                async with bench.receiving(one, two):
                    for _ in range(3):
                        await _ask(one, *_NEXT)
                    await _archived(one)
                    bench.follow(1)
                    await _ask(two, *_NEXT)
                    await _archived(two)
                    archive = read_archive(bench.folder)
            _, whole = archive.run_from(choice.chain[-1].last)
            assert whole
            assert [timeline for timeline, _, _ in archive.line()] == [1, 2]

    asyncio.run(story())
    assert [event for event, _ in bench.told] == ["archive set log aside"]
    assert len(list((bench.folder / "aside").iterdir())) == bench.told[0][1]["segments"] > 1


def test_after_log_is_gone_the_archive_goes_on_and_knows_of_its_gap(bench: _Bench) -> None:
    async def story() -> Receiver:
        async with embedded(bench.base / "one", _SETTINGS) as one:
            local = one.folder / "local.conf"
            local.write_text("max_slot_wal_keep_size = 16MB\nwal_keep_size = 0\n")
            bench.own(local)
            await _ask(one, "SELECT pg_reload_conf()", _MAKE_SLOT)
            bench.follow(0)
            async with bench.receiving(one):
                await _ask(one, *_NEXT)
                await _archived(one)
            for _ in range(5):
                await _ask(one, *_NEXT)
            await _ask(one, "CHECKPOINT")
            assert await _ask(one, "SELECT wal_status FROM pg_replication_slots") == "lost"
            async with bench.receiving(one) as receiver:

                async def noticed() -> bool:
                    return receiver.gap_at is not None

                await _eventually(noticed)
                # What Patroni does with a slot that is lost.
                await _ask(one, f"SELECT pg_drop_replication_slot('{SLOT}')::text", _MAKE_SLOT)
                await _ask(one, *_NEXT)
                await _archived(one)
            return receiver

    receiver = asyncio.run(story())
    assert [event for event, _ in bench.told] == ["archive has a gap"]
    archive = read_archive(bench.folder)
    first = min(segment.number for segment in archive.segments)
    _, whole = archive.run_from(first * 16 * 1024 * 1024)
    assert not whole
    assert receiver.gap_at is not None
