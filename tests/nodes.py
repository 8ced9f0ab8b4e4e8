"""PostgreSQL servers that replicate: a primary, a standby of it, and what befalls them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from altid.record.migrate import migrate
from altid.record.postgres import account, folder, launch, postmaster, programs
from altid.record.postgres.postmaster import Postmaster
from altid.record.roles import APP_ROLE, ensure_app_role
from tests.ports import free_port

_START_S_MAX = 60.0
_WAIT_S_MAX = 60.0

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 32MB
max_connections = 60
synchronous_commit = remote_apply
wal_sender_timeout = 60s
hot_standby_feedback = on
"""


class Node:
    """One server, on a TCP port of its own; anybody on this machine may enter while the test lasts."""

    def __init__(self, place: Path) -> None:
        self._account = account.current() if os.geteuid() != 0 else account.choose(place)
        self._programs = programs.find(self._account)
        self._server: Postmaster | None = None
        self.folder = place
        self.port = free_port()

    def make(self) -> None:
        """A new cluster with the record's schema."""
        self._run("initdb", "-D", str(self.folder), "-U", folder.SUPERUSER, "--auth", "trust", "-E", "UTF8")
        (self.folder / "postgresql.conf").write_text(_SETTINGS)

    def copy(self, primary: Node) -> None:
        """A standby of `primary`."""
        address = f"host=127.0.0.1 port={primary.port} user={folder.SUPERUSER} application_name=standby"
        self._run("pg_basebackup", "-D", str(self.folder), "-R", "-c", "fast", "-d", address)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs.bin / program), *arguments]
        subprocess.run(
            launch.command(self._account, self.folder.parent, command),
            check=True,
            capture_output=True,
            env=folder.environment(),
        )

    def start(self) -> None:
        (self.folder / "port.conf").write_text(f"port = {self.port}\n")
        (self.folder / "postgresql.conf").write_text(_SETTINGS + "include 'port.conf'\n")
        self._server = asyncio.run(postmaster.start(self.folder, self._account, self._programs, _START_S_MAX))

    def stop(self) -> None:
        if self._server is not None:
            self.thaw()
            asyncio.run(postmaster.stop(self._server, 0))
            self._server = None

    def kill(self) -> None:
        """kill -9 of all its processes."""
        self._signal(signal.SIGKILL)
        assert self._server is not None
        self._server.process.wait()
        self._server.complaints.close()
        self._server = None

    def freeze(self) -> None:
        """It takes connections and answers nobody."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._server is not None
        for process in postmaster._processes_in(self.folder):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def dsn(self, user: str = folder.SUPERUSER, database: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    async def ask(self, statement: str, *arguments: Any) -> Any:
        """One value, as the superuser, whose own commits wait for nobody."""
        connection = await asyncpg.connect(self.dsn(), server_settings={"synchronous_commit": "local"})
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    async def wait_for(self, statement: str, *arguments: Any) -> Any:
        """The first value that is true."""
        end_s = time.monotonic() + _WAIT_S_MAX
        while not (value := await self.ask(statement, *arguments)):
            assert time.monotonic() < end_s, f"in vain: {statement}"
            await asyncio.sleep(0.02)
        return value

    async def require(self, standbys: str) -> None:
        """Let commits wait for these standbys ('' : for none), and see to it that it is so."""
        await self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
        await self.ask("SELECT pg_reload_conf()")
        await self.wait_for("SELECT current_setting('synchronous_standby_names') = $1", standbys)
        # The setting is in force when the checkpointer has told the others.
        await self.ask("CHECKPOINT")

    async def waiting(self) -> int:
        """The process of a session of servers that waits for a standby to confirm."""
        return int(await self.wait_for(WAITING))


WAITING = f"SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = '{APP_ROLE}'"


@contextmanager
def a_primary() -> Iterator[Node]:
    """A primary with the record's schema in the database postgres. Commits wait for nobody yet."""
    place = Path(tempfile.mkdtemp(prefix="altid-node-"))
    node: Node | None = None
    try:
        _open_to_all(place)
        node = Node(place / "a")
        node.make()
        node.start()
        asyncio.run(migrate(node.dsn()))
        asyncio.run(ensure_app_role(node.dsn()))
        yield node
    finally:
        if node is not None:
            node.stop()
        shutil.rmtree(place)


@contextmanager
def a_pair() -> Iterator[tuple[Node, Node]]:
    """A primary and a standby that each commit waits for."""
    with a_primary() as primary:
        standby = Node(primary.folder.parent / "b")
        try:
            standby.copy(primary)
            standby.start()
            asyncio.run(primary.require("standby"))
            asyncio.run(primary.wait_for(IN_STEP))
            yield primary, standby
        finally:
            standby.stop()


IN_STEP = "SELECT bool_or(sync_state = 'sync') FROM pg_stat_replication"


def both(*nodes: Node) -> str:
    """The servers' address of several nodes."""
    places = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    return f"postgresql://{APP_ROLE}@{places}/postgres?target_session_attrs=primary"


def _open_to_all(place: Path) -> None:
    if os.geteuid() != 0:
        return
    owner = account.choose(place / "a")
    os.chown(place, owner.uid, owner.gid)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end_s = time.monotonic() + _WAIT_S_MAX
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.02)
