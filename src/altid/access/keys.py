"""Signing keys: made, sealed, published, rotated; and the set of them that every server keeps in memory.

Both sites read the same table from their own PostgreSQL. A new key is published well before it signs, and an
old one is accepted until the last token that it signed has ended, so a rotation logs nobody out. When the
database is away, the last set that was read goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey

from altid.access.secret import AccessSecret
from altid.access.settings import LEEWAY_S, AccessSettings, Clock, moment
from altid.record.database import Connection, Database

CURVE = "P-256"
PUBLISHED_BEFORE_S = 600
"""Every server has read a new key long before it signs, also one that the database was away from."""
ROTATED_EVERY_S = 30 * 24 * 3600
REFRESH_S = 3.0
"""How late a server may learn that a session was ended elsewhere."""
_KEPT_AFTER_S = 24 * 3600
_NONCE_BYTES = 12
_LOCK = 0x416C7469644B65  # "AltidKe"
_READ_S_MAX = 2.0

_log = logging.getLogger("altid.access")


class NoSigningKeyError(Exception):
    """No key that may sign: none is made yet, or the access secret opens none."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One row. `private` is None where the access secret does not open it: it still verifies."""

    kid: str
    public: ECKey = field(repr=False)
    private: ECKey | None = field(repr=False)
    not_before_s: float
    retired_s: float | None


@dataclass(frozen=True, slots=True)
class _State:
    """What was read in one look; replaced as a whole."""

    keys: Mapping[str, SigningKey] = field(default_factory=dict)
    ended_sessions: frozenset[str] = frozenset()
    closed_subjects: frozenset[str] = frozenset()
    read_s: float = float("-inf")


