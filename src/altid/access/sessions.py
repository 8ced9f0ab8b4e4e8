"""Sessions in the replicated database: begun, refreshed, ended. Both sites see the same ones.

A refresh token is good once (`refreshing`). An old one that comes back shows that two hold the chain, and one
of them is a thief: the session ends.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from altid.access.identity import Level, Role
from altid.access.refreshing import Chain, Link
from altid.access.secret import equal
from altid.access.settings import AccessSettings, moment
from altid.record.database import Connection

LOCAL = "local"
"""The identity provider of accounts that live here."""
_KEPT_S = 7 * 24 * 3600
"""Ended sessions stay for those who look into an incident; the audit has them for good."""
_REMOVED_MAX = 5_000


class End(StrEnum):
    """Why a session ended, as it is stored."""

    LOGOUT = "logout"
    REUSE = "reuse"
    ACCOUNT = "account"
    ADMINISTRATOR = "administrator"
    CONFIRM = "confirm"
    """The identity provider must say once more that it is this person."""
    ROLE = "role"
    """The person goes on in another role or place, in a new session."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """An application's session: all scopes that it was given, whose record it is about, and the person's own
    session in which they have said so."""

    client: str
    scopes: tuple[str, ...]
    patient: str | None
    parent: str


@dataclass(frozen=True, slots=True)
class Session:
    """What a token is made from."""

    sid: str
    account: str
    name: str
    role: Role
    organisation: str
    level: Level
    narrowing: Narrowing | None = None
    """None: the person's own session."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session and the refresh token that goes on with it."""

    session: Session
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stopped:
    """The session can't go on. `by_reuse`: an old token came back just now, which ended it."""

    by_reuse: bool
    sid: str | None = None


def new_id(rng: random.Random) -> str:
    """A session's name, which nobody can guess."""
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))


async def start(
    connection: Connection,
    chain: Chain,
    settings: AccessSettings,
    *,
    account: str,
    name: str,
    role: Role,
    organisation: str,
    level: Level,
    now_s: float,
    rng: random.Random,
    idp: str = LOCAL,
    until_s: float | None = None,
    narrowing: Narrowing | None = None,
    created_s: float | None = None,
) -> Begun:
    """Always a new session id: none is ever taken from a request, so none can be planted.

    It ends by itself after a jittered `session_s`, or at `until_s` if that is sooner. `created_s`: when the
    person came in, where that is longer ago.
    """
    sid = new_id(rng)
    link = chain.first(sid, rng)
    ends_s = now_s + settings.session_s * (1 - settings.token_jitter * rng.random())
    await connection.execute(
        _INSERT,
        sid,
        account,
        role,
        organisation,
        level,
        idp,
        link.hash,
        link.number,
        moment(now_s),
        moment(ends_s if until_s is None else min(ends_s, until_s)),
        moment(now_s if created_s is None else created_s),
        narrowing and narrowing.client,
        narrowing and list(narrowing.scopes),
        narrowing and narrowing.patient,
        narrowing and narrowing.parent,
    )
    return Begun(Session(sid, account, name, role, organisation, level, narrowing), chain.text(link))


