"""Coming back in at a ward's shared PC: the ways by badge and by PIN, and the right to them."""

from __future__ import annotations

from altid.access import accounts, reentry, refusal, sessions
from altid.access.accounts import is_username, username_of
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, let_in, way, writing
from altid.access.identity import Identity
from altid.access.logon import USERNAME_CHARACTERS_MAX
from altid.access.passwords import is_pin
from altid.access.reentry import WRONG_PINS_MAX, Entry
from altid.access.refusal import Refusal
from altid.access.waiting import Priority
from altid.record.database import Connection

IDP = "reentry"
"""How a session says that it was begun without a full logon."""
OFFERED_S = 15 * 60
"""So long after a full logon one may choose badge or PIN: a stolen token can't do it all day."""


@way
async def with_badge(desk: Desk, caller: Caller, workplace_key: str, badge: str) -> Answer:
    """A badge on the reader of a workplace."""
    if not reentry.is_badge(badge):
        return refusal.INVALID_REQUEST
    reader = f"badge {reentry.fingerprint(workplace_key)}"
    pause = desk.throttle.pause(reader, reader)
    if pause.refuse_s > 0:
        return refusal.slowed(pause.refuse_s)
    async with (
        desk.light.place(Priority.REENTRY, caller.deadline_s),
        desk.database.reading() as connection,
    ):
        workplace = await reentry.workplace_of(connection, workplace_key)
        entry = None
        if workplace is not None:
            entry = await reentry.by_badge(connection, desk.secret, workplace, badge, desk.clock())
    if entry is None:
        desk.throttle.failed(reader, reader)
        return refusal.FULL_LOGON
    desk.throttle.succeeded(reader, reader)
    return await _back_in(desk, caller, entry)


@way
async def with_pin(desk: Desk, caller: Caller, workplace_key: str, username: str, pin: str) -> Answer:
    """User name and PIN at a workplace. After five wrong ones only the full logon is left."""
    username = username_of(username[: USERNAME_CHARACTERS_MAX + 1])
    place = f"pin {reentry.fingerprint(workplace_key)}"
    pause = desk.throttle.pause(f"{place} {username}", place)
    if pause.refuse_s > 0:
        return refusal.slowed(pause.refuse_s)
    async with desk.hashing.place(Priority.REENTRY, caller.deadline_s):
        async with desk.database.reading() as connection:
            workplace = await reentry.workplace_of(connection, workplace_key)
            entry = None
            if workplace is not None and is_username(username):
                entry = await reentry.by_name(connection, workplace, username, desk.clock())
        is_right = await desk.passwords.verify(entry.pin if entry else None, pin)
    if entry is None:
        desk.throttle.failed(f"{place} {username}", place)
        return refusal.FULL_LOGON
    if not is_right:
        return await _wrong_pin(desk, caller, entry, f"{place} {username}", place)
    desk.throttle.succeeded(f"{place} {username}", place)
    return await _back_in(desk, caller, entry)


@way
async def allow(
    desk: Desk,
    caller: Caller,
    identity: Identity,
    workplace_key: str,
    *,
    badge: str | None = None,
    pin: str | None = None,
) -> Refusal | None:
    """For the rest of the shift, to somebody who has just logged on in full at this workplace."""
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    if (badge is None and pin is None) or (badge is not None and not reentry.is_badge(badge)):
        return refusal.INVALID_REQUEST
    if pin is not None and not is_pin(pin):
        return refusal.WEAK_PIN
    pin_hash = None
    if pin is not None:
        async with desk.hashing.place(Priority.ORDINARY, caller.deadline_s):
            pin_hash = await desk.passwords.hash(pin)
    async with writing(desk, caller) as connection:
        workplace = await reentry.workplace_of(connection, workplace_key)
        if workplace is None or not await has_just_logged_on(connection, desk, identity):
            return refusal.FULL_LOGON
        await reentry.allow(
            connection,
            desk.secret,
            desk.settings,
            workplace,
            account=identity.subject,
            role=identity.role,
            organisation=identity.organisation,
            level=identity.level,
            now_s=desk.clock(),
            rng=desk.rng,
            badge=badge,
            pin_hash=pin_hash,
        )
    return None


async def _wrong_pin(desk: Desk, caller: Caller, entry: Entry, who: str, place: str) -> Refusal:
    desk.throttle.failed(who, place)
    if desk.throttle.wrong_tries(who, place) < WRONG_PINS_MAX - 0.5:
        return refusal.WRONG_PIN
    async with writing(desk, caller) as connection:
        await reentry.forget(connection, entry.account, entry.workplace)
    return refusal.FULL_LOGON


async def _back_in(desk: Desk, caller: Caller, entry: Entry) -> Answer:
    async with desk.database.reading() as connection:
        account = await accounts.by_id(connection, entry.account)
    if account is None or account.is_disabled:
        return refusal.FULL_LOGON
    return await let_in(
        desk, caller, account, entry.role, entry.organisation, entry.level, idp=IDP, until_s=entry.expires_s
    )


async def has_just_logged_on(connection: Connection, desk: Desk, identity: Identity) -> bool:
    """In full, at most `OFFERED_S` ago: only then new ways of coming in are taken."""
    begun = await sessions.beginning(connection, identity.session)
    return begun is not None and begun.idp != IDP and desk.clock() - begun.created_s <= OFFERED_S
