"""Links that work once: to make the first administrator, or to choose a password."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from altid.access.identity import Role
from altid.access.settings import moment
from altid.record.database import Connection

INVITATION_S = 3 * 24 * 3600
"""Over a weekend."""
JOIN_PATH = "/join"
"""The page where a link leads."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link is for: an account that is there, or one that is made with these roles and places."""

    account: str | None
    roles: tuple[Role, ...]
    organisations: tuple[str, ...]


def link_of(public_url: str, secret: str) -> str:
    """The link. Its secret comes after "#", which browsers send to nobody: it stands in no server's log."""
    return f"{public_url}{JOIN_PATH}#{secret}"


async def invite(
    connection: Connection,
    *,
    roles: Sequence[Role],
    organisations: Sequence[str],
    now_s: float,
    rng: random.Random,
    account: str | None = None,
) -> str:
    """The secret part of the link. It is shown to one person and stored only as a hash."""
    secret = base64.urlsafe_b64encode(rng.randbytes(_SECRET_BYTES)).rstrip(b"=").decode("ascii")
    await connection.execute(
        _ADD,
        _digest(secret),
        account,
        list(roles),
        list(organisations),
        moment(now_s),
        moment(now_s + INVITATION_S),
    )
    return secret


async def invite_first_administrator(
    connection: Connection, organisation: str, now_s: float, rng: random.Random
) -> str | None:
    """The link of a new region; earlier ones are worth nothing now. None where there is an account."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        if await connection.fetchval(_ANY_ACCOUNT):
            return None
        await connection.execute(_REMOVE_FIRST)
        return await invite(
            connection, roles=[Role.ADMINISTRATOR], organisations=[organisation], now_s=now_s, rng=rng
        )


async def look(connection: Connection, secret: str, now_s: float) -> Invitation | None:
    """What the link would do; None if it is unknown, used or too old."""
    row = await connection.fetchrow(_LOOK, _digest(secret), moment(now_s))
    return None if row is None else _invitation(row)


async def redeem(connection: Connection, secret: str, now_s: float) -> Invitation | None:
    """Use it up. In one transaction with what it is used for, so that a failure leaves it whole."""
    row = await connection.fetchrow(_REDEEM, _digest(secret), moment(now_s))
    return None if row is None else _invitation(row)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _invitation(row: dict[str, object]) -> Invitation:
    account, roles, organisations = row["account"], row["roles"], row["organisations"]
    assert isinstance(roles, list)
    assert isinstance(organisations, list)
    return Invitation(
        None if account is None else str(account),
        tuple(Role(role) for role in roles),
        tuple(organisations),
    )


_ADD = """
INSERT INTO invitation (digest, account, roles, organisations, created, expires)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_LOCK = "SELECT pg_advisory_xact_lock(4712294466158190)"
_ANY_ACCOUNT = "SELECT EXISTS (SELECT FROM account)"
_REMOVE_FIRST = "DELETE FROM invitation WHERE account IS NULL AND used IS NULL"
_LOOK = """
SELECT account, roles, organisations FROM invitation WHERE digest = $1 AND used IS NULL AND expires > $2
"""
_REDEEM = """
UPDATE invitation SET used = $2
WHERE digest = $1 AND used IS NULL AND expires > $2
RETURNING account, roles, organisations
"""
