"""The ways of coming in. Each gives tokens or a refusal; none raises for what a caller or a database does.

Order of every way: what costs nothing (form, throttle, seal), the place in the line, what is expensive, the
session. A session id is always new, whatever the caller had before.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from altid.access import accounts, clients, passkeys, refusal, sessions
from altid.access.accounts import Account, username_of
from altid.access.admission import NotNowError
from altid.access.clients import ProofError
from altid.access.desk import Desk
from altid.access.door import (
    Answer,
    Caller,
    granted,
    let_in,
    look_at_reuse,
    not_now,
    of_session,
    way,
    writing,
)
from altid.access.federation import grace
from altid.access.identity import Identity, Level, Role
from altid.access.passkeys import PasskeyError
from altid.access.passwords import PASSWORD_CHARACTERS_MAX, strength
from altid.access.refusal import Refusal
from altid.access.sessions import Begun, Stopped
from altid.access.tokens import Subject
from altid.access.waiting import Priority

USERNAME_CHARACTERS_MAX = 64
SCOPE_CHARACTERS_MAX = 4_096

_log = logging.getLogger("altid.access")


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has typed. Without role and place of work, the account's first ones."""

    username: str
    password: str = field(repr=False)
    role: Role | None = None
    organisation: str | None = None
    appointment: str | None = field(default=None, repr=False)


@way
async def with_password(desk: Desk, caller: Caller, typed: Typed) -> Answer:
    """The full logon of a local account."""
    found = await _password_holder(desk, caller, typed)
    if isinstance(found, Refusal):
        return found
    if found.must_change:
        return refusal.MUST_CHANGE
    if await grace.must_go_there(desk, found.id):
        return refusal.USE_PROVIDER
    return await let_in(desk, caller, found, typed.role, typed.organisation, desk.settings.password_level)


@way
async def with_new_password(desk: Desk, caller: Caller, typed: Typed, new: str) -> Answer:
    """Change the password and log on; whoever knew the old one is out."""
    weak = strength(new, username_of(typed.username))
    if weak is not None:
        return weak
    found = await _password_holder(desk, caller, typed)
    if isinstance(found, Refusal):
        return found
    if await grace.must_go_there(desk, found.id):
        return refusal.USE_PROVIDER
    async with desk.hashing.place(Priority.REENTRY, caller.deadline_s):
        hashed = await desk.passwords.hash(new)
    async with writing(desk, caller) as connection:
        await accounts.set_password(connection, found.id, hashed, desk.clock())
    return await let_in(desk, caller, found, typed.role, typed.organisation, desk.settings.password_level)


@way
async def with_passkey(
    desk: Desk,
    caller: Caller,
    answer: str,
    state: str,
    role: Role | None = None,
    organisation: str | None = None,
) -> Answer:
    """A full logon by a passkey."""
    try:
        async with (
            desk.light.place(Priority.ORDINARY, caller.deadline_s),
            writing(desk, caller) as connection,
        ):
            whose = await passkeys.account_of(
                connection,
                desk.challenges,
                desk.settings,
                answer=answer,
                state=state,
                now_s=desk.clock(),
            )
            account = await accounts.by_id(connection, whose)
    except PasskeyError as error:
        _log.info("passkey refused: %s", error)
        return refusal.PASSKEY
    if account is None or account.is_disabled:
        return refusal.DISABLED
    if await grace.must_go_there(desk, account.id):
        return refusal.USE_PROVIDER
    return await let_in(desk, caller, account, role, organisation, desk.settings.passkey_level)


@way
async def with_assertion(desk: Desk, caller: Caller, assertion: str, scope: str = "") -> Answer:
    """A system, by its signed assertion: a short token and no session."""
    if len(scope) > SCOPE_CHARACTERS_MAX:
        return refusal.INVALID_REQUEST
    try:
        async with (
            desk.light.place(Priority.ORDINARY, caller.deadline_s),
            writing(desk, caller) as connection,
        ):
            client = await clients.verify(connection, desk.settings, assertion, desk.clock())
    except ProofError as error:
        _log.info("assertion refused: %s", error)
        return refusal.INVALID_CLIENT
    allowed = clients.granted(client, scope)
    if not allowed:
        return refusal.INVALID_SCOPE
    subject = Subject(
        id=client.id,
        name=client.name,
        role=Role.SYSTEM,
        organisation=client.organisation,
        level=Level.SUBSTANTIAL,
        session=sessions.new_id(desk.rng),
        scopes=allowed,
    )
    return granted(desk, subject, None, desk.settings.client_token_s)


