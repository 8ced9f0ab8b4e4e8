"""The identity providers of a region, as one server process knows them: where they are, how they are."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from altid.access.audit.event import Action
from altid.access.federation.fetching import Fetcher, ProviderDownError
from altid.access.federation.health import Health
from altid.access.federation.journey import Seal
from altid.access.federation.oidc.discovery import Known
from altid.access.federation.provider import OidcProvider, Provider, SamlProvider
from altid.access.secret import AccessSecret
from altid.access.settings import Clock

_log = logging.getLogger("altid.access")


@dataclass(frozen=True, slots=True)
class OidcPeer:
    """An OpenID provider, and what was learnt of it."""

    provider: OidcProvider
    health: Health
    known: Known = field(repr=False)

    async def look(self) -> None:
        await self.known.look()


@dataclass(frozen=True, slots=True)
class SamlPeer:
    """A SAML provider. All that must be known of it is in its metadata."""

    provider: SamlProvider
    health: Health
    fetcher: Fetcher = field(repr=False)

    async def look(self) -> None:
        await self.fetcher.probe(self.provider.probe_url)


Peer = OidcPeer | SamlPeer


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider, as the logon page shows it."""

    name: str
    title_da: str
    title_en: str
    is_down: bool


@dataclass(frozen=True, slots=True)
class Federation:
    """All of them, in the order of the file."""

    seal: Seal = field(repr=False)
    peers: tuple[Peer, ...] = ()

    def peer(self, name: str) -> Peer | None:
        return next((peer for peer in self.peers if peer.provider.name == name), None)

    def peer_of(self, authority: str) -> Peer | None:
        return next((peer for peer in self.peers if peer.provider.authority == authority), None)

    def offers(self) -> tuple[Offer, ...]:
        """For the logon page. One that is down is shown, too: it says why not."""
        return tuple(
            Offer(
                peer.provider.name,
                peer.provider.title_da,
                peer.provider.title_en,
                peer.health.is_down,
            )
            for peer in self.peers
        )

    @property
    def is_emergency(self) -> bool:
        """There are providers, and none answers: whoever has a local account or a passkey comes in by it, and
        that is told of as what it is."""
        return bool(self.peers) and all(peer.health.is_down for peer in self.peers)

    @property
    def local_logon(self) -> Action:
        """What a logon that no provider has vouched for is to the audit, just now."""
        return Action.EMERGENCY_LOGON if self.is_emergency else Action.LOGON

    def is_down(self, name: str) -> bool:
        """False for one that isn't (any more) in the file: nobody is given time for its sake."""
        peer = self.peer(name)
        return peer is not None and peer.health.is_down


@asynccontextmanager
async def open_federation(
    providers: tuple[Provider, ...],
    secret: AccessSecret,
    *,
    monotonic: Clock,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Federation]:
    """The peers, and a task for each that looks whether it answers. Opens also while they are down."""
    peers, fetchers = list[Peer](), list[Fetcher]()
    for provider in providers:
        health = Health(monotonic)
        fetcher = await asyncio.to_thread(Fetcher, health, provider.ca_file)
        fetchers.append(fetcher)
        if isinstance(provider, OidcProvider):
            peers.append(OidcPeer(provider, health, Known(provider, fetcher, monotonic)))
        else:
            peers.append(SamlPeer(provider, health, fetcher))
    watches = [asyncio.create_task(_watch(peer, rng, sleep)) for peer in peers]
    try:
        yield Federation(Seal(secret), tuple(peers))
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for fetcher in fetchers:
            await fetcher.close()


async def _watch(peer: Peer, rng: random.Random, sleep: Callable[[float], Awaitable[None]]) -> None:
    was_down = False
    while True:
        try:
            await peer.look()
            peer.health.succeeded()
        except ProviderDownError as error:
            peer.health.failed()
            _log.info("identity provider %s: %s", peer.provider.name, error)
        if peer.health.is_down != was_down:
            was_down = peer.health.is_down
            word = "does not answer: local logon is the emergency way" if was_down else "answers again"
            _log.warning("identity provider %s %s", peer.provider.name, word)
        await sleep(peer.health.next_look_s(rng))