class KeySet:
    """Keys and revocations in memory. `refresh` reads them; nothing else waits for the database."""

    def __init__(self, settings: AccessSettings, secret: AccessSecret, clock: Clock) -> None:
        self._settings = settings
        self._sealing = _sealing_key(secret)
        self._clock = clock
        self._state = _State()

    def signing(self) -> SigningKey:
        """The newest key whose time has come. Raises `NoSigningKeyError`."""
        now = self._clock()
        usable = [key for key in self._state.keys.values() if key.private and _is_valid(key, now)]
        begun = [key for key in usable if key.not_before_s <= now]
        if not begun:
            raise NoSigningKeyError
        return max(begun, key=lambda key: (key.not_before_s, key.kid))

    def verifying(self, kid: str) -> ECKey | None:
        """The public key of that name; None if there is none or it is retired."""
        key = self._state.keys.get(kid)
        return key.public if key and _is_valid(key, self._clock()) else None

    def is_revoked(self, session: str, subject: str) -> bool:
        state = self._state
        return session in state.ended_sessions or subject in state.closed_subjects

    def is_closed(self, subject: str) -> bool:
        """An account or a system that was closed of late."""
        return subject in self._state.closed_subjects

    def end_now(self, session: str) -> None:
        """Here at once, whatever the next look into the database would show only later."""
        state = self._state
        self._state = _State(
            state.keys, state.ended_sessions | {session}, state.closed_subjects, state.read_s
        )

    def published(self) -> dict[str, Any]:
        """As a JWK set (RFC 7517), for others that want to verify."""
        now = self._clock()
        keys = [key for key in self._state.keys.values() if _is_valid(key, now)]
        return {
            "keys": [
                {**key.public.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": "ES256"}
                for key in keys
            ]
        }

    @property
    def age_s(self) -> float:
        """Since the last look that succeeded; infinite before the first."""
        return self._clock() - self._state.read_s

    async def refresh(self, connection: Connection) -> None:
        """Read the table. Raises what the driver raises, and then keeps what it had."""
        now = self._clock()
        since = moment(now - self._settings.token_s_max - LEEWAY_S)
        rows = await connection.fetch(_KEYS, moment(now), timeout=_READ_S_MAX)
        ended = await connection.fetch(_ENDED, since, timeout=_READ_S_MAX)
        closed = await connection.fetch(_CLOSED, since, timeout=_READ_S_MAX)
        keys = [self._opened(row) for row in rows]
        self._state = _State(
            {key.kid: key for key in keys},
            frozenset(str(row["sid"]) for row in ended),
            frozenset(row["subject"] for row in closed),
            now,
        )

    async def keep_fresh(self, database: Database) -> None:
        """Until cancelled. A database that is away is said once, and once that it is back."""
        away = False
        while True:
            try:
                async with database.reading() as connection:
                    await self.refresh(connection)
                if away:
                    _log.info("keys and revocations are read again")
                away = False
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not away:
                    _log.warning("keys and revocations stay as they were (%s)", type(error).__name__)
                away = True
            await asyncio.sleep(REFRESH_S)

    def _opened(self, row: Any) -> SigningKey:
        known = self._state.keys.get(row["kid"])
        retired = row["retired"].timestamp() if row["retired"] else None
        if known:
            return SigningKey(known.kid, known.public, known.private, row["not_before"].timestamp(), retired)
        public = ECKey.import_key(json.loads(row["public_jwk"]))
        private = None
        try:
            private = _open(self._sealing, row["kid"], row["private_sealed"])
        except InvalidTag:
            _log.error("the access secret of this server does not open signing key %s", row["kid"])
        return SigningKey(row["kid"], public, private, row["not_before"].timestamp(), retired)


async def maintain(
    connection: Connection, settings: AccessSettings, secret: AccessSecret, now_s: float
) -> bool:
    """Make the first key, rotate when it is time, remove what nobody needs. True if a key was made.

    Any number of servers may call it at once, and as often as they like.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_REMOVE, moment(now_s - _KEPT_AFTER_S))
        newest_s = await _newest_of_ours(connection, secret)
        if newest_s is None:
            await _add(connection, secret, now_s, now_s)
            return True
        if now_s - newest_s < ROTATED_EVERY_S:
            return False
        await _rotate(connection, settings, secret, now_s)
        return True


async def _newest_of_ours(connection: Connection, secret: AccessSecret) -> float | None:
    """When the newest key that this secret opens begins to sign. There may be others that it doesn't open:
    in a record that was restored from a backup without the secret it had."""
    sealing = _sealing_key(secret)
    for row in await connection.fetch(_UNRETIRED):
        with suppress(InvalidTag):
            _open(sealing, row["kid"], row["private_sealed"])
            began: datetime = row["not_before"]
            return began.timestamp()
    return None


async def rotate(connection: Connection, settings: AccessSettings, secret: AccessSecret, now_s: float) -> str:
    """Publish a new key, to sign in ten minutes, and let the others end after it. Gives its kid."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        return await _rotate(connection, settings, secret, now_s)


async def withdraw(connection: Connection, kid: str, now_s: float) -> None:
    """A key became known to others: refuse what it has signed, as soon as servers have read this."""
    await connection.execute(_WITHDRAW, kid, moment(now_s))


async def withdraw_all(connection: Connection, now_s: float) -> None:
    """The secret that sealed them is gone: what they have signed is refused."""
    await connection.execute(_WITHDRAW_ALL, moment(now_s))


async def _rotate(
    connection: Connection, settings: AccessSettings, secret: AccessSecret, now_s: float
) -> str:
    signs_from = now_s + PUBLISHED_BEFORE_S
    # A server that could not read the new key in time signs with the old one for as long again.
    last_ended = signs_from + PUBLISHED_BEFORE_S + settings.token_s_max + LEEWAY_S
    await connection.execute(_RETIRE, moment(last_ended))
    return await _add(connection, secret, now_s, signs_from)


async def _add(connection: Connection, secret: AccessSecret, now_s: float, not_before_s: float) -> str:
    key = ECKey.generate_key(CURVE)
    kid = key.thumbprint()
    sealed = _seal(_sealing_key(secret), kid, key)
    public = json.dumps(key.as_dict(private=False))
    await connection.execute(_INSERT, kid, public, sealed, moment(now_s), moment(not_before_s))
    return kid


def _is_valid(key: SigningKey, now_s: float) -> bool:
    return key.retired_s is None or now_s < key.retired_s


def _sealing_key(secret: AccessSecret) -> AESGCM:
    return AESGCM(secret.derive("seal signing keys"))


def _seal(sealing: AESGCM, kid: str, key: ECKey) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + sealing.encrypt(nonce, key.as_der(private=True), kid.encode())


def _open(sealing: AESGCM, kid: str, sealed: bytes) -> ECKey:
    return ECKey.import_key(sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode()))


_KEYS = """
SELECT kid, public_jwk, private_sealed, not_before, retired
FROM signing_key
WHERE retired IS NULL OR retired > $1
"""
_ENDED = "SELECT sid FROM session WHERE ended >= $1"
_CLOSED = """
SELECT id::text AS subject FROM account WHERE disabled_at >= $1
UNION ALL
SELECT id FROM client WHERE disabled_at >= $1
"""
_UNRETIRED = """
SELECT kid, private_sealed, not_before FROM signing_key WHERE retired IS NULL ORDER BY not_before DESC
"""
_INSERT = """
INSERT INTO signing_key (kid, public_jwk, private_sealed, created, not_before)
VALUES ($1, $2, $3, $4, $5)
"""
_RETIRE = "UPDATE signing_key SET retired = least(retired, $1)"
_WITHDRAW = "UPDATE signing_key SET retired = $2 WHERE kid = $1"
_WITHDRAW_ALL = "UPDATE signing_key SET retired = least(retired, $1)"
_REMOVE = "DELETE FROM signing_key WHERE retired < $1"