async def refresh(
    connection: Connection,
    chain: Chain,
    settings: AccessSettings,
    token: str,
    now_s: float,
    client: str | None = None,
) -> Begun | Stopped:
    """The session and its next refresh token. Needs a connection that reads and writes what is newest.

    `client`: the application that asks. Only its own sessions go on for it, and with None only people's own.
    """
    link = chain.read(token)
    if link is None:
        return Stopped(by_reuse=False)
    following = chain.after(link)
    now = moment(now_s)
    idle = moment(now_s - settings.session_idle_s)
    row = await connection.fetchrow(
        _ROTATE, link.session, link.number, link.hash, following.hash, now, idle, client
    )
    if row is None:
        overlap = moment(now_s - settings.refresh_overlap_s)
        row = await connection.fetchrow(
            _SAME_AGAIN, link.session, following.number, following.hash, overlap, now, client
        )
    if row is not None:
        return Begun(_session(row), chain.text(following))
    return Stopped(by_reuse=await _end_if_reused(connection, link, now_s), sid=link.session)


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a session began, and when it ends at the latest (epoch seconds)."""

    idp: str
    created_s: float
    expires_s: float


async def beginning(connection: Connection, sid: str) -> Beginning | None:
    """Of a session that is open."""
    row = await connection.fetchrow(_BEGINNING, sid)
    if row is None:
        return None
    return Beginning(row["idp"], row["created"].timestamp(), row["expires"].timestamp())


async def find_open(connection: Connection, sid: str, now_s: float) -> tuple[Session, Beginning] | None:
    """A session that may go on now: not ended, not run out, its account not closed. Nobody can end it before
    the transaction has: what is begun in it then ends with it."""
    row = await connection.fetchrow(_FIND_OPEN, sid, moment(now_s))
    if row is None:
        return None
    begun = Beginning(row["idp"], row["created"].timestamp(), row["expires"].timestamp())
    return _session(row), begun


async def find_used(
    connection: Connection, sid: str, now_s: float, settings: AccessSettings
) -> tuple[Session, Beginning] | None:
    """A person's own session that goes on now: as in `find_open`, and not left behind. It only looks, so the
    nearest database may be asked."""
    row = await connection.fetchrow(_FIND_USED, sid, moment(now_s), moment(now_s - settings.session_idle_s))
    if row is None:
        return None
    begun = Beginning(row["idp"], row["created"].timestamp(), row["expires"].timestamp())
    return _session(row), begun


async def use(connection: Connection, sid: str, now_s: float) -> None:
    """Somebody was at the screen of this session, which is open and not left behind."""
    await connection.execute(_USE, sid, moment(now_s))


async def end(connection: Connection, sid: str, now_s: float, reason: End = End.LOGOUT) -> bool:
    """End it, and the applications' sessions that were opened in it. True if it was open.

    In this order: one that is being opened has locked its parent, and is seen only once that was waited for.
    """
    was_open = await connection.fetchval(_END, sid, moment(now_s), reason) is not None
    await connection.execute(_END_OPENED, sid, moment(now_s), reason)
    return was_open


async def end_all(connection: Connection, account: str, now_s: float, reason: End = End.ADMINISTRATOR) -> int:
    """End every session of an account, at both sites; gives their number."""
    return len(await connection.fetch(_END_ALL, account, moment(now_s), reason))


async def remove_old(connection: Connection, now_s: float) -> int:
    """Sessions that ended or ran out a week ago, some thousands at a time; gives their number."""
    return len(await connection.fetch(_REMOVE, moment(now_s - _KEPT_S), _REMOVED_MAX))


async def _end_if_reused(connection: Connection, link: Link, now_s: float) -> bool:
    """The token is genuine and not the newest: unless it had only run out, somebody holds a copy."""
    row = await connection.fetchrow(_STANDS, link.session)
    if row is None or row["ended"] is not None:
        return False
    is_same = row["refresh_number"] == link.number and equal(row["refresh_hash"], link.hash)
    if is_same or row["refresh_number"] < link.number:
        return False
    return await end(connection, link.session, now_s, End.REUSE)


def _session(row: Any) -> Session:
    return Session(
        sid=str(row["sid"]),
        account=str(row["account"]),
        name=row["name"],
        role=Role(row["role"]),
        organisation=row["organisation"],
        level=Level(row["level"]),
        narrowing=_narrowing(row),
    )


def _narrowing(row: Any) -> Narrowing | None:
    if row["client"] is None:
        return None
    return Narrowing(row["client"], tuple(row["scopes"]), row["patient"], str(row["parent"]))


_INSERT = """
INSERT INTO session (
    sid, account, role, organisation, level, idp, refresh_hash, refresh_number, created, last_used, expires,
    client, scopes, patient, parent
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $11, $9, $10, $12, $13, $14, $15)
"""

_COLUMNS = """
s.sid, s.account, a.name, s.role, s.organisation, s.level, s.client, s.scopes, s.patient, s.parent
"""

_PARENT_GOES_ON = """
(s.parent IS NULL OR EXISTS (SELECT FROM session AS p WHERE p.sid = s.parent AND p.ended IS NULL))
"""

# A token with a higher number than the table's is genuine, too (it has the seal): the table was restored
# from a moment before.
_ROTATE = f"""
UPDATE session AS s
SET refresh_hash = $4, refresh_number = $2 + 1, last_used = $5
FROM account AS a
WHERE s.sid = $1
    AND ((s.refresh_number = $2 AND s.refresh_hash = $3) OR s.refresh_number < $2)
    AND s.ended IS NULL AND s.expires > $5 AND s.last_used > $6
    AND s.client IS NOT DISTINCT FROM $7 AND {_PARENT_GOES_ON}
    AND a.id = s.account AND a.disabled_at IS NULL
RETURNING {_COLUMNS}
"""

# It writes, although it changes nothing that matters: so it waits for the other site like the first time,
# and never tells what only one site has.
_SAME_AGAIN = f"""
UPDATE session AS s
SET last_used = s.last_used
FROM account AS a
WHERE s.sid = $1 AND s.refresh_number = $2 AND s.refresh_hash = $3
    AND s.ended IS NULL AND s.expires > $5 AND s.last_used >= $4
    AND s.client IS NOT DISTINCT FROM $6 AND {_PARENT_GOES_ON}
    AND a.id = s.account AND a.disabled_at IS NULL
RETURNING {_COLUMNS}
"""
_BEGINNING = "SELECT idp, created, expires FROM session WHERE sid = $1 AND ended IS NULL"
_FIND_OPEN = f"""
SELECT {_COLUMNS}, s.idp, s.created, s.expires
FROM session AS s
JOIN account AS a ON a.id = s.account AND a.disabled_at IS NULL
WHERE s.sid = $1 AND s.ended IS NULL AND s.expires > $2
FOR NO KEY UPDATE OF s
"""
_FIND_USED = f"""
SELECT {_COLUMNS}, s.idp, s.created, s.expires
FROM session AS s
JOIN account AS a ON a.id = s.account AND a.disabled_at IS NULL
WHERE s.sid = $1 AND s.client IS NULL AND s.ended IS NULL AND s.expires > $2 AND s.last_used > $3
"""
_USE = "UPDATE session SET last_used = greatest(last_used, $2) WHERE sid = $1 AND ended IS NULL"
_STANDS = "SELECT ended, refresh_number, refresh_hash FROM session WHERE sid = $1"
_END = """
UPDATE session SET ended = $2, end_reason = $3 WHERE sid = $1 AND ended IS NULL RETURNING sid
"""
_END_OPENED = "UPDATE session SET ended = $2, end_reason = $3 WHERE parent = $1 AND ended IS NULL"
_END_ALL = """
UPDATE session SET ended = $2, end_reason = $3 WHERE account = $1 AND ended IS NULL RETURNING sid
"""
_REMOVE = """
DELETE FROM session
WHERE sid IN (
    SELECT sid FROM session WHERE expires < $1 OR ended < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING sid
"""
