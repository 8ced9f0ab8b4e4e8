"""Base backups, the log and the way back, on a real PostgreSQL. One story: each test needs those before."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from altid.record.backup import catalogue, take
from altid.record.backup.catalogue import Backup, make_folder, mark, read_backups
from altid.record.backup.choice import Choice, choose
from altid.record.backup.recover import recover
from altid.record.backup.schedule import Due
from altid.record.backup.state import State, write_state
from altid.record.backup.verify import BASE, DamageError, verify
from altid.record.backup.wal import read_archive, shelve
from altid.record.digest import digests
from altid.record.migrate import migrate
from altid.record.postgres import Cluster, PostgresError, PostgresSettings, embedded, launch
from altid.record.postgres import account as accounts
from altid.record.postgres import programs as postgres_programs
from altid.record.postgres.account import Account
from altid.record.postgres.folder import RESTORING

_SETTINGS = PostgresSettings(buffers_bytes=128 * 1024 * 1024, wal_bytes_max=256 * 1024 * 1024)
_WAIT_S_MAX = 30.0


class _Story:
    """The record that is backed up, its archive, and the moments at which it was looked at."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.folder = base / "backup"
        self.loop = asyncio.new_event_loop()
        self.cluster: Cluster
        self.account: Account
        self.moments: dict[str, datetime] = {}
        self.digests: dict[str, dict[str, str]] = {}

    @property
    def conninfo(self) -> str:
        cluster = self.cluster
        return (
            f"host={cluster.socket_dir} port={cluster.port} user={cluster.superuser} application_name=archive"
        )

    def own(self, path: Path) -> Path:
        if os.geteuid() == 0:
            for one in (path, *path.rglob("*")):
                os.chown(one, self.account.uid, self.account.gid)
        return path

    def take(self, wish: Due) -> Backup:
        cluster, work = self.cluster, self.base
        return self.loop.run_until_complete(
            take.take(self.folder, wish, self.conninfo, "A", self.account, cluster.bin, work)
        )

    def write(self, name: str) -> None:
        """Write a version of Observation/1, and remember the moment after it and what the record held."""

        async def write() -> None:
            connection = await asyncpg.connect(self.cluster.dsn)
            await connection.execute(_WRITE, f',"status":"{name}"}}'.encode())
            self.digests[name] = await digests(connection)
            self.moments[name] = await connection.fetchval("SELECT clock_timestamp()")
            await connection.close()

        self.loop.run_until_complete(write())

    def later(self) -> None:
        """Wait until the clocks' tolerance after the newest backup is over."""
        end = read_backups(self.folder)[-1].finished + timedelta(seconds=1.1)
        while datetime.now(UTC) < end:
            time.sleep(0.01)

    def archived(self) -> None:
        """Wait until all that is committed has arrived in the archive, in a segment that is not the last."""

        async def wait() -> None:
            connection = await asyncpg.connect(self.cluster.dsn)
            end = time.monotonic() + _WAIT_S_MAX
            try:
                await connection.execute("SELECT pg_switch_wal()")
                await connection.execute("SELECT pg_logical_emit_message(false, 'altid', '', true)")
                goal = await connection.fetchval("SELECT pg_current_wal_lsn()")
                until = await connection.fetchval("SELECT clock_timestamp()")
                while not await connection.fetchval(_ARRIVED, goal):
                    assert time.monotonic() < end, "the archive does not follow"
            finally:
                await connection.close()
            write_state(self.folder, State("streaming", until, "A"), accounts.current())
            self.own(self.folder)

        self.loop.run_until_complete(wait())

    def restored(self, name: str, moment: datetime | None) -> dict[str, str]:
        """The digests of the record as it is brought back to the moment."""
        data = self.base / name
        data.mkdir()
        self.own(data)

        async def restore() -> dict[str, str]:
            choice = choose(self.folder, moment, datetime.now(UTC))
            programs = postgres_programs.find(self.account)
            await recover(self.folder, choice, moment, data, self.account, programs, lambda _line: None)
            async with embedded(data, _SETTINGS) as cluster:
                connection = await asyncpg.connect(cluster.dsn)
                found = await digests(connection)
                await connection.close()
                return found

        return self.loop.run_until_complete(restore())

    def copied(self, name: str) -> Path:
        """A copy of the archive, to be spoilt."""
        shutil.copytree(self.folder, self.base / name)
        return self.own(self.base / name)

    def recovered(self, name: str, folder: Path, choice: Choice, moment: datetime | None) -> None:
        """Recover by this choice."""
        data = self.base / name
        data.mkdir()
        self.own(data)
        programs = postgres_programs.find(self.account)
        self.loop.run_until_complete(
            recover(folder, choice, moment, data, self.account, programs, lambda _line: None)
        )


