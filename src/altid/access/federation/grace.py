"""How long one stays in by what a provider has said: a shift, and longer only while the provider is away.

A session that a provider began goes on without asking it. After `federated_session_s` one must go there
again, since it knows first who has left the house. If it doesn't answer then, nobody is put out for that:
the session goes on for `federated_grace_s` more, and is confirmed as soon as the provider is back.

Whoever a provider vouches for may have a passkey or a password here, too: for the time that it is away. While
it answers, they are no way around it, since it is there that somebody is closed first.
"""

from __future__ import annotations

from altid.access import sessions
from altid.access.desk import Desk
from altid.access.federation import members
from altid.access.sessions import Beginning, End
from altid.record.database import Connection


async def has_ended(connection: Connection, desk: Desk, sid: str) -> bool:
    """The provider must be asked again and can be, so the session has been ended."""
    if not desk.federation.peers:
        return False
    began = await sessions.beginning(connection, sid)
    if began is None or not is_over(desk, began):
        return False
    await sessions.end(connection, sid, desk.clock(), End.CONFIRM)
    desk.keys.end_now(sid)
    return True


def is_over(desk: Desk, began: Beginning) -> bool:
    """Whether the provider must be asked again and can be."""
    if desk.federation.peer(began.idp) is None:
        return False
    if desk.clock() < began.created_s + desk.settings.federated_session_s:
        return False
    return not desk.federation.is_down(began.idp)


async def must_go_there(desk: Desk, account: str) -> bool:
    """The account's provider vouches for it, and answers: no other way is open now."""
    if not desk.federation.peers:
        return False
    async with desk.database.reading() as connection:
        authority = await members.authority_of(connection, account)
    peer = None if authority is None else desk.federation.peer_of(authority)
    return peer is not None and not peer.health.is_down
