"""`/session/token`: how a page's script comes to the token that it shows to the record (`page_tokens`).

A page asks for it once it is there, by its cookies, and renews it by itself, at either site. The first way
counts as somebody at the screen, as every page does; the second only where the script says so.
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import refusal
from altid.access.door import Granted
from altid.access.guard import NotIdentifiedError
from altid.access.identity import Identity
from altid.access.logon import with_refresh
from altid.access.page_tokens import for_page, renewed
from altid.access.refusal import Refusal
from altid.access.secret import AccessSecret, tag
from altid.screen.forms import StrangeFormError, check_from_here
from altid.screen.headers import NOT_KEPT
from altid.screen.language import words_for
from altid.web import cookies
from altid.web.gate import Service, caller_of, known, public_url

PATH = "/session/token"
PAGE_HEADER = "altid-page"
"""Says that a script of a page asks: `used` if somebody was at the screen, else `open`. No form and no link
can send it, and no other site's script without asking first."""
_USED, _OPEN = "used", "open"


def token_routes(service: Service) -> list[BaseRoute]:
    async def give(request: Request) -> Response:
        return await _give(service, request)

    async def renew(request: Request) -> Response:
        return await _renew(service, request)

    return [Route(PATH, give, methods=["GET"]), Route(PATH, renew, methods=["POST"])]


async def _give(service: Service, request: Request) -> Response:
    """By the page's cookies, which are renewed where it is time."""
    if not _is_asked_by_page(service, request):
        return _refused(request, refusal.NOT_ALLOWED)
    found, kept = await _who(service, request)
    answer = found if isinstance(found, Refusal) else await _granted(service, request, found)
    response = _answered(service, request, answer, with_outbox=True)
    if kept is not None:
        cookies.begin(response, kept, secure=cookies.is_secure(request))
    return response


async def _renew(service: Service, request: Request) -> Response:
    """By the token that the page has, which needs no cookie: so also at the other site."""
    if request.headers.get(PAGE_HEADER) not in (_USED, _OPEN):
        return _refused(request, refusal.INVALID_REQUEST)
    try:
        identity = service.guard.identify(request.headers, pages=True)
    except NotIdentifiedError:
        return _refused(request, refusal.NOT_LOGGED_ON)
    is_used = request.headers[PAGE_HEADER] == _USED
    caller = caller_of(request, service)
    return _answered(service, request, await renewed(service.guard.desk, caller, identity, is_used=is_used))


def _is_asked_by_page(service: Service, request: Request) -> bool:
    """Of this very origin, by its script: somebody who follows a link here sees no token."""
    if request.headers.get(PAGE_HEADER) not in (_USED, _OPEN):
        return False
    if request.headers.get("sec-fetch-site") is None and request.headers.get("origin") is None:
        return True  # a browser names neither with a look at its own origin without encryption
    try:
        check_from_here(request, public_url(service))
    except StrangeFormError:
        return False
    return True


async def _who(service: Service, request: Request) -> tuple[Identity | Refusal, Granted | None]:
    """Whoever is logged on, and new cookies where the access token has run out."""
    identity = known(service, request)
    if identity is not None:
        return identity, None
    token = cookies.refresh_of(request)
    if token is None:
        return refusal.NOT_LOGGED_ON, None
    found = await with_refresh(service.guard.desk, caller_of(request, service), token)
    return (found, None) if isinstance(found, Refusal) else (found.identity, found)


async def _granted(service: Service, request: Request, identity: Identity) -> Granted | Refusal:
    return await for_page(service.guard.desk, caller_of(request, service), identity)


def _answered(
    service: Service, request: Request, answer: Granted | Refusal, *, with_outbox: bool = False
) -> Response:
    if isinstance(answer, Refusal):
        return _refused(request, answer)
    guard = service.guard
    sites = guard.sites or ((guard.site, public_url(service)),)
    expires = datetime.fromtimestamp(answer.identity.expires_s, UTC)
    account = answer.identity.subject
    outbox = {"outboxKey": outbox_key(guard.desk.secret, account)} if with_outbox else {}
    return _json(
        {
            "token": answer.access,
            "expires": expires.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "expiresIn": answer.expires_in_s,
            "account": account,
            "site": guard.site,
            "sites": [{"name": name, "url": url} for name, url in sites],
            **outbox,
        }
    )


def outbox_key(secret: AccessSecret, account: str) -> str:
    """What a browser seals an account's unsent orders with: 32 bytes, base64. It is the same at every server,
    so what was left on a ward's PC is opened by its owner's next logon and by nobody else's."""
    return base64.b64encode(tag(secret.derive("outboxes of browsers"), account.encode())).decode("ascii")


def _refused(request: Request, refused: Refusal) -> Response:
    response = _json(refused.as_json(words_for(request).language), refused.status)
    if refused.retry_after_s is not None:
        response.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return response


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, NOT_KEPT, "application/json")
