"""Quickly back in at a shared PC of a ward: by badge or PIN, after one full logon there, for one shift.

The PC is a *workplace* that an administrator has made known; it holds a key of its own in a cookie. A badge
or PIN is worth nothing anywhere else, and nothing after the shift.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from altid.access.identity import Level, Role
from altid.access.secret import AccessSecret, tag
from altid.access.settings import AccessSettings, moment
from altid.record.database import Connection

KEY_BYTES = 32
WRONG_PINS_MAX = 5
"""Then the PIN is forgotten and the full logon is needed: six digits stand no more guessing than that."""
_BADGE = re.compile(r"[0-9A-Za-z:-]{8,128}", re.ASCII)
_REMOVED_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Workplace:
    """A designated PC."""

    id: str
    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody's right to come back in at a workplace."""

    account: str
    name: str
    workplace: str
    role: Role
    organisation: str
    level: Level
    expires_s: float
    pin: str | None = field(repr=False)


async def add_workplace(
    connection: Connection, name: str, organisation: str, now_s: float, rng: random.Random
) -> tuple[Workplace, str]:
    """The workplace and its key, which is shown only now and goes into a cookie of that PC."""
    key = base64.urlsafe_b64encode(rng.randbytes(KEY_BYTES)).rstrip(b"=").decode("ascii")
    workplace = Workplace(str(uuid.UUID(bytes=rng.randbytes(16), version=4)), name, organisation)
    await connection.execute(_ADD_WORKPLACE, workplace.id, name, organisation, _key_hash(key), moment(now_s))
    return workplace, key


async def workplace_of(connection: Connection, key: str) -> Workplace | None:
    """The workplace that holds this key; None if it is none or was closed."""
    row = await connection.fetchrow(_WORKPLACE, _key_hash(key))
    return None if row is None else Workplace(str(row["id"]), row["name"], row["organisation"])


async def close_workplace(connection: Connection, workplace: str, now_s: float) -> None:
    """Its key and all badges and PINs there are worth nothing from now on."""
    async with connection.transaction():
        await connection.execute(_CLOSE_WORKPLACE, workplace, moment(now_s))
        await connection.execute(_FORGET_WORKPLACE, workplace)


def is_badge(text: str) -> bool:
    """What a reader sends: at least 32 bits as hexadecimal digits, or more in another writing."""
    return _BADGE.fullmatch(text) is not None


async def allow(
    connection: Connection,
    secret: AccessSecret,
    settings: AccessSettings,
    workplace: Workplace,
    *,
    account: str,
    role: Role,
    organisation: str,
    level: Level,
    now_s: float,
    rng: random.Random,
    badge: str | None = None,
    pin_hash: str | None = None,
) -> None:
    """After a full logon at the workplace. Whoever else held the badge there holds it no more."""
    badge_hash = None if badge is None else badge_hash_of(secret, badge)
    life_s = settings.reentry_s * (1 - settings.token_jitter * rng.random())
    capped = min(level, settings.reentry_level_max, key=lambda each: each.rank)
    async with connection.transaction():
        if badge_hash is not None:
            await connection.execute(_FORGET_BADGE, workplace.id, badge_hash)
        await connection.execute(
            _ALLOW, account, workplace.id, badge_hash, pin_hash, role, organisation, capped,
            moment(now_s + life_s),
        )  # fmt: skip


async def by_badge(
    connection: Connection, secret: AccessSecret, workplace: Workplace, badge: str, now_s: float
) -> Entry | None:
    """Whose badge it is, if it opens anything here now."""
    row = await connection.fetchrow(_BY_BADGE, workplace.id, badge_hash_of(secret, badge), moment(now_s))
    return None if row is None else _entry(row)


async def by_name(connection: Connection, workplace: Workplace, username: str, now_s: float) -> Entry | None:
    """The entry of an account that has a PIN here. The PIN is still to be verified."""
    row = await connection.fetchrow(_BY_NAME, workplace.id, username, moment(now_s))
    return None if row is None else _entry(row)


async def forget(connection: Connection, account: str, workplace: str | None = None) -> None:
    """At one workplace, or everywhere: the full logon is needed again."""
    await connection.execute(_FORGET, account, workplace)


async def remove_old(connection: Connection, now_s: float) -> int:
    """Some thousands of those that have expired; gives their number."""
    return len(await connection.fetch(_REMOVE, moment(now_s), _REMOVED_MAX))


def fingerprint(key: str) -> str:
    """A name for a workplace's key that can be kept in memory and is not the key."""
    return _key_hash(key).hex()[:32]


def _key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def badge_hash_of(secret: AccessSecret, badge: str) -> bytes:
    """Keyed: a badge's number has few bits, so a plain hash could be tried through."""
    return tag(secret.derive("badges"), badge.lower().encode())


def _entry(row: Any) -> Entry:
    return Entry(
        account=str(row["account"]),
        name=row["name"],
        workplace=str(row["workplace"]),
        role=Role(row["role"]),
        organisation=row["organisation"],
        level=Level(row["level"]),
        expires_s=row["expires"].timestamp(),
        pin=row["pin"],
    )


_ADD_WORKPLACE = """
INSERT INTO workplace (id, name, organisation, key_hash, created) VALUES ($1, $2, $3, $4, $5)
"""
_WORKPLACE = "SELECT id, name, organisation FROM workplace WHERE key_hash = $1 AND disabled_at IS NULL"
_CLOSE_WORKPLACE = "UPDATE workplace SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1"
_FORGET_WORKPLACE = "DELETE FROM reentry WHERE workplace = $1"
_FORGET_BADGE = "DELETE FROM reentry WHERE workplace = $1 AND badge_hash = $2"
_ALLOW = """
INSERT INTO reentry (account, workplace, badge_hash, pin, role, organisation, level, expires)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account, workplace) DO UPDATE SET
    badge_hash = excluded.badge_hash,
    pin = excluded.pin,
    role = excluded.role,
    organisation = excluded.organisation,
    level = excluded.level,
    expires = excluded.expires
"""
_SELECT = """
SELECT r.account, a.name, r.workplace, r.role, r.organisation, r.level, r.expires, r.pin
FROM reentry AS r
JOIN account AS a ON a.id = r.account AND a.disabled_at IS NULL
"""
_BY_BADGE = _SELECT + "WHERE r.workplace = $1 AND r.badge_hash = $2 AND r.expires > $3"
_BY_NAME = _SELECT + "WHERE r.workplace = $1 AND a.username = $2 AND r.expires > $3 AND r.pin IS NOT NULL"
_FORGET = "DELETE FROM reentry WHERE account = $1 AND ($2::uuid IS NULL OR workplace = $2::uuid)"
_REMOVE = """
DELETE FROM reentry
WHERE (account, workplace) IN (
    SELECT account, workplace FROM reentry
    WHERE expires < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING 1
"""
