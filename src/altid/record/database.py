"""The way to PostgreSQL: pools of connections with their limits.

Reads and writes have pools of their own: reads may go to a standby, and a storm of one must not take the
connections of the other. So have questions in the middle of a read (who may see this?).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from altid.record.connection import WriteConnection
from altid.record.primary import Primary

_CLOSE_S = 2.0

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may ask of the database."""

    read_connections: int = 8
    write_connections: int = 8
    inner_connections: int = 2
    """For short questions that come up in the middle of a read, whose own connection is held meanwhile. Had
    these to wait for one of the readers', as many requests as there are would wait for each other."""
    acquire_s: float = 5.0
    read_statement_ms: int = 15_000
    """A search that takes longer is refused: it would hold a connection that twenty others wait for."""
    write_statement_ms: int = 30_000
    connect_s: float = 5.0
    commit_s: float = 0.4
    """A commit takes milliseconds, a big transaction may take longer. After so long it is looked whether
    another server leads; looking costs two sessions."""

    write_deadline_s: float = 8.0
    """A write is tried for so long, also across a failover, which takes one to five seconds. A clinician
    takes less than ten as a pause, and more as a fault."""

    transaction_deadline_s: float = 30.0
    """The same for what may itself take long: a Bundle of thousands of resources."""


@dataclass(frozen=True, slots=True)
class Database:
    """Open pools."""

    readers: asyncpg.Pool[Any]
    inner: asyncpg.Pool[Any]
    primary: Primary
    limits: Limits
    is_replicated: bool = False
    """There is another site, so it is asked after each commit whether it has it."""

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A connection that can't write; for a moment, not for a whole request with its waiting client."""
        acquired: AbstractAsyncContextManager[Connection] = self.readers.acquire(
            timeout=self.limits.acquire_s
        )
        return acquired

    def reading_within(self) -> AbstractAsyncContextManager[Connection]:
        """The same for whoever may hold one of `reading` already. Nothing else may be waited for with it."""
        acquired: AbstractAsyncContextManager[Connection] = self.inner.acquire(timeout=self.limits.acquire_s)
        return acquired

    def writing(self, until_s: float | None = None) -> AbstractAsyncContextManager[WriteConnection]:
        """A session at the primary, waited for until a moment of the event loop's clock, or for `acquire_s`.

        Raises `NoPrimaryError`.
        """
        if until_s is None:
            until_s = asyncio.get_running_loop().time() + self.limits.acquire_s
        return self.primary.session(until_s)

    @asynccontextmanager
    async def lasting(self) -> AsyncIterator[WriteConnection]:
        """As `Primary.lasting`, closed at the end. Raises `NoPrimaryError`."""
        until_s = asyncio.get_running_loop().time() + self.limits.acquire_s
        connection = await self.primary.lasting(until_s)
        try:
            yield connection
        finally:
            connection.terminate()

    def suspect_primary(self) -> None:
        """A session broke: the primary may be another one now."""
        self.primary.suspect()


@asynccontextmanager
async def open_database(
    read_dsn: str, write_dsn: str, *, limits: Limits | None = None, is_replicated: bool = False
) -> AsyncIterator[Database]:
    """Open both pools and close them at the end. Reads may go to a standby, writes must reach the primary,
    which is one of the servers that `write_dsn` names."""
    limits = limits or Limits()
    async with (
        _readers(read_dsn, limits, limits.read_connections) as readers,
        _readers(read_dsn, limits, limits.inner_connections) as inner,
    ):
        primary = Primary(
            write_dsn,
            _settings("altid write", limits.write_statement_ms, readonly=False),
            size=limits.write_connections,
            connect_s=limits.connect_s,
            commit_s=limits.commit_s,
        )
        await primary.open()
        try:
            yield Database(readers, inner, primary, limits, is_replicated)
        finally:
            await primary.close()


def _settings(name: str, statement_ms: int, *, readonly: bool) -> dict[str, str]:
    return {
        "application_name": name,
        "statement_timeout": str(statement_ms),
        "idle_in_transaction_session_timeout": str(statement_ms),
        # The rules of `conditional` and `write_resources` look after they lock, and must see what is new.
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "on" if readonly else "off",
        "jit": "off",
        "timezone": "UTC",
    }


@asynccontextmanager
async def _readers(dsn: str, limits: Limits, size: int) -> AsyncIterator[asyncpg.Pool[Any]]:
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=limits.connect_s,
        max_inactive_connection_lifetime=0,
        server_settings=_settings("altid read", limits.read_statement_ms, readonly=True),
        reset=_keep_session,
    )
    try:
        yield pool
    finally:
        await _close_pool(pool)


async def _keep_session(_connection: Connection) -> None:
    """Instead of asyncpg's RESET ALL round trip after each use: our sessions never change their settings."""


async def _close_pool(pool: asyncpg.Pool[Any]) -> None:
    """Close without waiting for ever for a statement that hangs."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
