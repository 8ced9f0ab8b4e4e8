"""The way in by an invitation: make the account, or choose its password, and be logged on."""

from __future__ import annotations

from altid.access import accounts, invitations, refusal
from altid.access.accounts import AccountError, username_of
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, let_in, way, writing
from altid.access.federation import grace
from altid.access.passwords import strength
from altid.access.waiting import Priority


@way
async def with_invitation(
    desk: Desk, caller: Caller, secret: str, username: str, name: str, password: str
) -> Answer:
    """`username` and `name` matter only where the link makes an account.

    The link is used up only if all goes well.
    """
    async with desk.database.reading() as connection:
        invitation = await invitations.look(connection, secret, desk.clock())
        known = invitation and invitation.account
        account = await accounts.by_id(connection, known) if known else None
    if invitation is None or (known and account is None):
        return refusal.INVITATION
    weak = strength(password, account.username if account else username_of(username))
    if weak is not None:
        return weak
    async with desk.hashing.place(Priority.ORDINARY, caller.deadline_s):
        hashed = await desk.passwords.hash(password)
    now = desk.clock()
    try:
        async with writing(desk, caller) as connection, connection.transaction():
            if await invitations.redeem(connection, secret, now) is None:
                return refusal.INVITATION
            if account is not None:
                await accounts.set_password(connection, account.id, hashed, now)
            else:
                account = await accounts.add(
                    connection,
                    username=username,
                    name=name,
                    roles=invitation.roles,
                    organisations=invitation.organisations,
                    password_hash=hashed,
                    now_s=now,
                    rng=desk.rng,
                )
    except AccountError:
        return refusal.INVALID_REQUEST
    if account.is_disabled:
        return refusal.DISABLED
    if await grace.must_go_there(desk, account.id):
        return refusal.USE_PROVIDER
    return await let_in(desk, caller, account, None, None, desk.settings.password_level)
