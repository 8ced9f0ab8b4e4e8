"""One attempt at a write: what its failure means, and what must be known before the next one.

A write is attempted until it is answered or its deadline has come. Between two attempts there is a question:
could the one before still be carried out? At a former primary it could not count: the log of the new one has
what it has. At the same server its process may still be at work, so the next attempt waits until it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from altid.record.connection import Backend, WriteConnection
from altid.record.primary import NoPrimaryError
from altid.record.write import Safety


class OutcomeUnknownError(Exception):
    """The write was sent and not answered in time: it may be stored or not."""


class NotStoredError(Exception):
    """The record could not be reached in time. Nothing was stored, nor will be."""


class LocalOnlyError(Exception):
    """PostgreSQL warned during the commit: it may be at this site only."""


# The last is how asyncpg tells that PostgreSQL has ended the session while nothing was asked of it.
_BROKEN = (OSError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)
_UNFIT = (asyncpg.ReadOnlySQLTransactionError, asyncpg.ObjectNotInPrerequisiteStateError)
_AGAIN_EVERY_S = 0.02

# A process that is idle has received nothing, and must not: what was sent may still be on its way to it.
_STILL_THERE = """
SELECT CASE WHEN a.state LIKE 'idle%' THEN pg_terminate_backend(a.pid) ELSE true END
  FROM unnest($1::integer[], $2::timestamptz[]) b(pid, started)
  JOIN pg_stat_activity a ON a.pid = b.pid AND a.backend_start = b.started
"""


def is_lost(error: Exception, connection: WriteConnection) -> bool:
    """The answer can no longer come, and the statement may have been carried out."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    if isinstance(error, asyncpg.InterfaceError):
        return bool(connection.is_closed())
    return isinstance(error, (*_BROKEN, LocalOnlyError, asyncpg.OperatorInterventionError))


def is_refused(error: Exception) -> bool:
    """The server has not carried it out; another one, or the same in a moment, may."""
    return isinstance(error, (*_UNFIT, asyncpg.TransactionRollbackError))


def is_unfit(error: Exception) -> bool:
    """The session must not be used again: its server is a standby, or its commits would not wait."""
    return isinstance(error, _UNFIT)


def check(connection: WriteConnection) -> None:
    """Call it when a commit was answered. Raises `LocalOnlyError` where the answer is not worth its name."""
    if connection.doubtful:
        connection.doubtful = False
        raise LocalOnlyError


async def wait_for_end(connection: WriteConnection, earlier: Sequence[Backend], until_s: float) -> None:
    """Wait until no process of an earlier attempt is left. Raises `NoPrimaryError` when that is too late."""
    if not earlier:
        return
    pids, started = [one.pid for one in earlier], [one.started for one in earlier]
    while await connection.fetch(_STILL_THERE, pids, started):
        if asyncio.get_running_loop().time() > until_s:
            raise NoPrimaryError
        await asyncio.sleep(_AGAIN_EVERY_S)


async def safety_of(connection: WriteConnection, position: int) -> Safety:
    """How safe the commit is that this session was just answered; "two-sites" only where that is certain.

    PostgreSQL's answer alone is not enough. That commits wait is told to its sessions by the checkpointer,
    which may be seconds behind with that while it is busy: for so long commits are answered without waiting,
    although a standby is named, is in step and may take the lead. So either the other site shows all that
    there is by now; or it is in step, and with these very settings a commit was seen to wait before; or the
    answer is held back here until it has the commit, or nobody is to be waited for any more.
    Raises `LocalOnlyError` when neither comes.
    """
    until_s = asyncio.get_running_loop().time() + _HELD_BACK_S_MAX
    held_back = False
    try:
        while True:
            applied, in_step, alone, reached, loaded = await connection.fetchrow(_SAFETY, position)
            if applied or (in_step and (held_back or connection.waits_since == loaded)):
                return "two-sites"
            if alone:
                return "one-site"
            if connection.waits_since != loaded and await connection.fetchval(_SOMEBODY_WAITS):
                connection.waits_since = loaded
            if not held_back:
                position, held_back = reached, True
            if asyncio.get_running_loop().time() > until_s:
                raise LocalOnlyError
            await asyncio.sleep(_HELD_BACK_EVERY_S)
    except (*_BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
        raise LocalOnlyError from None


_HELD_BACK_S_MAX, _HELD_BACK_EVERY_S = 30.0, 0.002
"""Patroni needs two or three seconds until nobody is waited for. Who asked has a deadline of their own."""

_SAFETY = "SELECT applied, in_step, alone, reached, loaded FROM commit_safety($1)"
_SOMEBODY_WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"
