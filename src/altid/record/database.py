"""The way to PostgreSQL: pools of connections with their limits.

Reads and writes have pools of their own: reads may go to a standby, and a storm of one must not take the
connections of the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

_CLOSE_S = 2.0

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may ask of the database."""

    read_connections: int = 8
    write_connections: int = 8
    acquire_s: float = 5.0
    read_statement_ms: int = 15_000
    """A search that takes longer is refused: it would hold a connection that twenty others wait for."""
    write_statement_ms: int = 30_000
    connect_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Database:
    """Open pools."""

    readers: asyncpg.Pool[Any]
    writers: asyncpg.Pool[Any]
    limits: Limits

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A connection that can't write; for a moment, not for a whole request with its waiting client."""
        acquired: AbstractAsyncContextManager[Connection] = self.readers.acquire(
            timeout=self.limits.acquire_s
        )
        return acquired

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        acquired: AbstractAsyncContextManager[Connection] = self.writers.acquire(
            timeout=self.limits.acquire_s
        )
        return acquired


@asynccontextmanager
async def open_database(
    read_dsn: str, write_dsn: str, *, limits: Limits | None = None
) -> AsyncIterator[Database]:
    """Open both pools and close them at the end. Reads may go to a standby, writes must reach the primary."""
    limits = limits or Limits()
    readers = await _open_pool(
        read_dsn, "altid read", limits.read_connections, limits.read_statement_ms, limits, readonly=True
    )
    try:
        writers = await _open_pool(
            write_dsn,
            "altid write",
            limits.write_connections,
            limits.write_statement_ms,
            limits,
            readonly=False,
        )
        try:
            yield Database(readers, writers, limits)
        finally:
            await _close_pool(writers)
    finally:
        await _close_pool(readers)


async def _open_pool(
    dsn: str, name: str, size: int, statement_ms: int, limits: Limits, *, readonly: bool
) -> asyncpg.Pool[Any]:
    settings = {
        "application_name": name,
        "statement_timeout": str(statement_ms),
        "idle_in_transaction_session_timeout": str(statement_ms),
        # The rules of `conditional` and `write_resources` look after they lock, and must see what is new.
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "on" if readonly else "off",
        "jit": "off",
        "timezone": "UTC",
    }
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=limits.connect_s,
        max_inactive_connection_lifetime=0,
        server_settings=settings,
        reset=_keep_session,
    )


async def _keep_session(_connection: Connection) -> None:
    """Instead of asyncpg's RESET ALL round trip after each use: our sessions never change their settings."""


async def _close_pool(pool: asyncpg.Pool[Any]) -> None:
    """Close without waiting for ever for a statement that hangs."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
