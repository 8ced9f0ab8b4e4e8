"""The region's own pages may ask the record from either site's address (CORS; Fetch Standard §3.2).

A page that came from one site goes on at the other, which to the browser is another origin. Named is exactly
the origin that asks, if it is one of the region's, and never "*"; credentials are not allowed, so no cookie
ever goes along. Whoever else asks gets no such header, and their browser keeps the answer from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from altid.api.http import Receive, Scope, Send
from altid.server.paths import FHIR_BASE, ORDERS_BASE, is_below

_HEALTH = "/health"
_SHARED = (FHIR_BASE, ORDERS_BASE, "/session", _HEALTH)
"""What pages ask by script. Pages themselves and the ways in are not among them."""
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = (
    b"accept, altid-deadline, altid-page, altid-patient, authorization, content-type, idempotency-key, "
    b"if-match, if-modified-since, if-none-exist, if-none-match, prefer, x-request-id"
)
_TOLD = (
    b"altid-durability, altid-nothing-done, altid-receipt, altid-site, altid-stale-since, content-location, "
    b"date, etag, last-modified, location, retry-after, server-timing, x-request-id"
)
_AGE_S = b"600"
"""For so long a browser asks no second time whether it may ask. Chromium keeps it for two hours at most."""

Headers = list[tuple[bytes, bytes]]


class ForOrigins:
    """The application, as pages of these origins may ask it. It stands before all else: the page must be able
    to read the refusal of a site that is not live, too.

    `waiting`: origins whose pages may ask nothing but whether it is ready, as the lookup record's do.
    """

    def __init__(
        self, application: Callable[..., Any], origins: Collection[str], waiting: Collection[str] = ()
    ) -> None:
        self._application = application
        self._shared: dict[bytes, tuple[str, ...]] = {
            **{origin.encode("ascii"): (_HEALTH,) for origin in waiting},
            **{origin.encode("ascii"): _SHARED for origin in origins},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        origin: bytes = headers.get(b"origin", b"")
        if not any(is_below(base, scope["path"]) for base in self._shared.get(origin, ())):
            await self._application(scope, receive, send)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _allow(send, origin)
        else:
            await self._application(scope, receive, _told(send, origin))


async def _allow(send: Send, origin: bytes) -> None:
    """What may be asked. The answer is the same for every path, and holds nothing."""
    lines = [
        *_named(origin),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _ASKED),
        (b"access-control-max-age", _AGE_S),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": lines})
    await send({"type": "http.response.body", "body": b""})


def _told(send: Send, origin: bytes) -> Send:
    async def told(message: Any) -> None:
        if message["type"] == "http.response.start":
            lines = [*_named(origin), (b"access-control-expose-headers", _TOLD)]
            message = {**message, "headers": [*message["headers"], *lines]}
        await send(message)

    return told


def _named(origin: bytes) -> Headers:
    return [
        (b"access-control-allow-origin", origin),
        (b"timing-allow-origin", origin),
        (b"vary", b"Origin"),
    ]
