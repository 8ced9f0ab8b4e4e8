"""How a page whose site is gone goes on at the other site, in the same session and without a logon.

Its script shows the page's token to the other site and is given a *ticket*; the browser brings it there with
the page that is wanted (`web.moving`), and gets that site's own cookies. All of them are sealed by the
region's access secret, so any server of a site knows them, and no database has to be written: it may just be
changing its lead.

A page's token must not become more than it is by this. So what is given is *moved*: it opens pages, as the
page's token opens the record, and makes no way in (`Identity.makes_ways_in`). And the refresh token stays
where it is: two browsers' cookies with one chain would look like a theft.
"""

from __future__ import annotations

import asyncio
import base64
import re
import uuid
from dataclasses import dataclass

from altid.access import page_tokens, refusal
from altid.access.desk import Desk
from altid.access.door import UNAVAILABLE_ERRORS, Answer, Caller, Granted, way, writing
from altid.access.identity import Identity
from altid.access.refusal import Refusal
from altid.access.secret import equal, tag
from altid.access.sessions import Session
from altid.access.spent import spend
from altid.access.tokens import MOVED_AUDIENCE, issue
from altid.access.waiting import Priority

TICKET_S = 20
"""Seconds: from the script's answer to the form that brings it, on a slow line."""
_SPEND_S_MAX = 1.0
"""So long a primary is waited for to note that a ticket was used. Reading at the other site is promised
within two seconds, also while the lead changes hands."""
_FORM = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,12})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)
_STAY_FORM = re.compile(r"([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """For one address and one use. `until_s`: epoch seconds."""

    session: str
    until_s: int
    number: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What the browser keeps at the site that it has come to. `stay` goes on with the session there."""

    granted: Granted
    stay: str


@way
async def ticket_for(desk: Desk, caller: Caller, identity: Identity, address: str) -> str | Refusal:
    """A ticket by the token of a page, good at the address (host and port) where it was asked for. Which
    site's server answers there does not matter: gateways send on to each other."""
    if not identity.is_page:
        return refusal.NOT_ALLOWED
    async with desk.light.place(Priority.REENTRY, caller.deadline_s):
        session = await page_tokens.seen(desk, identity.session)
    if session is None:
        return refusal.ENDED
    ticket = Ticket(session.sid, int(desk.clock()) + TICKET_S, uuid.UUID(bytes=desk.rng.randbytes(16)).hex)
    seal = _ticket_seal(desk, ticket, address)
    return ".".join((ticket.session, str(ticket.until_s), ticket.number, seal))


def read_ticket(desk: Desk, text: str, address: str) -> Ticket | None:
    """The ticket, if a server of this region made it for this address; `arrived` says if it is still good."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    ticket = Ticket(match[1], int(match[2]), match[3])
    return ticket if equal(match[4].encode(), _ticket_seal(desk, ticket, address).encode()) else None


@way
async def arrived(desk: Desk, caller: Caller, ticket: Ticket) -> Moved | Refusal:
    """The same session, at this site."""
    if desk.clock() > ticket.until_s:
        return refusal.ENDED
    async with desk.light.place(Priority.REENTRY, caller.deadline_s):
        session = await page_tokens.seen(desk, ticket.session)
        if session is None or not await _is_first_use(desk, caller, ticket):
            return refusal.ENDED
    return Moved(_issued(desk, session), f"{session.sid}.{_stay_seal(desk, session.sid)}")


@way
async def gone_on(desk: Desk, caller: Caller, stay: str) -> Answer:
    """The next access token of a session that has moved here, as long as it goes on. It counts as use."""
    match = _STAY_FORM.fullmatch(stay)
    if match is None or not equal(match[2].encode(), _stay_seal(desk, match[1]).encode()):
        return refusal.ENDED
    async with desk.light.place(Priority.REENTRY, caller.deadline_s):
        session = await page_tokens.used(desk, caller, match[1])
    return refusal.ENDED if session is None else _issued(desk, session)


async def _is_first_use(desk: Desk, caller: Caller, ticket: Ticket) -> bool:
    """Noted in the record. Where none can be written, the ticket's few seconds are what bounds it."""
    try:
        async with asyncio.timeout(_SPEND_S_MAX), writing(desk, caller) as connection:
            return await spend(connection, "handover", ticket.number, ticket.until_s + TICKET_S)
    except UNAVAILABLE_ERRORS:
        return True


def _issued(desk: Desk, session: Session) -> Granted:
    now_s = desk.clock()
    subject = page_tokens.subject_of(session)
    token, identity = issue(
        subject, desk.keys.signing(), desk.settings, now_s, desk.rng, audience=MOVED_AUDIENCE
    )
    return Granted(identity, token, identity.expires_s - int(now_s))


def _ticket_seal(desk: Desk, ticket: Ticket, address: str) -> str:
    return _sealed(desk, "handover tickets", ticket.session, str(ticket.until_s), ticket.number, address)


def _stay_seal(desk: Desk, session: str) -> str:
    return _sealed(desk, "sessions that have moved", session)


def _sealed(desk: Desk, purpose: str, *parts: str) -> str:
    seal = tag(desk.secret.derive(purpose), *(part.encode() for part in parts))
    return base64.urlsafe_b64encode(seal).rstrip(b"=").decode("ascii")
