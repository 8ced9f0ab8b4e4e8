"""The audit of coming and going: kept before anything is told, or nobody is let in.

Whoever puts a way of coming in before people or programs (endpoints, pages) tells it here.
"""

from __future__ import annotations

import logging

from altid.access import accounts, logon
from altid.access.audit.event import NOBODY, Action, Event, Outcome, Who, who_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.door import UNAVAILABLE_ERRORS, Answer, Caller, Granted
from altid.access.guard import Guard
from altid.access.identity import Role
from altid.access.permit import Origin
from altid.access.refusal import Code, Refusal

_JUDGED = frozenset(
    {
        Code.WRONG,
        Code.DISABLED,
        Code.MUST_CHANGE,
        Code.NOT_YOURS,
        Code.FULL_LOGON,
        Code.PASSKEY,
        Code.INVITATION,
        Code.PROVIDER_REFUSED,
        Code.BEGIN_AGAIN,
        Code.NOT_MAPPED,
        Code.LEVEL_TOO_LOW,
        Code.USE_PROVIDER,
        Code.INVALID_CLIENT,
        Code.INVALID_GRANT,
        Code.INVALID_SCOPE,
        Code.UNAUTHORIZED_CLIENT,
    }
)
"""Refusals of somebody. The others say that nobody was looked at: too many at once, slowed, badly formed."""

LOCAL_WAYS = frozenset({"password", "new password", "passkey", "invitation"})
"""Ways in that are an emergency's while no identity provider of the region answers. Badge and PIN are not:
they open what a full logon has opened before."""

_log = logging.getLogger("altid.access")


async def keep(
    guard: Guard,
    origin: Origin,
    action: Action,
    outcome: Outcome,
    who: Who,
    operation: str,
    patients: tuple[str, ...] = (),
    *,
    type_: str = "",
    id_: str = "",
) -> None:
    """One event. Raises `AuditUnavailableError`."""
    await guard.audit.record(
        Event(
            at_us=int(guard.desk.clock() * 1_000_000),
            action=action,
            outcome=outcome,
            who=who,
            patients=patients,
            type=type_,
            id=id_,
            operation=operation,
            address=origin.address,
            workplace=origin.workplace,
            request=origin.request,
        )
    )


async def keep_logon(
    guard: Guard, caller: Caller, origin: Origin, answer: Answer, operation: str, *, username: str = ""
) -> None:
    """Of a way that was tried: who came in, or whom it was refused to, if that is anybody's name.

    Raises `AuditUnavailableError`; the session that was begun is ended then.
    """
    if isinstance(answer, Granted):
        await _keep_granted(guard, caller, origin, answer, operation)
    elif answer.code in _JUDGED:
        who = await _named(guard, username) if username else NOBODY
        told = f"{operation} ({answer.code})"
        await keep(guard, origin, Action.LOGON, Outcome.REFUSED, who, told)


async def keep_refresh(guard: Guard, origin: Origin, answer: Answer, token: str) -> None:
    """Going on is no logon. But a genuine refresh token that is worth nothing is an event: its session has
    ended, or it was used before, perhaps by a thief."""
    link = guard.desk.chain.read(token)
    if link is not None and isinstance(answer, Refusal) and answer.code in (Code.ENDED, Code.INVALID_GRANT):
        who, told = Who("", "", "", "", link.session), f"refresh ({answer.code})"
        await keep(guard, origin, Action.LOGON, Outcome.REFUSED, who, told)


async def keep_change(
    guard: Guard, origin: Origin, who: Who, refused: Refusal | None, operation: str
) -> None:
    """Of a new way of coming in: a passkey, a badge, a PIN."""
    if refused is None:
        await keep(guard, origin, Action.ADMINISTER, Outcome.DONE, who, operation)
    elif refused.code in _JUDGED:
        told = f"{operation} ({refused.code})"
        await keep(guard, origin, Action.ADMINISTER, Outcome.REFUSED, who, told)


async def _keep_granted(
    guard: Guard, caller: Caller, origin: Origin, granted: Granted, operation: str
) -> None:
    identity = granted.identity
    action = guard.desk.federation.local_logon if operation in LOCAL_WAYS else Action.LOGON
    patients = () if identity.patient is None else (identity.patient,)
    try:
        await keep(guard, origin, action, Outcome.DONE, who_of(identity), operation, patients)
    except AuditUnavailableError:
        if identity.role is not Role.SYSTEM:
            await logon.log_off(guard.desk, caller, identity)
        raise


async def _named(guard: Guard, username: str) -> Who:
    """The account of that name. What is nobody's name may be a password typed in the wrong field."""
    try:
        async with guard.desk.database.reading() as connection:
            account = await accounts.find(connection, username)
    except UNAVAILABLE_ERRORS as error:
        _log.warning("whose name was tried is not known (%s)", type(error).__name__)
        return NOBODY
    return NOBODY if account is None else Who(account.id, account.name, "", "")
