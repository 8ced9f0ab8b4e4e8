"""`/session/token`: how a page's script comes to the token that it shows to the record (`page_tokens`).

A page asks for it once it is there, by its cookies, and renews it by itself, at either site. The first way
counts as somebody at the screen, as every page does; the second only where the script says so. And by it a
page logs off where its own site is gone.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import entries, refusal
from altid.access.audit.event import Action, Outcome, who_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.door import Granted
from altid.access.guard import NotIdentifiedError
from altid.access.identity import Identity
from altid.access.logon import log_off
from altid.access.page_tokens import for_page, renewed
from altid.access.refusal import Refusal
from altid.access.secret import AccessSecret, tag
from altid.screen.forms import StrangeFormError, check_from_here
from altid.web import cookies
from altid.web.answers import as_json, refused_as_json
from altid.web.gate import Service, caller_of, go_on, known, public_url
from altid.web.looks import origin_of

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

    async def end(request: Request) -> Response:
        return await _end(service, request)

    ways = {"GET": give, "POST": renew, "DELETE": end}
    return [Route(PATH, handler, methods=[method]) for method, handler in ways.items()]


async def _give(service: Service, request: Request) -> Response:
    """By the page's cookies, which are renewed where it is time."""
    if not _is_asked_by_page(service, request):
        return refused_as_json(request, refusal.NOT_ALLOWED)
    found, kept = await _who(service, request)
    answer = found if isinstance(found, Refusal) else await _granted(service, request, found)
    response = _answered(service, request, answer, with_outbox=True)
    if kept is not None:
        cookies.begin(response, kept, secure=cookies.is_secure(request))
    return response


async def _renew(service: Service, request: Request) -> Response:
    """By the token that the page has, which needs no cookie: so also at the other site."""
    if not asks_by_page(request):
        return refused_as_json(request, refusal.INVALID_REQUEST)
    try:
        identity = service.guard.identify(request.headers, pages=True)
    except NotIdentifiedError:
        return refused_as_json(request, refusal.NOT_LOGGED_ON)
    is_used = request.headers[PAGE_HEADER] == _USED
    caller = caller_of(request, service)
    return _answered(service, request, await renewed(service.guard.desk, caller, identity, is_used=is_used))


async def _end(service: Service, request: Request) -> Response:
    """Log off by the token, at any site: the page's own may be gone, and its cookies with it."""
    if not asks_by_page(request):
        return refused_as_json(request, refusal.INVALID_REQUEST)
    try:
        identity = service.guard.identify(request.headers, pages=True)
    except NotIdentifiedError:
        return refused_as_json(request, refusal.NOT_LOGGED_ON)
    ended = await log_off(service.guard.desk, caller_of(request, service), identity)
    outcome = Outcome.UNKNOWN if isinstance(ended, Refusal) else Outcome.DONE
    with suppress(AuditUnavailableError):
        who, origin = who_of(identity), origin_of(request)
        await entries.keep(service.guard, origin, Action.LOGOFF, outcome, who, "page:logoff")
    return refused_as_json(request, ended) if isinstance(ended, Refusal) else as_json({"ended": True})


def asks_by_page(request: Request) -> bool:
    """A script of a page asks."""
    return request.headers.get(PAGE_HEADER) in (_USED, _OPEN)


def _is_asked_by_page(service: Service, request: Request) -> bool:
    """Of this very origin, by its script: somebody who follows a link here sees no token."""
    if not asks_by_page(request):
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
    found = await go_on(service, request)
    if found is None:
        return refusal.NOT_LOGGED_ON, None
    return (found, None) if isinstance(found, Refusal) else (found.identity, found)


async def _granted(service: Service, request: Request, identity: Identity) -> Granted | Refusal:
    return await for_page(service.guard.desk, caller_of(request, service), identity)


def _answered(
    service: Service, request: Request, answer: Granted | Refusal, *, with_outbox: bool = False
) -> Response:
    if isinstance(answer, Refusal):
        return refused_as_json(request, answer)
    guard = service.guard
    sites = guard.sites or ((guard.site, public_url(service)),)
    expires = datetime.fromtimestamp(answer.identity.expires_s, UTC)
    account = answer.identity.subject
    outbox = {"outboxKey": outbox_key(guard.desk.secret, account)} if with_outbox else {}
    return as_json(
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
