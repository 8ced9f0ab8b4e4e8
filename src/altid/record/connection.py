"""One session that writes: opened safely, watched while it commits, and never asked to cancel.

A commit waits for the other site. Asked to cancel meanwhile, PostgreSQL stops waiting, answers as if all were
well and adds a WARNING. So this session never sends such a request (asyncpg would, at a time-out or when a
task is cancelled: here it closes the socket instead). It notes every WARNING, because others can cancel too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

SETTINGS: Mapping[str, str] = {
    # The commit is answered when the other site shows it; without a second site: when it is on disk here.
    "synchronous_commit": "remote_apply",
    # The warning that a commit stopped waiting must arrive.
    "client_min_messages": "warning",
}
"""`require_safe_commit()` looks at both with every write, whoever may have changed them."""


class Backend(NamedTuple):
    """PostgreSQL's process behind a session; no other ever has the same two."""

    pid: int
    started: datetime


class WriteConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg tells no types
    """A session at a primary, or at what was one when it was opened."""

    host: str
    backend: Backend
    is_primary: bool
    timeline: int
    """Grows with each change of the lead: of two that call themselves primary the higher one is."""

    site: str | None
    """Where the server stands, if it was told (`altid.site`)."""

    waits_since: datetime | None
    """When the settings were loaded with which a commit was seen to wait for the other site."""

    doubtful: bool
    """A WARNING came: what was committed may be at this site only."""

    busy_since_s: float | None
    """When it was lent out, on the event loop's clock."""

    def _cancel_current_command(self, *_: Any) -> None:
        """Where asyncpg would ask PostgreSQL to cancel: close the socket, which leaves the commit waiting."""
        asyncio.get_running_loop().call_soon(self.terminate)


_STATE = """
SELECT NOT pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer END,
       pid, backend_start, nullif(current_setting('altid.site', true), '')
  FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""


async def connect(host: str, dsn: str, settings: Mapping[str, str], connect_s: float) -> WriteConnection:
    """Open a session at one server and find out what it is. Raises what asyncpg raises, or `TimeoutError`."""
    connection: WriteConnection | None = None
    try:
        async with asyncio.timeout(connect_s):
            connection = await asyncpg.connect(
                dsn,
                timeout=connect_s,
                connection_class=WriteConnection,
                server_settings={**settings, **SETTINGS},
            )
            connection.host, connection.doubtful, connection.busy_since_s = host, False, None
            connection.waits_since = None
            connection.add_log_listener(_heard)
            await look(connection)
            return connection
    except BaseException:
        if connection is not None:
            connection.terminate()
        raise


async def look(connection: WriteConnection) -> None:
    """Ask what the server is now."""
    row = await connection.fetchrow(_STATE)
    assert row is not None
    connection.is_primary, connection.timeline = row[0], row[1]
    connection.backend = Backend(row[2], row[3])
    connection.site = row[4]


def _heard(connection: Any, message: Any) -> None:
    """PostgreSQL's texts come in any language; a WARNING has nothing to do with an ordinary write."""
    if message.severity_en == "WARNING":
        connection.doubtful = True
