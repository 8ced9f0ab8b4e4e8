"""The token of a page: what a page's own script shows to the record, at either site, while the page is open.

It is an access token with an audience of its own, about five minutes long. The page holds it in memory, so it
ends with the page; no cookie is asked for where it counts, so no other site's page can make the browser use
it; and every server of both sites verifies it, so the page goes on at the other site with the same logon.
Whatever lets people in takes no such token: who steals one reads for minutes, and makes no way in.
"""

from __future__ import annotations

from altid.access import refusal, sessions
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, Granted, way, writing
from altid.access.federation import grace
from altid.access.identity import Identity
from altid.access.sessions import Session
from altid.access.tokens import PAGE_AUDIENCE, Subject, issue
from altid.access.waiting import Priority

PAGE_TOKEN_S = 300
"""Seconds, give or take a fifth. Shorter than an access token, which no script ever sees; long enough that a
page renews it between two failovers, and not in each."""


@way
async def for_page(desk: Desk, caller: Caller, identity: Identity) -> Answer:
    """The token of a page that was just asked for by a session's cookie."""
    if not identity.is_own_session or identity.is_page:
        return refusal.NOT_ALLOWED
    subject = Subject(
        identity.subject,
        identity.name,
        identity.role,
        identity.organisation,
        identity.level,
        identity.session,
    )
    return _issued(desk, subject)


@way
async def renewed(desk: Desk, caller: Caller, identity: Identity, *, is_used: bool) -> Answer:
    """The next token of a page, by the one that it has, as long as its session goes on.

    A page renews it also while nobody is there, so that alone does not count as use: `is_used` says that
    somebody was at the screen. Else nothing is written, and the nearest database is asked.
    """
    if not identity.is_page:
        return refusal.NOT_ALLOWED
    async with desk.light.place(Priority.REENTRY, caller.deadline_s):
        sid = identity.session
        session = await used(desk, caller, sid) if is_used else await seen(desk, sid)
    return refusal.ENDED if session is None else _issued(desk, subject_of(session))


def subject_of(session: Session) -> Subject:
    """Whom the tokens of a person's own session are for."""
    return Subject(
        session.account, session.name, session.role, session.organisation, session.level, session.sid
    )


async def seen(desk: Desk, sid: str) -> Session | None:
    """The session, if it goes on now. Only the nearest database is asked."""
    async with desk.database.reading() as connection:
        found = await sessions.find_used(connection, sid, desk.clock(), desk.settings)
    if found is None or grace.is_over(desk, found[1]):
        return None
    return found[0]


async def used(desk: Desk, caller: Caller, sid: str) -> Session | None:
    """The same, and that somebody was at its screen."""
    async with writing(desk, caller) as connection:
        found = await sessions.find_used(connection, sid, desk.clock(), desk.settings)
        if found is None or await grace.has_ended(connection, desk, sid):
            return None
        await sessions.use(connection, sid, desk.clock())
    return found[0]


def _issued(desk: Desk, subject: Subject) -> Granted:
    now_s = desk.clock()
    token, identity = issue(
        subject,
        desk.keys.signing(),
        desk.settings,
        now_s,
        desk.rng,
        life_s=PAGE_TOKEN_S,
        audience=PAGE_AUDIENCE,
    )
    return Granted(identity, token, identity.expires_s - int(now_s))
