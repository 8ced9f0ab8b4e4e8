"""Letting in whoever comes back from a provider: the ways by OpenID Connect and by SAML.

Order: what the browser kept and what it brings must be of one journey; the provider's word is proved; the
person has a role, a place and a level; the journey is spent; the account; the session.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from altid.access import refusal, spent
from altid.access.accounts import AccountError
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, let_in, way, writing
from altid.access.federation import claims, members
from altid.access.federation.claims import Lack, Person
from altid.access.federation.fetching import ProviderDownError, ProviderRefusedError, Waiter
from altid.access.federation.journey import Journey
from altid.access.federation.oidc.exchange import Code, ExchangeError, exchanged, userinfo
from altid.access.federation.oidc.id_token import IdTokenError, verified
from altid.access.federation.out import endpoints_of
from altid.access.federation.providers import OidcPeer, Peer, SamlPeer
from altid.access.federation.saml.response import Expected, ResponseError, read_response
from altid.access.refusal import Refusal
from altid.access.waiting import Priority

_CODE_CHARACTERS_MAX = 4_096

_log = logging.getLogger("altid.access")


@dataclass(frozen=True, slots=True)
class Returned:
    """What an OpenID provider has sent back with the browser."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = field(default="", repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What a SAML provider has sent back with the browser."""

    response: str = field(repr=False)
    relay_state: str = field(repr=False)


@way
async def with_oidc(desk: Desk, caller: Caller, peer: OidcPeer, cookie: str, returned: Returned) -> Answer:
    """The answer to an authorization request."""
    journey = _journey(desk, peer, cookie, returned.state)
    if journey is None:
        return _refused(peer, "no journey of this browser", refusal.BEGIN_AGAIN)
    try:
        person = await _person_of(desk, caller, peer, journey, returned)
    except ProviderDownError as error:
        return _refused(peer, str(error), refusal.PROVIDER_DOWN)
    except (IdTokenError, ExchangeError, ProviderRefusedError) as error:
        return _refused(peer, str(error), refusal.PROVIDER_REFUSED)
    return await _entered(desk, caller, peer, journey, person, None, [])


@way
async def with_saml(desk: Desk, caller: Caller, peer: SamlPeer, cookie: str, posted: Posted) -> Answer:
    """The answer to an authentication request."""
    journey = _journey(desk, peer, cookie, posted.relay_state)
    if journey is None:
        return _refused(peer, "no journey of this browser", refusal.BEGIN_AGAIN)
    expected = Expected(journey.request_id, journey.saml_consumer, journey.proved_since_s)
    try:
        # In a thread, and in the provider's own line: it is work for the processor, and anybody may post.
        async with peer.health.line.place(Priority.ORDINARY, caller.deadline_s):
            assertion = await asyncio.to_thread(
                read_response, posted.response, peer.provider, expected, desk.clock()
            )
    except ResponseError as error:
        return _refused(peer, str(error), refusal.PROVIDER_REFUSED)
    person = claims.person(
        peer.provider.authority, assertion.subject, assertion.claims, peer.provider.reading
    )
    once = [_Once(f"saml assertion {peer.provider.authority}", assertion.id, assertion.expires_s)]
    return await _entered(desk, caller, peer, journey, person, assertion.session_until_s, once)


@dataclass(frozen=True, slots=True)
class _Once:
    """Something that may be used once."""

    kind: str
    value: str = field(repr=False)
    expires_s: float


def _journey(desk: Desk, peer: Peer, cookie: str, id_: str) -> Journey | None:
    return desk.federation.seal.open(cookie, peer.provider.name, id_, desk.clock())


async def _person_of(
    desk: Desk, caller: Caller, peer: OidcPeer, journey: Journey, returned: Returned
) -> Person | Lack:
    endpoints = await endpoints_of(desk, caller, peer)
    if returned.issuer != peer.provider.issuer and (returned.issuer is not None or endpoints.names_itself):
        raise ExchangeError("the answer names another provider")
    if returned.error or not 0 < len(returned.code) <= _CODE_CHARACTERS_MAX:
        raise ExchangeError("the provider lets nobody in")
    code = Code(returned.code, journey.verifier, journey.oidc_callback)
    fetcher, waiter = peer.known.fetcher, Waiter(caller.deadline_s, desk.monotonic())
    tokens = await exchanged(
        peer.provider, endpoints, fetcher, waiter, code, now_s=desk.clock(), rng=desk.rng
    )
    told = await verified(
        tokens.id_token,
        peer.provider,
        peer.known.key,
        nonce=journey.nonce,
        now_s=desk.clock(),
        proved_since_s=journey.proved_since_s,
    )
    subject = told["sub"]
    if peer.provider.userinfo:
        # What is signed is worth more: the level, above all, is that of the id token.
        told = await userinfo(endpoints, fetcher, waiter, tokens, subject) | told
    texts = {name: claims.texts(value) for name, value in told.items()}
    return claims.person(peer.provider.authority, subject, texts, peer.provider.reading)


async def _entered(
    desk: Desk,
    caller: Caller,
    peer: Peer,
    journey: Journey,
    person: Person | Lack,
    until_s: float | None,
    once: list[_Once],
) -> Answer:
    if isinstance(person, Lack):
        is_weak = person is Lack.LEVEL
        return _refused(peer, str(person), refusal.LEVEL_TOO_LOW if is_weak else refusal.NOT_MAPPED)
    now, name = desk.clock(), peer.provider.name
    once.append(_Once("journey", journey.id, journey.expires_s))
    try:
        async with (
            desk.light.place(Priority.ORDINARY, caller.deadline_s),
            writing(desk, caller) as connection,
            connection.transaction(),
        ):
            for one in once:
                # Kept somewhat longer than it is accepted, for clocks that differ.
                if not await spent.spend(connection, one.kind, one.value, one.expires_s + _SPENT_LONGER_S):
                    return _refused(peer, "used before", refusal.BEGIN_AGAIN)
            account = await members.account_of(connection, person, name, now, desk.rng)
    except AccountError as error:
        return _refused(peer, str(error), refusal.NOT_MAPPED)
    if account.is_disabled:
        return refusal.DISABLED
    ends_s = now + desk.settings.federated_session_s + desk.settings.federated_grace_s
    ends_s = ends_s if until_s is None else min(ends_s, until_s)
    return await let_in(desk, caller, account, None, None, person.level, idp=name, until_s=ends_s)


_SPENT_LONGER_S = 120


def _refused(peer: Peer, fault: str, answer: Refusal) -> Refusal:
    """The fault is of a fixed text: nothing that somebody has sent."""
    _log.info("logon by %s refused: %s", peer.provider.name, fault)
    return answer
