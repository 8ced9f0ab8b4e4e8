"""The audit of coming and going: kept before anything is told, or nobody is let in."""

from __future__ import annotations

import logging

from altid.access import accounts, logon
from altid.access.audit.event import NOBODY, Action, Event, Outcome, Who, who_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.door import UNAVAILABLE_ERRORS, Answer, Granted
from altid.access.identity import Role
from altid.access.refusal import Code, Refusal
from altid.api.access.asking import Asked

_JUDGED = frozenset(
    {
        Code.WRONG,
        Code.DISABLED,
        Code.MUST_CHANGE,
        Code.NOT_YOURS,
        Code.FULL_LOGON,
        Code.PASSKEY,
        Code.INVITATION,
        Code.INVALID_CLIENT,
        Code.INVALID_GRANT,
        Code.INVALID_SCOPE,
        Code.UNAUTHORIZED_CLIENT,
    }
)
"""Refusals of somebody. The others say that nobody was looked at: too many at once, slowed, badly formed."""

_log = logging.getLogger("altid.api")


async def keep(
    asked: Asked,
    action: Action,
    outcome: Outcome,
    who: Who,
    operation: str,
    *,
    patients: tuple[str, ...] = (),
    workplace: str = "",
) -> None:
    """One event. Raises `AuditUnavailableError`."""
    await asked.guard.audit.record(
        Event(
            at_us=int(asked.desk.clock() * 1_000_000),
            action=action,
            outcome=outcome,
            who=who,
            patients=patients,
            operation=operation,
            address=asked.caller.address,
            workplace=workplace,
            request=asked.request_id,
        )
    )


async def keep_logon(
    asked: Asked, answer: Answer, operation: str, *, username: str = "", workplace: str = ""
) -> None:
    """Of a way that was tried: who came in, or whom it was refused to, if that is anybody's name.

    Raises `AuditUnavailableError`; the session that was begun is ended then.
    """
    if isinstance(answer, Granted):
        await _keep_granted(asked, answer, operation, workplace)
    elif answer.code in _JUDGED:
        who = await _named(asked, username) if username else NOBODY
        told = f"{operation} ({answer.code})"
        await keep(asked, Action.LOGON, Outcome.REFUSED, who, told, workplace=workplace)


async def keep_change(asked: Asked, who: Who, refused: Refusal | None, operation: str) -> None:
    """Of a new way of coming in: a passkey, a badge, a PIN."""
    if refused is None:
        await keep(asked, Action.ADMINISTER, Outcome.DONE, who, operation)
    elif refused.code in _JUDGED:
        await keep(asked, Action.ADMINISTER, Outcome.REFUSED, who, f"{operation} ({refused.code})")


async def _keep_granted(asked: Asked, granted: Granted, operation: str, workplace: str) -> None:
    identity = granted.identity
    patients = () if identity.patient is None else (identity.patient,)
    try:
        await keep(
            asked,
            Action.LOGON,
            Outcome.DONE,
            who_of(identity),
            operation,
            patients=patients,
            workplace=workplace,
        )
    except AuditUnavailableError:
        if identity.role is not Role.SYSTEM:
            await logon.log_off(asked.desk, asked.caller, identity)
        raise


async def _named(asked: Asked, username: str) -> Who:
    """The account of that name. What is nobody's name may be a password typed in the wrong field."""
    try:
        async with asked.desk.database.reading() as connection:
            account = await accounts.find(connection, username)
    except UNAVAILABLE_ERRORS as error:
        _log.warning("whose name was tried is not known (%s)", type(error).__name__)
        return NOBODY
    return NOBODY if account is None else Who(account.id, account.name, "", "")
