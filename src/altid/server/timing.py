"""Each answer says how long it took here, and what kind of question it answers (Server Timing, W3C).

A browser hands this to the page that asked, next to its own measures. The kind is the pattern of the address
(`GET /patient/{id}`), so what is told of it later never names a patient.
"""

from __future__ import annotations

import time
from typing import Any

from altid import __version__
from altid.api.http import Receive, Scope, Send
from altid.server.paths import FEED_BASE, FHIR_BASE, ORDERS_BASE, is_below

_PROGRAMS = (FHIR_BASE, ORDERS_BASE, FEED_BASE)
"""Below these an address holds ids in places that only their own rooms know: all below is one kind."""
_HEADER = b"server-timing"


class TellsTime:
    """The application, with the header on all that it answers."""

    def __init__(self, application: Any, site: str) -> None:
        self._application = application
        self._server = f'site;desc="{site}", version;desc="{__version__}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        begun = time.perf_counter()

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                took_ms = (time.perf_counter() - begun) * 1_000
                line = f'app;dur={took_ms:.1f}, route;desc="{kind_of(scope)}", {self._server}'
                message = {**message, "headers": [*message["headers"], (_HEADER, line.encode("latin-1"))]}
            await send(message)

        await self._application(scope, receive, told)


def kind_of(scope: Scope) -> str:
    """Method and pattern of the address that was asked for. What was not understood is a kind of its own."""
    method, path = scope["method"], scope["path"]
    for base in _PROGRAMS:
        if is_below(base, path):
            return f"{method} {base}/*"
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    if "endpoint" not in scope or "path" in names.values():
        return f"{method} /*"
    parts = (f"{{{names[part]}}}" if part in names else part for part in path.split("/"))
    return f"{method} {'/'.join(parts)}"