_WRITE = """
SELECT write_resources(ARRAY[ROW('Observation', '1', NULL, 'PUT', $1::bytea, '{}', '{}', '{}', NULL,
                                 '{}', '{}', '{}', '{}')::resource_write])
"""
_ARRIVED = "SELECT flush_lsn >= $1 FROM pg_stat_replication WHERE application_name = 'archive'"


@asynccontextmanager
async def _archiving(story: _Story) -> AsyncIterator[None]:
    async with embedded(story.base / "data", _SETTINGS) as cluster:
        story.cluster, story.account = cluster, accounts.choose(cluster.folder)
        local = cluster.folder / "local.conf"
        local.write_text("summarize_wal = on\n")
        story.own(local)
        connection = await asyncpg.connect(cluster.dsn)
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute("SELECT pg_create_physical_replication_slot('archive', true)")
        await connection.close()
        await migrate(cluster.dsn)
        make_folder(story.folder, {"owner": "test"}, accounts.current())
        story.own(story.folder)
        program = [str(cluster.bin / "pg_receivewal"), "--dbname", story.conninfo, "--no-password", "--slot"]
        program += ["archive", "--directory", str(story.folder / "incoming"), "--synchronous", "--no-loop"]
        process = subprocess.Popen(launch.command(story.account, story.base, program, tied=True))  # noqa: ASYNC220
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    base = Path(tempfile.mkdtemp(prefix="altid-backup-"))
    base.chmod(0o755)
    told = _Story(base)
    told.account = accounts.choose(base / "data" / "postgres")
    if not accounts.reaches(told.account, Path(sys.prefix)):
        pytest.skip(f"the user {told.account.name} cannot reach this Python environment")
    context = _archiving(told)
    told.loop.run_until_complete(context.__aenter__())
    try:
        yield told
    finally:
        told.loop.run_until_complete(context.__aexit__(None, None, None))
        told.loop.close()
        shutil.rmtree(base)


def test_a_full_backup_is_what_the_server_sent(story: _Story) -> None:
    story.write("before")
    backup = story.take(Due("full"))
    assert (backup.kind, backup.parent) == ("full", None)
    assert verify(story.folder / "base" / backup.name).first == backup.first


def test_an_incremental_one_stands_on_it_and_is_small(story: _Story) -> None:
    (full,) = read_backups(story.folder)
    story.write("between")
    incremental = story.take(Due("incremental", full))
    assert (incremental.parent, incremental.bytes < full.bytes / 2) == (full.name, True)


def test_the_record_comes_back_as_it_was_between_two_writes(story: _Story) -> None:
    story.later()
    story.write("first")
    story.write("second")
    story.archived()
    found = story.restored("back", story.moments["first"])
    assert found == story.digests["first"]
    assert found != story.digests["second"]


def test_the_latest_is_all_that_was_written(story: _Story) -> None:
    assert story.restored("latest", None) == story.digests["second"]


def test_a_moment_after_the_last_commit_brings_all_of_it(story: _Story) -> None:
    assert story.restored("quiet", story.moments["second"]) == story.digests["second"]


