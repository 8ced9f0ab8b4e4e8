"""A person's own open sessions: where and since when they are logged on; and to end one from elsewhere.

Where is what the audit was told at the logon: the session itself keeps no address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from altid.access import sessions
from altid.access.audit import store
from altid.access.audit.event import Action, Event, Outcome
from altid.access.audit.store import Query
from altid.access.desk import Desk
from altid.access.door import Caller, way, writing
from altid.access.identity import Identity, Role
from altid.access.refusal import Refusal
from altid.access.settings import moment
from altid.record.database import Connection

SHOWN_MAX = 50
_LOGONS_READ_MAX = 200
"""Of the newest: more than anybody logs on in the time that a session lasts."""
_LOGONS = (Action.LOGON, Action.EMERGENCY_LOGON)
_SID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OwnSession:
    """`where`: the name of a known workplace, else the address that it was begun from; "" where the audit has
    not been told yet."""

    sid: str
    since: datetime
    used: datetime
    role: Role
    organisation: str
    application: str | None
    """Name of the application that goes on in it; None: the person's own."""
    where: str
    is_this: bool


async def own_sessions(connection: Connection, desk: Desk, identity: Identity) -> list[OwnSession]:
    """Those that go on, the one used last first. Raises one of the database's errors."""
    now = desk.clock()
    idle = moment(now - desk.settings.session_idle_s)
    rows = await connection.fetch(_OPEN, identity.subject, moment(now), idle, SHOWN_MAX)
    since = min((row["created"] for row in rows), default=moment(now))
    logons = await _logons(connection, identity.subject, since)
    names = await _workplaces(connection, [event.workplace for event in logons if event.workplace])
    where = {one.who.session: names.get(one.workplace) or one.address for one in reversed(logons)}
    return [
        OwnSession(
            sid=str(row["sid"]),
            since=row["created"],
            used=row["last_used"],
            role=Role(row["role"]),
            organisation=row["organisation"],
            application=row["application"],
            where=where.get(str(row["sid"]), ""),
            is_this=str(row["sid"]) == identity.session,
        )
        for row in rows
    ]


@way
async def end_own(desk: Desk, caller: Caller, identity: Identity, sid: str) -> bool | Refusal:
    """End one of one's own, here at once and everywhere within seconds. False: there is none such open."""
    if not _SID.fullmatch(sid):
        return False
    async with writing(desk, caller) as connection:
        is_own = await connection.fetchval(_IS_OWN, sid, identity.subject)
        ended = bool(is_own) and await sessions.end(connection, sid, desk.clock())
    if ended:
        desk.keys.end_now(sid)
    return ended


async def _logons(connection: Connection, account: str, since: datetime) -> list[Event]:
    found = []
    for action in _LOGONS:
        query = Query(subject=account, action=action, since=since, limit=_LOGONS_READ_MAX)
        found += [entry.event for entry in await store.search(connection, query)]
    return [event for event in found if event.outcome is Outcome.DONE]


async def _workplaces(connection: Connection, fingerprints: Sequence[str]) -> dict[str, str]:
    """Names of known workplaces, by their fingerprints (`reentry.fingerprint`)."""
    if not fingerprints:
        return {}
    return {row[0]: row[1] for row in await connection.fetch(_WORKPLACES, list(fingerprints))}


_OPEN = """
SELECT s.sid, s.created, s.last_used, s.role, s.organisation, c.name AS application
  FROM session s LEFT JOIN client c ON c.id = s.client
 WHERE s.account = $1 AND s.ended IS NULL AND s.expires > $2 AND s.last_used > $3
 ORDER BY s.last_used DESC
 LIMIT $4
"""
_IS_OWN = "SELECT EXISTS (SELECT FROM session WHERE sid = $1 AND account = $2)"
_WORKPLACES = """
SELECT left(encode(key_hash, 'hex'), 32), name FROM workplace
 WHERE left(encode(key_hash, 'hex'), 32) = ANY($1::text[])
"""
