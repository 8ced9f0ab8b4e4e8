"""Accounts of people: made, listed, closed, changed, and whether a password is theirs."""

from __future__ import annotations

import random
import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from altid.access.identity import Role
from altid.access.passwords import Passwords, is_outdated
from altid.access.settings import moment
from altid.record.database import Connection

NAME_CHARACTERS_MAX = 120
LIST_MAX = 1_000
_USERNAME = re.compile(r"[a-z0-9æøåäöü][a-z0-9æøåäöü._@-]{0,63}")
_ORGANISATION = re.compile(r"[A-Za-z0-9.:-]{1,64}", re.ASCII)
_PRACTITIONER = re.compile(r"Practitioner/[A-Za-z0-9.-]{1,64}", re.ASCII)


class AccountError(ValueError):
    """The account can't be made or changed so. One line: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """One row. `password` is the hash, or None where there is another way of logging on."""

    id: str
    username: str
    name: str
    roles: tuple[Role, ...]
    organisations: tuple[str, ...]
    practitioner: str | None = None
    must_change: bool = False
    is_disabled: bool = False
    password: str | None = field(default=None, repr=False)


def username_of(typed: str) -> str:
    """The one spelling of a user name, whatever was typed. It may still be nobody's."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def is_username(username: str) -> bool:
    """An account could have this name, in its one spelling."""
    return _USERNAME.fullmatch(username) is not None


async def add(
    connection: Connection,
    *,
    username: str,
    name: str,
    roles: Sequence[Role],
    organisations: Sequence[str],
    now_s: float,
    rng: random.Random,
    practitioner: str | None = None,
    password_hash: str | None = None,
    must_change: bool = False,
) -> Account:
    """Raises `AccountError`, also where the name is taken."""
    account = Account(
        id=str(uuid.UUID(bytes=rng.randbytes(16), version=4)),
        username=_checked_username(username),
        name=_checked_name(name),
        roles=_checked_roles(roles),
        organisations=_checked_organisations(organisations),
        practitioner=_checked_practitioner(practitioner),
        must_change=must_change,
        password=password_hash,
    )
    try:
        await connection.execute(
            _INSERT,
            account.id,
            account.username,
            account.name,
            account.password,
            list(account.roles),
            list(account.organisations),
            account.practitioner,
            account.must_change,
            moment(now_s),
        )
    except asyncpg.UniqueViolationError:
        raise AccountError("This user name is taken: choose another.") from None
    return account


async def find(connection: Connection, username: str) -> Account | None:
    """By what was typed."""
    if not is_username(username_of(username)):
        return None
    row = await connection.fetchrow(_FIND, username_of(username))
    return None if row is None else _account(row)


async def of_name(connection: Connection, name: str) -> list[Account]:
    """Those who are called exactly so, two at most; closed ones too."""
    rows = await connection.fetch(_OF_NAME, " ".join(name.split()).lower())
    return [_account(row) for row in rows]


async def by_id(connection: Connection, account: str) -> Account | None:
    row = await connection.fetchrow(_BY_ID, account)
    return None if row is None else _account(row)


async def listing(connection: Connection, *, after: str = "", limit: int = LIST_MAX) -> list[Account]:
    """In the order of user names, those after `after`; without their hashes."""
    rows = await connection.fetch(_LIST, after, min(limit, LIST_MAX))
    return [_account(row) for row in rows]


async def disable(connection: Connection, username: str, now_s: float) -> Account:
    """Close the account and end all that is open in its name, at both sites. Raises `AccountError`."""
    async with connection.transaction():
        account = await _changed(connection, _DISABLE, username, moment(now_s))
        await connection.execute(_END_SESSIONS, account.id, moment(now_s))
        await connection.execute(_END_REENTRIES, account.id)
    return account


async def enable(connection: Connection, username: str) -> Account:
    return await _changed(connection, _ENABLE, username)


async def set_roles(connection: Connection, username: str, roles: Sequence[Role], now_s: float) -> Account:
    """What is open goes on only if its role is still among them."""
    async with connection.transaction():
        account = await _changed(connection, _SET_ROLES, username, list(_checked_roles(roles)))
        await _end_what_lost_its_ground(connection, account, now_s)
    return account


async def set_organisations(
    connection: Connection, username: str, organisations: Sequence[str], now_s: float
) -> Account:
    """What is open goes on only if its place of work is still among them."""
    async with connection.transaction():
        checked = list(_checked_organisations(organisations))
        account = await _changed(connection, _SET_ORGANISATIONS, username, checked)
        await _end_what_lost_its_ground(connection, account, now_s)
    return account


async def set_password(
    connection: Connection, account: str, password_hash: str, now_s: float, *, must_change: bool = False
) -> None:
    """Whoever knew the old one is out: all sessions and re-entries end."""
    async with connection.transaction():
        await connection.execute(_SET_PASSWORD, account, password_hash, must_change)
        await connection.execute(_END_SESSIONS, account, moment(now_s))
        await connection.execute(_END_REENTRIES, account)


async def verify(
    connection: Connection, passwords: Passwords, username: str, password: str
) -> Account | None:
    """The account, if it has this password; closed ones, too. An unknown name takes as long."""
    account = await find(connection, username)
    stored = None if account is None else account.password
    return account if await passwords.verify(stored, password) else None


