"""Logon at an identity provider of the region: out of our house by a link, and back into it.

What comes back is sent by another site on purpose, so it holds no form token. What stands for it is the
journey: the answer must name the one that this very browser has a cookie of. That cookie is `SameSite=None`
over HTTPS, since a SAML answer comes with another site's form; it opens nothing by itself.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from altid.access import refusal
from altid.access.door import Answer
from altid.access.federation.back import Posted, Returned, with_oidc, with_saml
from altid.access.federation.limits import FORM_BYTES_MAX, OUT_S_MAX
from altid.access.federation.out import depart
from altid.access.federation.providers import OidcPeer, Peer, SamlPeer
from altid.access.federation.saml.metadata import our_metadata
from altid.access.refusal import Refusal
from altid.screen.forms import read_form
from altid.screen.headers import NOT_KEPT
from altid.web import cookies
from altid.web.addresses import FRONT, LOGON, local
from altid.web.entering import Asked, Entrance
from altid.web.faults import failed
from altid.web.gate import Service, caller_of, open_to_all

_METADATA_TYPE = "application/samlmetadata+xml"


class Federated:
    """The ways by a provider, of one server process."""

    def __init__(self, service: Service, entrance: Entrance) -> None:
        self._service = service
        self._entrance = entrance

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{LOGON}/with/{{name}}", open_to_all(self._go), methods=["GET"]),
            Route(f"{LOGON}/oidc/{{name}}", open_to_all(self._oidc), methods=["GET"]),
            Route(f"{LOGON}/saml/{{name}}", open_to_all(self._saml), methods=["POST"]),
            Route(f"{LOGON}/saml/{{name}}/metadata", open_to_all(self._metadata), methods=["GET"]),
        ]

    async def _go(self, request: Request) -> Response:
        peer = self._peer(request)
        if peer is None:
            return failed(request, "not-found", 404)
        wanted = local(request.query_params.get("next"))
        departure = await depart(
            self._service.guard.desk,
            caller_of(request, self._service),
            peer,
            origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
            wanted=wanted,
            is_shared=cookies.workplace_of(request) is not None,
        )
        if isinstance(departure, Refusal):
            asked = Asked(wanted, way=_way(peer))
            return await self._entrance.finish(request, departure, asked)
        answer = RedirectResponse(departure.url, 303, headers=NOT_KEPT)
        cookies.keep_journey(answer, departure.cookie, secure=cookies.is_secure(request), age_s=OUT_S_MAX)
        return answer

    async def _oidc(self, request: Request) -> Response:
        peer, told = self._peer(request), request.query_params
        if not isinstance(peer, OidcPeer):
            return failed(request, "not-found", 404)
        cookie = cookies.journey_of(request)
        returned = Returned(
            told.get("state", ""), told.get("code", ""), told.get("error", ""), told.get("iss")
        )
        answer: Answer = refusal.BEGIN_AGAIN
        if cookie:
            caller = caller_of(request, self._service)
            answer = await with_oidc(self._service.guard.desk, caller, peer, cookie, returned)
        return await self._back(request, peer, answer, returned.state)

    async def _saml(self, request: Request) -> Response:
        peer = self._peer(request)
        if not isinstance(peer, SamlPeer):
            return failed(request, "not-found", 404)
        form, cookie = await read_form(request, FORM_BYTES_MAX), cookies.journey_of(request)
        posted = Posted(form.get("SAMLResponse", ""), form.get("RelayState", ""))
        answer: Answer = refusal.BEGIN_AGAIN
        if cookie:
            caller = caller_of(request, self._service)
            answer = await with_saml(self._service.guard.desk, caller, peer, cookie, posted)
        return await self._back(request, peer, answer, posted.relay_state)

    async def _back(self, request: Request, peer: Peer, answer: Answer, journey: str) -> Response:
        asked = Asked(self._wanted(request, peer, journey), way=_way(peer))
        shown = await self._entrance.finish(request, answer, asked)
        cookies.forget_journey(shown, secure=cookies.is_secure(request))
        return shown

    def _wanted(self, request: Request, peer: Peer, journey: str) -> str:
        """Where one wanted to go, from inside the seal."""
        desk = self._service.guard.desk
        cookie = cookies.journey_of(request) or ""
        found = desk.federation.seal.open(cookie, peer.provider.name, journey, desk.clock())
        return FRONT if found is None else local(found.wanted)

    async def _metadata(self, request: Request) -> Response:
        peer = self._peer(request)
        if not isinstance(peer, SamlPeer):
            return failed(request, "not-found", 404)
        origin = self._service.guard.desk.settings.origins[0]
        content = our_metadata(peer.provider, f"{origin}{LOGON}/saml/{peer.provider.name}")
        return Response(content, media_type=_METADATA_TYPE, headers=NOT_KEPT)

    def _peer(self, request: Request) -> Peer | None:
        return self._service.guard.desk.federation.peer(request.path_params["name"])


def _way(peer: Peer) -> str:
    """As the audit calls it."""
    return f"provider {peer.provider.name}"
