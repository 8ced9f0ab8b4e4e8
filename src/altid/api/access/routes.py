"""The routes, and what all of them share: the request's limits, the headers, and what a fault becomes."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import refusal
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.guard import Guard
from altid.api.access import answering, authorize, blocks, glass, lists, metadata, passkeys, people, token
from altid.api.access.asking import Asked, Body, RefusedError, ask, language_of, request_id_of
from altid.api.access.limits import IN_FLIGHT_MAX

Handler = Callable[[Asked], Awaitable[Response]]

_READ: tuple[tuple[str, Handler], ...] = (
    ("/access/me", people.me),
    ("/access/list", lists.show),
    ("/access/follow-up", glass.waiting),
    ("/access/blocks", blocks.show),
    ("/access/blocks/consent", blocks.show_as_consents),
    ("/access/authorize", authorize.begin),
    ("/access/keys", metadata.keys),
    ("/fhir/.well-known/smart-configuration", metadata.configuration),
    ("/.well-known/smart-configuration", metadata.configuration),
    ("/.well-known/oauth-authorization-server", metadata.configuration),
    ("/.well-known/openid-configuration", metadata.configuration),
)
_JSON: tuple[tuple[str, Handler], ...] = (
    ("/access/logon", people.by_password),
    ("/access/invitation", people.by_invitation),
    ("/access/passkey/begin", passkeys.begin),
    ("/access/passkey/finish", passkeys.finish),
    ("/access/passkey/register/begin", passkeys.begin_registering),
    ("/access/passkey/register/finish", passkeys.finish_registering),
    ("/access/badge", people.by_badge),
    ("/access/pin", people.by_pin),
    ("/access/reentry", people.allow_reentry),
    ("/access/refresh", people.go_on),
    ("/access/role", people.change_role),
    ("/access/logoff", people.leave),
    ("/access/list/add", lists.add),
    ("/access/list/remove", lists.remove),
    ("/access/override", glass.break_),
    ("/access/follow-up", glass.follow_up),
    ("/access/blocks/set", blocks.put),
    ("/access/blocks/lift", blocks.lift),
    ("/access/authorize/describe", authorize.describe),
    ("/access/authorize/yes", authorize.say_yes),
    ("/access/authorize/no", authorize.say_no),
)
_FORM: tuple[tuple[str, Handler], ...] = (
    ("/access/token", token.give),
    ("/access/revoke", token.revoke),
)

_log = logging.getLogger("altid.api")


def routes(guard: Guard) -> list[BaseRoute]:
    """All endpoints of one server process."""
    places = asyncio.Semaphore(IN_FLIGHT_MAX)
    endpoints = [
        *((path, "GET", Body.NONE, handler) for path, handler in _READ),
        *((path, "POST", Body.JSON, handler) for path, handler in _JSON),
        *((path, "POST", Body.FORM, handler) for path, handler in _FORM),
    ]
    return [
        Route(path, _endpoint(guard, places, body, handler), methods=[method])
        for path, method, body, handler in endpoints
    ]


def _endpoint(
    guard: Guard, places: asyncio.Semaphore, body: Body, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if places.locked():
            response = answering.refused(refusal.busy(IN_FLIGHT_MAX, 1.0, None), language_of(request))
        else:
            async with places:
                response = await _answer(guard, request, body, handler)
        response.headers["x-request-id"] = request_id_of(request)
        return response

    return endpoint


async def _answer(guard: Guard, request: Request, body: Body, handler: Handler) -> Response:
    """Faults become answers. The log gets their kind and place, never a text: that may quote a password."""
    language = language_of(request)
    try:
        return await handler(await ask(guard, request, body))
    except RefusedError as error:
        return answering.refused(error.refused, language)
    except AuditUnavailableError as error:
        return answering.not_audited(error, language)
    except ClientDisconnect:
        return answering.refused(refusal.UNFINISHED, language)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename}:{frame.lineno}"
        _log.error("request %s failed: %s at %s", request_id_of(request), type(error).__name__, place)
        return answering.failed(language)
