"""What an operator does with accounts and systems: each change and its audit event in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from altid.access import accounts, clients, copies, invitations, sessions
from altid.access.accounts import Account, AccountError
from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.clients import Client, ClientError
from altid.access.identity import Role
from altid.access.invitations import link_of
from altid.access.operator import Issued, Operator
from altid.access.passwords import Passwords, strength
from altid.access.refreshing import Chain
from altid.access.tokens import Subject

_IDP = "terminal"
"""In place of an identity provider. The person did not begin the session: an operator did, in their name."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made of. Without a password, its owner chooses one by an invitation."""

    username: str
    name: str
    roles: tuple[Role, ...]
    organisations: tuple[str, ...]
    practitioner: str | None = None
    password: str | None = field(default=None, repr=False)
    must_change: bool = False


async def add_account(operator: Operator, new: NewAccount) -> Account:
    """Raises `AccountError`, also for a password that is easy to guess."""
    hashed = await _hashed(operator, new)
    async with operator.connection.transaction():
        made = await accounts.add(
            operator.connection,
            username=new.username,
            name=new.name,
            roles=new.roles,
            organisations=new.organisations,
            practitioner=new.practitioner,
            password_hash=hashed,
            must_change=new.must_change,
            now_s=operator.clock(),
            rng=operator.rng,
        )
        await operator.record(_administered(operator, "add", "account", made.id))
    return made


async def disable_account(operator: Operator, username: str) -> Account:
    """Raises `AccountError`."""
    async with operator.connection.transaction():
        closed = await accounts.disable(operator.connection, username, operator.clock())
        await operator.record(_administered(operator, "disable", "account", closed.id))
    return closed


async def enable_account(operator: Operator, username: str) -> Account:
    """Open a closed account again; what had ended stays so. Raises `AccountError`."""
    async with operator.connection.transaction():
        opened = await accounts.enable(operator.connection, username)
        await operator.record(_administered(operator, "enable", "account", opened.id))
    return opened


async def invite(operator: Operator, username: str) -> str:
    """A link where the owner of an account chooses a password; it works once. Raises `AccountError`."""
    account = await _open_account(operator, username)
    async with operator.connection.transaction():
        secret = await invitations.invite(
            operator.connection,
            roles=account.roles,
            organisations=account.organisations,
            now_s=operator.clock(),
            rng=operator.rng,
            account=account.id,
        )
        await operator.record(_administered(operator, "invite", "account", account.id))
    return link_of(operator.public_url, secret)


async def invite_first(operator: Operator) -> str | None:
    """A link that makes the first administrator; None if there is an account already."""
    async with operator.connection.transaction():
        secret = await invitations.invite_first_administrator(
            operator.connection, operator.settings.region, operator.clock(), operator.rng
        )
        if secret is None:
            return None
        await operator.record(_administered(operator, "invite-first", "account"))
    return link_of(operator.public_url, secret)


async def person_token(
    operator: Operator, username: str, role: Role | None, organisation: str | None
) -> Issued:
    """A token in somebody's name, of a session that ends with it. Raises `AccountError`."""
    account = await _open_account(operator, username)
    chosen, place = role or account.roles[0], organisation or account.organisations[0]
    if chosen not in account.roles:
        raise AccountError(f"{account.username} is no {chosen}, but {', '.join(account.roles)}.")
    if place not in account.organisations:
        raise AccountError(f"{account.username} works at {', '.join(account.organisations)}, not there.")
    settings, now = operator.settings, operator.clock()
    async with operator.connection.transaction():
        begun = await sessions.start(
            operator.connection,
            Chain(operator.secret),
            settings,
            account=account.id,
            name=account.name,
            role=chosen,
            organisation=place,
            level=settings.password_level,
            now_s=now,
            rng=operator.rng,
            idp=_IDP,
            until_s=now + settings.token_s_max,
        )
        who = Who(account.id, account.name, chosen, place, begun.session.sid)
        await operator.record(
            Event(
                round(now * 1e6),
                Action.LOGON,
                Outcome.DONE,
                who,
                operation=f"token by {operator.user}",
                workplace=operator.host,
            )
        )
    subject = Subject(account.id, account.name, chosen, place, settings.password_level, begun.session.sid)
    return await operator.issue(subject)


async def add_client(operator: Operator, client: Client) -> None:
    """Raises `ClientError`."""
    async with operator.connection.transaction():
        await clients.add(operator.connection, client, operator.clock())
        await operator.record(_administered(operator, "add", "client", client.id))


async def disable_client(operator: Operator, client: str) -> None:
    """Raises `ClientError`."""
    async with operator.connection.transaction():
        if not await clients.disable(operator.connection, client, operator.clock()):
            raise ClientError("There is no system of this id: `altid client list` shows them.")
        await operator.record(_administered(operator, "disable", "client", client))


async def revoke_place(operator: Operator, client: str) -> None:
    """A place that keeps a copy gets nothing any more, and is told so when it asks. Raises `ClientError`."""
    async with operator.connection.transaction():
        if not await copies.revoke(operator.connection, client):
            raise ClientError("There is no such place: `altid client list` shows them.")
        await operator.record(_administered(operator, "revoke", "client", client))


async def rotate_client(operator: Operator, client: str, jwks: Mapping[str, Any]) -> None:
    """Raises `ClientError`."""
    async with operator.connection.transaction():
        if not await clients.rotate(operator.connection, client, jwks):
            raise ClientError("There is no open system with keys of this id: `altid client list` shows them.")
        await operator.record(_administered(operator, "rotate", "client", client))


async def listed_accounts(operator: Operator) -> Sequence[Account]:
    """All of them, by user name."""
    found: list[Account] = []
    while page := await accounts.listing(operator.connection, after=found[-1].username if found else ""):
        found += page
    return found


def _administered(operator: Operator, operation: str, type_: str, id_: str = "") -> Event:
    return operator.event(Action.ADMINISTER, operation, type_=type_, id_=id_)


async def _open_account(operator: Operator, username: str) -> Account:
    account = await accounts.find(operator.connection, username)
    if account is None:
        raise AccountError("There is no account of this name: `altid user list` shows them.")
    if account.is_disabled:
        raise AccountError(f"The account {account.username} is closed.")
    return account


async def _hashed(operator: Operator, new: NewAccount) -> str | None:
    if new.password is None:
        return None
    weak = strength(new.password, accounts.username_of(new.username))
    if weak is not None:
        raise AccountError(weak.text("en"))
    pool = Passwords(1, operator.rng)
    try:
        return await pool.hash(new.password)
    finally:
        pool.close()
