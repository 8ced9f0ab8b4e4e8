"""One-time codes: what an application's browser carries from a person's yes to the token endpoint.

Bound to the application, to its address and to a secret that only it has (PKCE, RFC 7636, with S256 alone).
Stored as a hash. Any use spends the code, a wrong one as well; a second use ends what the first has begun.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
from dataclasses import dataclass
from typing import Any

from altid.access.secret import equal
from altid.access.settings import moment
from altid.record.database import Connection

CODE_BYTES = 32
METHOD = "S256"
"""Of the challenge. `plain` would show the secret to whoever reads the address."""
_KEPT_S = 24 * 3600
"""Longer than any session that one can have begun."""
_REMOVED_MAX = 5_000
_CODE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Given:
    """What a person has said yes to. `parent` is their own session."""

    client: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    parent: str
    scopes: tuple[str, ...]
    patient: str | None


@dataclass(frozen=True, slots=True)
class Used:
    """A code that was used just now. `session`: what its first use has begun, if this is not the first."""

    given: Given
    is_first: bool
    is_in_time: bool
    session: str | None


async def make(connection: Connection, given: Given, expires_s: float, rng: random.Random) -> str:
    """The code, which is told once and stored nowhere."""
    code = _text(rng.randbytes(CODE_BYTES))
    await connection.execute(
        _ADD,
        _digest(code),
        given.client,
        given.redirect_uri,
        given.challenge,
        given.nonce,
        given.parent,
        list(given.scopes),
        given.patient,
        moment(expires_s),
    )
    return code


async def use(connection: Connection, code: str, now_s: float) -> Used | None:
    """Spend it. None if there is no such code. Two at once wait for each other: use it in a transaction."""
    if not _CODE.fullmatch(code):
        return None
    row = await connection.fetchrow(_LOCK, _digest(code))
    if row is None:
        return None
    if row["used"] is None:
        await connection.execute(_USE, _digest(code), moment(now_s))
    return Used(
        given=_given(row),
        is_first=row["used"] is None,
        is_in_time=now_s <= row["expires"].timestamp(),
        session=None if row["session"] is None else str(row["session"]),
    )


async def began(connection: Connection, code: str, session: str) -> None:
    """Remember which session it has begun."""
    await connection.execute(_BEGAN, _digest(code), session)


async def remove_old(connection: Connection, now_s: float) -> int:
    """Some thousands of those that nobody can have tokens of any more; gives their number."""
    return len(await connection.fetch(_REMOVE, moment(now_s - _KEPT_S), _REMOVED_MAX))


def is_challenge(text: str) -> bool:
    """RFC 7636 §4.2 for S256: a SHA-256 in base64url."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, challenge: str) -> bool:
    """The secret is the one that the challenge was made from (RFC 7636 §4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = _text(hashlib.sha256(verifier.encode("ascii")).digest())
    return equal(made.encode(), challenge.encode())


def _digest(code: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(code.encode("ascii")).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _given(row: Any) -> Given:
    return Given(
        client=row["client"],
        redirect_uri=row["redirect_uri"],
        challenge=row["challenge"],
        nonce=row["nonce"],
        parent=str(row["parent"]),
        scopes=tuple(row["scopes"]),
        patient=row["patient"],
    )


_ADD = """
INSERT INTO authorization_code (
    digest, client, redirect_uri, challenge, nonce, parent, scopes, patient, expires
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_LOCK = """
SELECT client, redirect_uri, challenge, nonce, parent, scopes, patient, expires, used, session
FROM authorization_code
WHERE digest = $1
FOR UPDATE
"""
_USE = "UPDATE authorization_code SET used = $2 WHERE digest = $1"
_BEGAN = "UPDATE authorization_code SET session = $2 WHERE digest = $1"
_REMOVE = """
DELETE FROM authorization_code
WHERE digest IN (
    SELECT digest FROM authorization_code
    WHERE expires < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING 1
"""