def has_outdated_hash(account: Account) -> bool:
    """It was made with other parameters than today's."""
    return account.password is not None and is_outdated(account.password)


async def renew_hash(connection: Connection, account: Account, renewed: str) -> None:
    """Keep today's hash of the password that was just verified, unless it was changed meanwhile."""
    await connection.execute(_RENEW, account.id, account.password, renewed)


async def usernames_at(connection: Connection, organisations: Sequence[str]) -> frozenset[str]:
    """Who works at one of these places."""
    rows = await connection.fetch(_AT, list(organisations))
    return frozenset(row["username"] for row in rows)


async def _changed(connection: Connection, sql: str, username: str, *values: object) -> Account:
    row = await connection.fetchrow(sql, username_of(username), *values)
    if row is None:
        raise AccountError("There is no account of this name: `altid user list` shows them.")
    return _account(row)


async def _end_what_lost_its_ground(connection: Connection, account: Account, now_s: float) -> None:
    values = (account.id, list(account.roles), list(account.organisations))
    await connection.execute(_END_OTHER_SESSIONS, *values, moment(now_s))
    await connection.execute(_END_OTHER_REENTRIES, *values)


def _account(row: Any) -> Account:
    return Account(
        id=str(row["id"]),
        username=row["username"],
        name=row["name"],
        roles=tuple(Role(role) for role in row["roles"]),
        organisations=tuple(row["organisations"]),
        practitioner=row["practitioner"],
        must_change=row["must_change"],
        is_disabled=row["disabled_at"] is not None,
        password=row["password"],
    )


def _checked_username(typed: str) -> str:
    username = username_of(typed)
    if not is_username(username):
        raise AccountError("A user name has 1 to 64 letters, digits or . _ @ - and begins with no sign.")
    return username


def _checked_name(name: str) -> str:
    kept = " ".join(name.split())
    if not kept or len(kept) > NAME_CHARACTERS_MAX or not kept.isprintable():
        raise AccountError(f"A name has 1 to {NAME_CHARACTERS_MAX} characters.")
    return kept


def _checked_roles(roles: Sequence[Role]) -> tuple[Role, ...]:
    if not roles or Role.SYSTEM in roles:
        people = ", ".join(role for role in Role if role is not Role.SYSTEM)
        raise AccountError(f"An account has at least one role of {people}.")
    return tuple(dict.fromkeys(roles))


def _checked_organisations(organisations: Sequence[str]) -> tuple[str, ...]:
    if not organisations or not all(_ORGANISATION.fullmatch(each) for each in organisations):
        raise AccountError(
            "An account works at one place at least, given by its SOR id (letters, digits . : -)."
        )
    return tuple(dict.fromkeys(organisations))


def _checked_practitioner(reference: str | None) -> str | None:
    if reference is not None and not _PRACTITIONER.fullmatch(reference):
        raise AccountError("The person's resource is given as Practitioner/ID.")
    return reference


_COLUMNS = "id, username, name, roles, organisations, practitioner, must_change, disabled_at, password"
_INSERT = """
INSERT INTO account (id, username, name, password, roles, organisations, practitioner, must_change, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FIND = f"SELECT {_COLUMNS} FROM account WHERE username = $1"
_BY_ID = f"SELECT {_COLUMNS} FROM account WHERE id = $1"
_OF_NAME = f"SELECT {_COLUMNS} FROM account WHERE lower(name) = $1 LIMIT 2"
_LIST = """
SELECT id, username, name, roles, organisations, practitioner, must_change, disabled_at, NULL AS password
FROM account
WHERE username > $1
ORDER BY username
LIMIT $2
"""
_DISABLE = f"""
UPDATE account SET disabled_at = coalesce(disabled_at, $2) WHERE username = $1 RETURNING {_COLUMNS}
"""
_ENABLE = f"UPDATE account SET disabled_at = NULL WHERE username = $1 RETURNING {_COLUMNS}"
_SET_ROLES = f"UPDATE account SET roles = $2 WHERE username = $1 RETURNING {_COLUMNS}"
_SET_ORGANISATIONS = f"UPDATE account SET organisations = $2 WHERE username = $1 RETURNING {_COLUMNS}"
_SET_PASSWORD = "UPDATE account SET password = $2, must_change = $3 WHERE id = $1"  # noqa: S105 (SQL)
_RENEW = "UPDATE account SET password = $3 WHERE id = $1 AND password = $2"
_AT = "SELECT username FROM account WHERE organisations && $1 AND disabled_at IS NULL"
_END_SESSIONS = """
UPDATE session SET ended = $2, end_reason = 'account' WHERE account = $1 AND ended IS NULL
"""
_END_REENTRIES = "DELETE FROM reentry WHERE account = $1"
_END_OTHER_SESSIONS = """
UPDATE session
SET ended = $4, end_reason = 'account'
WHERE account = $1 AND ended IS NULL AND NOT (role = ANY ($2) AND organisation = ANY ($3))
"""
_END_OTHER_REENTRIES = """
DELETE FROM reentry WHERE account = $1 AND NOT (role = ANY ($2) AND organisation = ANY ($3))
"""