@way
async def with_refresh(desk: Desk, caller: Caller, token: str) -> Answer:
    """Go on with a session: a new access token and the next refresh token."""
    if desk.chain.read(token) is None:
        return refusal.ENDED
    async with (
        desk.light.place(Priority.REENTRY, caller.deadline_s),
        writing(desk, caller) as connection,
    ):
        begun = await sessions.refresh(connection, desk.chain, desk.settings, token, desk.clock())
        if isinstance(begun, Begun) and await grace.has_ended(connection, desk, begun.session.sid):
            return refusal.ENDED
    if isinstance(begun, Stopped):
        look_at_reuse(desk, begun)
        return refusal.ENDED
    return of_session(desk, begun)


@way
async def log_off(desk: Desk, caller: Caller, identity: Identity) -> bool:
    """End the session, here at once and everywhere within seconds. True if it was open."""
    desk.keys.end_now(identity.session)
    async with writing(desk, caller) as connection:
        return await sessions.end(connection, identity.session, desk.clock())


@way
async def log_off_with_refresh(desk: Desk, caller: Caller, token: str) -> str | None:
    """End the session that a refresh token goes on with, as above, where the access token has run out.

    Gives its id if it was open.
    """
    link = desk.chain.read(token)
    if link is None:
        return None
    desk.keys.end_now(link.session)
    async with writing(desk, caller) as connection:
        was_open = await sessions.end(connection, link.session, desk.clock())
    return link.session if was_open else None


async def _password_holder(desk: Desk, caller: Caller, typed: Typed) -> Account | Refusal:
    """The account whose password it is, or why not. The same answer and time for nobody's name."""
    username = username_of(typed.username[: USERNAME_CHARACTERS_MAX + 1])
    if len(username) > USERNAME_CHARACTERS_MAX or len(typed.password) > PASSWORD_CHARACTERS_MAX:
        return refusal.INVALID_REQUEST
    pause = desk.throttle.pause(username, caller.address)
    if pause.refuse_s > 0:
        return refusal.slowed(pause.refuse_s)
    priority = _priority(desk, username, typed.appointment)
    if pause.hold_s > 0:
        priority = Priority.SUSPECT
        await desk.sleep(min(pause.hold_s, (caller.deadline_s - desk.monotonic()) / 2))
    try:
        async with desk.hashing.place(priority, caller.deadline_s):
            account, is_right = await _verified(desk, caller, username, typed.password)
    except NotNowError as error:
        return not_now(desk, username, error.away)
    if account is None or not is_right:
        desk.throttle.failed(username, caller.address)
        return refusal.WRONG
    desk.throttle.succeeded(username, caller.address)
    return refusal.DISABLED if account.is_disabled else account


async def _verified(desk: Desk, caller: Caller, username: str, password: str) -> tuple[Account | None, bool]:
    """No connection is held while the hash is computed."""
    async with desk.database.reading() as connection:
        account = await accounts.find(connection, username)
    stored = None if account is None else account.password
    is_right = await desk.passwords.verify(stored, password)
    if account is not None and is_right and accounts.has_outdated_hash(account):
        renewed = await desk.passwords.hash(password)
        async with writing(desk, caller) as connection:
            await accounts.renew_hash(connection, account, renewed)
    return account, is_right


def _priority(desk: Desk, username: str, appointment: str | None) -> Priority:
    if username in desk.emergency.usernames:
        return Priority.EMERGENCY
    if desk.appointments.is_due(appointment, username, desk.clock()):
        return Priority.RETURNING
    return Priority.ORDINARY
