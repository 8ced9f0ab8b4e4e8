"""The embedded cluster: made at first use, kept running, stopped with the program that asked for it.

The supervisor holds the data folder's lock, ends what an earlier supervisor left behind, starts PostgreSQL
and starts it again whenever it ends by itself. If the supervisor is killed, the kernel tells PostgreSQL to
stop (see `launch`), so that nothing runs without a supervisor.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import asyncpg

from altid.record.postgres import account as accounts
from altid.record.postgres import folder, postmaster, programs, sockets
from altid.record.postgres.account import Account
from altid.record.postgres.error import PostgresError
from altid.record.postgres.postmaster import Postmaster
from altid.record.postgres.programs import Programs
from altid.record.postgres.settings import PostgresSettings, configuration

DATABASE = "altid"
_MAP = "altid"
_CONNECT_SECONDS_MAX = 20
_WATCH_SECONDS = 0.2
"""How soon the death of PostgreSQL is seen."""

_HEALTHY_SECONDS = 60.0
"""A server that ran this long had no trouble starting: the next pause is the shortest again."""

_log = logging.getLogger("altid.record.postgres")


@dataclass(frozen=True, slots=True)
class Cluster:
    """How to reach the running cluster: over a Unix socket, as this process' user or PostgreSQL's own."""

    socket_dir: Path
    port: int
    superuser: str
    database: str
    folder: Path
    bin: Path
    version: str

    @property
    def dsn(self) -> str:
        """The URL for the superuser and Altid's database."""
        return self.dsn_for(self.superuser)

    def dsn_for(self, user: str, database: str | None = None) -> str:
        """The URL for another role or database. It holds no secret: the socket's folder is the guard."""
        place = urlencode({"host": str(self.socket_dir), "port": self.port})
        return f"postgresql://{quote(user, safe='')}@/{quote(database or self.database, safe='')}?{place}"


@dataclass(slots=True)
class _Supervised:
    """What is needed to start the server once more, and the one that runs now."""

    cluster: Path
    account: Account
    programs: Programs
    settings: PostgresSettings
    server: Postmaster | None = field(default=None)


@asynccontextmanager
async def embedded(data: Path, settings: PostgresSettings | None = None) -> AsyncIterator[Cluster]:
    """Run the cluster of the data folder as long as the context lasts. Raises `PostgresError` if it can't.

    The thread that enters must live as long as the context: its end stops PostgreSQL.
    """
    chosen = settings or PostgresSettings()
    async with AsyncExitStack() as stack:
        data, owner = await asyncio.to_thread(_claim, data)
        stack.enter_context(folder.held(data, owner))
        supervised, socket_dir = await asyncio.to_thread(_prepare, data, owner, chosen)
        stack.callback(sockets.remove, socket_dir, data)
        ended = await postmaster.clear_leftovers(supervised.cluster, chosen.stop_seconds_max)
        if ended:
            _log.warning("ended %d processes of PostgreSQL that an earlier run left behind", ended)
        cluster = Cluster(
            socket_dir,
            sockets.PORT,
            folder.SUPERUSER,
            DATABASE,
            supervised.cluster,
            supervised.programs.bin,
            supervised.programs.version,
        )
        supervised.server = await _start(supervised)
        stack.push_async_callback(_stop, supervised)
        await _complete(cluster)
        stack.push_async_callback(_end, asyncio.create_task(_watch(supervised)))
        yield cluster


def _claim(data: Path) -> tuple[Path, Account]:
    absolute = data.absolute()
    owner = accounts.choose(folder.cluster_folder(absolute))
    folder.make_data(absolute, owner)
    return absolute, owner


def _prepare(data: Path, owner: Account, settings: PostgresSettings) -> tuple[_Supervised, Path]:
    """The blocking part of a start: programs, cluster, socket folder, configuration."""
    folder.check_ours(data)
    found = programs.find(owner)
    folder.make_cluster(data, owner, found)
    cluster = folder.cluster_folder(data)
    socket_dir = sockets.place(data, owner)
    text = configuration(settings, socket_dir, sockets.PORT)
    folder.write_owned(cluster / folder.OWN_CONFIGURATION, text, owner)
    folder.write_owned(
        cluster / "pg_hba.conf",
        f"local all all peer map={_MAP}\nlocal replication all peer map={_MAP}\n",
        owner,
    )
    folder.write_owned(cluster / "pg_ident.conf", _identities(owner), owner)
    return _Supervised(cluster, owner, found, settings), socket_dir


def _identities(owner: Account) -> str:
    """Who may enter: this process' user and PostgreSQL's own may take every role, others none."""
    names = {owner.name, accounts.current().name}
    return "".join(f'{_MAP} "{name}" all\n' for name in sorted(names))


async def _start(supervised: _Supervised) -> Postmaster:
    return await postmaster.start(
        supervised.cluster, supervised.account, supervised.programs, supervised.settings.start_seconds_max
    )


async def _stop(supervised: _Supervised) -> None:
    if supervised.server is None:
        return
    if not await postmaster.stop(supervised.server, supervised.settings.stop_seconds_max):
        _log.warning("PostgreSQL had to be stopped at once; it will recover at the next start")


async def _end(watch: asyncio.Task[None]) -> None:
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch


async def _watch(supervised: _Supervised) -> None:
    """Start the server again whenever it ends, for ever: a full disk, say, is mended by people, later."""
    loop = asyncio.get_running_loop()
    settings = supervised.settings
    pause, started = settings.restart_pause_seconds_min, loop.time()
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if supervised.server is not None and supervised.server.running:
            continue
        if loop.time() - started > _HEALTHY_SECONDS:
            pause = settings.restart_pause_seconds_min
        _log.error("PostgreSQL %s; starting it again in %.1f s", _how_it_ended(supervised), pause)
        _forget(supervised)
        await asyncio.sleep(pause)
        pause = min(pause * 2, settings.restart_pause_seconds_max)
        started = loop.time()
        await _start_again(supervised)


async def _start_again(supervised: _Supervised) -> None:
    try:
        await postmaster.clear_leftovers(supervised.cluster, 1.0)
        supervised.server = await _start(supervised)
    except PostgresError as error:
        _log.error("%s", error)
        return
    except Exception:
        _log.exception("PostgreSQL could not be started again")
        return  # a supervisor that dies of a surprise would leave the record down for good
    _log.warning("PostgreSQL runs again")


def _forget(supervised: _Supervised) -> None:
    if supervised.server is not None:
        supervised.server.complaints.close()
    supervised.server = None


def _how_it_ended(supervised: _Supervised) -> str:
    if supervised.server is None:
        return "is down"
    code = supervised.server.process.returncode
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


async def _complete(cluster: Cluster) -> None:
    """Make what initdb leaves out; each part on its own, so that an interrupted first start is made good."""
    connection = await asyncpg.connect(
        cluster.dsn_for(cluster.superuser, "postgres"), timeout=_CONNECT_SECONDS_MAX
    )
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", cluster.database):
            await connection.execute(f'CREATE DATABASE "{cluster.database}"')
        if not await connection.fetchval(_IS_SILENT):
            await connection.execute("ALTER ROLE ALL SET log_min_messages = 'log'")
    finally:
        await connection.close(timeout=_CONNECT_SECONDS_MAX)


_IS_SILENT = """
SELECT true FROM pg_db_role_setting
WHERE setdatabase = 0 AND setrole = 0 AND 'log_min_messages=log' = ANY (setconfig)
"""
"""Errors of sessions quote values (`invalid input syntax for type date: "..."`), so sessions log none.
Errors of PostgreSQL's own processes, such as a failing checkpoint, do reach the log."""
