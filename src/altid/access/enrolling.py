"""To make a passkey known: only in a session of one's own, just after a full logon.

Who holds a stolen access token has ten minutes with it, and can't make a way in of their own from it.
"""

from __future__ import annotations

import logging

from altid.access import accounts, passkeys, refusal
from altid.access.desk import Desk
from altid.access.door import Caller, way, writing
from altid.access.identity import Identity
from altid.access.passkeys import Asked, PasskeyError
from altid.access.refusal import Refusal
from altid.access.returning import has_just_logged_on
from altid.access.waiting import Priority

_log = logging.getLogger("altid.access")


@way
async def ask(desk: Desk, caller: Caller, identity: Identity) -> Asked | Refusal:
    """What the browser's API needs to make a passkey."""
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    async with (
        desk.light.place(Priority.ORDINARY, caller.deadline_s),
        writing(desk, caller) as connection,
    ):
        account = await accounts.by_id(connection, identity.subject)
        if account is None or not await has_just_logged_on(connection, desk, identity):
            return refusal.FULL_LOGON
        try:
            return await passkeys.ask_to_register(
                connection, desk.challenges, desk.settings, account, desk.clock()
            )
        except PasskeyError as error:
            _log.info("passkey refused: %s", error)
            return refusal.PASSKEY


@way
async def keep(
    desk: Desk, caller: Caller, identity: Identity, *, answer: str, state: str, name: str
) -> Refusal | None:
    """The browser's answer; `name` is what the person calls the device."""
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    async with (
        desk.light.place(Priority.ORDINARY, caller.deadline_s),
        writing(desk, caller) as connection,
    ):
        if not await has_just_logged_on(connection, desk, identity):
            return refusal.FULL_LOGON
        try:
            await passkeys.register(
                connection,
                desk.challenges,
                desk.settings,
                identity.subject,
                answer=answer,
                state=state,
                name=name,
                now_s=desk.clock(),
            )
        except PasskeyError as error:
            _log.info("passkey refused: %s", error)
            return refusal.PASSKEY
    return None
