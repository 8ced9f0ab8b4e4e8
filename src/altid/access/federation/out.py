"""Sending somebody to a provider."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from altid.access import refusal
from altid.access.admission import NotNowError
from altid.access.desk import Desk
from altid.access.door import Caller, not_now
from altid.access.federation.fetching import ProviderDownError
from altid.access.federation.journey import Journey, begun
from altid.access.federation.limits import FETCH_S_MAX
from altid.access.federation.oidc import request as oidc_request
from altid.access.federation.oidc.discovery import Endpoints
from altid.access.federation.providers import OidcPeer, Peer, SamlPeer
from altid.access.federation.saml import request as saml_request
from altid.access.refusal import Refusal
from altid.access.waiting import Priority

_log = logging.getLogger("altid.access")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the cookie that it comes back with."""

    url: str = field(repr=False)
    cookie: str = field(repr=False)


async def depart(
    desk: Desk, caller: Caller, peer: Peer, *, origin: str, wanted: str, is_shared: bool = False
) -> Departure | Refusal:
    """`origin`: our address, by which the browser came; where it is none of ours, the first of ours is taken.
    `wanted`: the page of ours to go to afterwards. `is_shared`: from a ward's PC, where the provider must ask
    who it is, also if it remembers somebody."""
    if peer.health.is_down:
        return refusal.PROVIDER_DOWN
    ours = origin if origin in desk.settings.origins else desk.settings.origins[0]
    journey = begun(peer.provider.name, ours, wanted, desk.clock(), desk.rng, is_shared=is_shared)
    try:
        url = await _url(desk, caller, peer, journey)
    except ProviderDownError as error:
        _log.info("identity provider %s: %s", peer.provider.name, error)
        return refusal.PROVIDER_DOWN
    except NotNowError as error:
        return not_now(desk, "", error.away)
    return Departure(url, desk.federation.seal.close(journey, desk.rng))


async def _url(desk: Desk, caller: Caller, peer: Peer, journey: Journey) -> str:
    if isinstance(peer, SamlPeer):
        return saml_request.request_url(
            peer.provider,
            request_id=journey.request_id,
            relay_state=journey.id,
            consumer_url=journey.saml_consumer,
            now_s=desk.clock(),
            must_ask=journey.is_shared,
        )
    return oidc_request.request_url(
        peer.provider,
        await endpoints_of(desk, caller, peer),
        redirect_uri=journey.oidc_callback,
        state=journey.id,
        nonce=journey.nonce,
        verifier=journey.verifier,
        must_ask=journey.is_shared,
    )


async def endpoints_of(desk: Desk, caller: Caller, peer: OidcPeer) -> Endpoints:
    """Known already, but for the first moments of a server. Raises `ProviderDownError`, `NotNowError`."""
    if peer.known.endpoints is None:
        deadline_s = min(caller.deadline_s, desk.monotonic() + 2 * FETCH_S_MAX)
        async with peer.health.line.place(Priority.ORDINARY, deadline_s):
            await peer.known.look()
    if peer.known.endpoints is None:
        raise ProviderDownError("nothing is known of it")
    return peer.known.endpoints
