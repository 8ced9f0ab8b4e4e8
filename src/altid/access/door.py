"""What all ways of coming in share: who calls, what they are given, and what a fault becomes."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import asyncpg

from altid.access import refusal, sessions
from altid.access.accounts import Account
from altid.access.admission import NotNowError
from altid.access.desk import Desk
from altid.access.identity import Identity, Level, Role
from altid.access.keys import NoSigningKeyError
from altid.access.refusal import Refusal
from altid.access.scopes import PEOPLES, STAYS, of_record
from altid.access.sessions import LOCAL, Begun, Stopped
from altid.access.tokens import Subject, issue
from altid.access.waiting import Away
from altid.record.connection import WriteConnection
from altid.record.primary import NoPrimaryError

_log = logging.getLogger("altid.access")

UNAVAILABLE_ERRORS = (
    OSError,
    TimeoutError,
    NoPrimaryError,
    NoSigningKeyError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""The database, or the key to sign with, is away for now."""

_BROKEN = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""The primary may be another one now."""

_SAID_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from, and how long its sender waits (monotonic seconds)."""

    address: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Granted:
    """Tokens. They are shown to nobody but the caller."""

    identity: Identity
    access: str = field(repr=False)
    expires_in_s: int
    refresh: str | None = field(default=None, repr=False)
    """None for systems: they ask with a new assertion."""
    scopes: tuple[str, ...] = ()
    """All that was given, also those that open no record; () where nothing was narrowed."""
    id_token: str | None = field(default=None, repr=False)
    """Says to an application who the person is (OpenID Connect)."""


Answer: TypeAlias = Granted | Refusal
_P = ParamSpec("_P")
_Result = TypeVar("_Result")


def way(
    function: Callable[Concatenate[Desk, Caller, _P], Awaitable[_Result]],
) -> Callable[Concatenate[Desk, Caller, _P], Coroutine[Any, Any, _Result | Refusal]]:
    """A way of coming in: a full line and a database that is away become refusals."""

    @functools.wraps(function)
    async def guarded(
        desk: Desk, caller: Caller, /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _Result | Refusal:
        try:
            return await function(desk, caller, *args, **kwargs)
        except NotNowError as error:
            return not_now(desk, "", error.away)
        except UNAVAILABLE_ERRORS as error:
            if isinstance(error, _BROKEN):
                desk.database.suspect_primary()
            _say_away(desk, error)
            return refusal.UNAVAILABLE

    return guarded


def _say_away(desk: Desk, error: Exception) -> None:
    now = desk.monotonic()
    if now - desk.trouble.said_s >= _SAID_EVERY_S:
        desk.trouble.said_s = now
        _log.warning("logon: the database is not available (%s)", type(error).__name__)


def writing(desk: Desk, caller: Caller) -> AbstractAsyncContextManager[WriteConnection]:
    """A session at the primary, waited for no longer than the caller waits."""
    remaining_s = min(caller.deadline_s - desk.monotonic(), desk.database.limits.acquire_s)
    return desk.database.writing(asyncio.get_running_loop().time() + remaining_s)


async def let_in(
    desk: Desk,
    caller: Caller,
    account: Account,
    role: Role | None,
    organisation: str | None,
    level: Level,
    *,
    idp: str = LOCAL,
    until_s: float | None = None,
) -> Answer:
    """A session for somebody who has proved to be this account."""
    role = role or account.roles[0]
    organisation = organisation or account.organisations[0]
    if role not in account.roles or organisation not in account.organisations:
        return refusal.NOT_YOURS
    desk.keys.signing()
    async with writing(desk, caller) as connection:
        begun = await sessions.start(
            connection,
            desk.chain,
            desk.settings,
            account=account.id,
            name=account.name,
            role=role,
            organisation=organisation,
            level=level,
            now_s=desk.clock(),
            rng=desk.rng,
            idp=idp,
            until_s=until_s,
        )
    return of_session(desk, begun)


def look_at_reuse(desk: Desk, stopped: Stopped) -> None:
    """An old refresh token came back, which ended its session: here at once."""
    if stopped.by_reuse and stopped.sid is not None:
        desk.keys.end_now(stopped.sid)
        _log.warning("an old refresh token came back: its session was ended")


def not_now(desk: Desk, username: str, away: Away) -> Refusal:
    """With an appointment for whoever gave a user name."""
    if away.late:
        return refusal.TOO_LATE
    appointment = desk.appointments.make(username, desk.clock() + away.wait_s) if username else None
    return refusal.busy(away.place, away.wait_s, appointment)


def of_session(desk: Desk, begun: Begun) -> Granted:
    """Tokens of a session."""
    session = begun.session
    narrowing = session.narrowing
    subject = Subject(
        id=session.account,
        name=session.name,
        role=session.role,
        organisation=session.organisation,
        level=session.level,
        session=session.sid,
        scopes=of_record(narrowing.scopes, *PEOPLES) if narrowing else (),
        patient=narrowing.patient if narrowing else None,
        application=narrowing.client if narrowing else None,
    )
    if narrowing is None:
        return granted(desk, subject, begun.refresh, desk.settings.token_s)
    refresh = begun.refresh if STAYS in narrowing.scopes else None
    given = granted(desk, subject, refresh, desk.settings.token_s)
    return replace(given, scopes=narrowing.scopes)


def granted(desk: Desk, subject: Subject, refresh: str | None, life_s: float) -> Granted:
    """Tokens for a subject; `life_s` is the mean of the access token's life."""
    now = desk.clock()
    access, identity = issue(subject, desk.keys.signing(), desk.settings, now, desk.rng, life_s=life_s)
    return Granted(identity, access, identity.expires_s - int(now), refresh, subject.scopes)
