"""Accounts of those whom a provider knows: made at the first logon, brought up to date at each.

An account is bound to the provider's authority (issuer, or entity id) and its subject, never to a user name:
so nobody comes into a local account because a provider calls him by its name.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

from altid.access import accounts
from altid.access.accounts import Account, AccountError, is_username, username_of
from altid.access.federation.claims import Person
from altid.access.settings import moment
from altid.record.database import Connection

_USERNAME_CHARACTERS_MAX = 64
_DIGEST_CHARACTERS = 8


async def account_of(
    connection: Connection, person: Person, provider: str, now_s: float, rng: random.Random
) -> Account:
    """The person's account, as the provider describes it now. A closed one stays closed, and as it was.

    To be called in a transaction: two first logons of one person take turns. Raises `AccountError`.
    """
    await connection.execute(_LOCK, f"{person.authority}\n{person.subject}")
    known = await connection.fetchval(_FIND, person.authority, person.subject)
    if known is None:
        made = await _made(connection, person, provider, now_s, rng)
        await connection.execute(_BIND, person.authority, person.subject, made.id, moment(now_s))
        return made
    account = await accounts.by_id(connection, str(known))
    assert account is not None
    if account.is_disabled:
        return account
    await connection.execute(_SEEN, person.authority, person.subject, moment(now_s))
    return await _updated(connection, account, person, now_s)


async def authority_of(connection: Connection, account: str) -> str | None:
    """Who vouches for this account; None for a local one."""
    found: str | None = await connection.fetchval(_AUTHORITY, account)
    return found


async def _made(
    connection: Connection, person: Person, provider: str, now_s: float, rng: random.Random
) -> Account:
    """With the name that the provider gives, or if that is somebody's already, with a part of a digest."""
    for username in _usernames(person, provider):
        if await accounts.find(connection, username) is not None:
            continue
        return await accounts.add(
            connection,
            username=username,
            name=person.name,
            roles=person.roles,
            organisations=person.organisations,
            practitioner=person.practitioner,
            now_s=now_s,
            rng=rng,
        )
    raise AccountError("No user name is left for this person.")


def _usernames(person: Person, provider: str) -> tuple[str, ...]:
    """`anne@provider`: a name that shows whose it is. Whatever the provider sends, it's one that we allow."""
    digest = hashlib.sha256(f"{person.authority}\n{person.subject}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
    base = username_of(person.username)[: _USERNAME_CHARACTERS_MAX - len(provider) - _DIGEST_CHARACTERS - 2]
    if not is_username(base):
        return (f"{digest}@{provider}",)
    return f"{base}@{provider}", f"{base}-{digest}@{provider}"


async def _updated(connection: Connection, account: Account, person: Person, now_s: float) -> Account:
    """What is open elsewhere in roles that the person has no more ends (`accounts.set_roles`)."""
    if account.roles != person.roles:
        account = await accounts.set_roles(connection, account.username, person.roles, now_s)
    if account.organisations != person.organisations:
        account = await accounts.set_organisations(connection, account.username, person.organisations, now_s)
    practitioner = person.practitioner or account.practitioner
    if (account.name, account.practitioner) != (person.name, practitioner):
        await connection.execute(_DESCRIBE, account.id, person.name, practitioner)
        account = replace(account, name=person.name, practitioner=practitioner)
    return account


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_FIND = "SELECT account FROM federated_account WHERE authority = $1 AND subject = $2"
_AUTHORITY = "SELECT authority FROM federated_account WHERE account = $1"
_BIND = """
INSERT INTO federated_account (authority, subject, account, created, last_logon) VALUES ($1, $2, $3, $4, $4)
"""
_SEEN = "UPDATE federated_account SET last_logon = $3 WHERE authority = $1 AND subject = $2"
_DESCRIBE = "UPDATE account SET name = $2, practitioner = $3 WHERE id = $1"