def test_the_log_is_packed_and_serves_as_before(story: _Story) -> None:
    assert shelve(story.folder) > 0
    archive = read_archive(story.folder)
    packed = [path for path in archive.complete.values() if path.suffix == ".gz"]
    assert packed
    assert len(gzip.decompress(packed[0].read_bytes())) == 16 * 1024 * 1024
    assert story.restored("packed", story.moments["first"]) == story.digests["first"]


def test_a_damaged_segment_is_not_taken_for_the_end_of_the_log(story: _Story) -> None:
    broken = story.copied("damaged")
    packed = [path for path in read_archive(broken).complete.values() if path.suffix == ".gz"]
    for path in packed:
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PostgresError, match="could not restore file"):
        story.recovered("from-damaged", broken, choose(broken, None, datetime.now(UTC)), None)


@pytest.mark.parametrize("name", ["latest", "second"])
def test_log_that_vanishes_meanwhile_is_not_taken_for_its_end(story: _Story, name: str) -> None:
    broken = story.copied(f"vanished-{name}")
    choice = choose(broken, None, datetime.now(UTC))
    for segment in choice.segments:
        read_archive(broken).path(segment).unlink()
    with pytest.raises(PostgresError, match="ended before its last segment"):
        story.recovered(f"from-vanished-{name}", broken, choice, story.moments.get(name))


def test_a_moment_that_the_log_may_not_reach_is_refused(story: _Story) -> None:
    still, moment = story.copied("still"), datetime.now(UTC)
    choice = replace(choose(still, None, moment), whole=False, proven=False)
    with pytest.raises(PostgresError, match="The log does not reach"):
        story.recovered("unreached", still, choice, moment)


def test_the_future_cannot_be_had(story: _Story) -> None:
    with pytest.raises(PostgresError, match="is in the future"):
        choose(story.folder, datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC))


def test_before_the_oldest_backup_there_is_nothing(story: _Story) -> None:
    with pytest.raises(
        PostgresError, match="before the oldest base backup; the archive holds everything from"
    ):
        choose(story.folder, datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))


def test_a_gap_in_the_log_is_told(story: _Story, tmp_path: Path) -> None:
    broken = tmp_path / "backup"
    shutil.copytree(story.folder, broken)
    archive = read_archive(broken)
    archive.path(sorted(archive.segments)[-2]).unlink()
    with pytest.raises(PostgresError, match=r"no log that follows|The log has a gap"):
        choose(broken, None, datetime.now(UTC))


def test_a_single_changed_byte_is_found(story: _Story, tmp_path: Path) -> None:
    (full, *_) = read_backups(story.folder)
    copy = tmp_path / "copy"
    shutil.copytree(story.folder / "base" / full.name, copy)
    raw = bytearray((copy / BASE).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / BASE).write_bytes(raw)
    with pytest.raises(DamageError):
        verify(copy)


def test_what_stands_on_a_damaged_backup_is_not_good(story: _Story, tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    shutil.copytree(story.folder, copy)
    mark(copy, read_backups(copy)[0], None, "a file was changed", accounts.current())
    assert catalogue.good(read_backups(copy)) == []


def test_a_server_that_is_not_there_leaves_nothing_behind(story: _Story) -> None:
    nowhere = f"host={story.base} port=1 user=nobody"
    with pytest.raises(PostgresError, match="pg_basebackup: error"):
        story.loop.run_until_complete(
            take.take(story.folder, Due("full"), nowhere, "A", story.account, story.cluster.bin, story.base)
        )
    assert not list((story.folder / "base").glob("*.partial"))


def test_nothing_starts_on_a_restore_that_was_broken_off(story: _Story, tmp_path: Path) -> None:
    (tmp_path / RESTORING).mkdir()

    async def start() -> None:
        async with embedded(tmp_path, _SETTINGS):
            raise AssertionError("it started")

    story.own(tmp_path)
    with pytest.raises(PostgresError, match="a restore that was broken off"):
        story.loop.run_until_complete(start())
