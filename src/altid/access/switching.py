"""To go on in another role or at another place of work: always in a new session."""

from __future__ import annotations

from altid.access import accounts, refusal, sessions
from altid.access.accounts import Account
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, look_at_reuse, of_session, way, writing
from altid.access.identity import Identity, Role
from altid.access.refusal import Refusal
from altid.access.sessions import End, Stopped
from altid.access.waiting import Priority


@way
async def choices(desk: Desk, caller: Caller, identity: Identity) -> Account | Refusal:
    """The account of somebody who is in: its roles and places are what they may choose from."""
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    async with desk.database.reading() as connection:
        account = await accounts.by_id(connection, identity.subject)
    return refusal.ENDED if account is None or account.is_disabled else account


@way
async def to_role(desk: Desk, caller: Caller, token: str, role: Role, organisation: str) -> Answer:
    """Asked with the refresh token: an access token, which goes to more places, can't make a session.

    The session that it was ends, with those of applications that were opened in it: they had its role. The
    new one is as old and ends as soon: changing to and fro makes no full logon fresh.
    """
    link = desk.chain.read(token)
    if link is None:
        return refusal.ENDED
    desk.keys.signing()
    async with (
        desk.light.place(Priority.REENTRY, caller.deadline_s),
        writing(desk, caller) as connection,
        connection.transaction(),
    ):
        now = desk.clock()
        found = await sessions.find_open(connection, link.session, now)
        if found is None:
            return refusal.ENDED
        old, beginning = found
        account = await accounts.by_id(connection, old.account)
        if account is None or role not in account.roles or organisation not in account.organisations:
            return refusal.NOT_YOURS
        gone_on = await sessions.refresh(connection, desk.chain, desk.settings, token, now)
        if not isinstance(gone_on, Stopped):
            await sessions.end(connection, old.sid, now, End.ROLE)
            begun = await sessions.start(
                connection,
                desk.chain,
                desk.settings,
                account=account.id,
                name=account.name,
                role=role,
                organisation=organisation,
                level=old.level,
                now_s=now,
                rng=desk.rng,
                idp=beginning.idp,
                until_s=beginning.expires_s,
                created_s=beginning.created_s,
            )
    if isinstance(gone_on, Stopped):
        look_at_reuse(desk, gone_on)
        return refusal.ENDED
    desk.keys.end_now(old.sid)
    return of_session(desk, begun)
