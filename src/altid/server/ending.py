"""A request that is broken off because its server ends is still answered: what came of it is not known.

Without this the HTTP server says 500 in plain text, which tells a browser neither that its write may be
there nor that it may send the same key again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from altid.api.http import Receive, Scope, Send
from altid.fhir.outcome import Issue
from altid.server.refusing import refuse


class AnswersToTheEnd:
    """The application, with an answer to whatever is cancelled underway."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] == "http" and not begun:
                await refuse(scope, send, 504, _ENDING)
            raise


_ENDING = Issue(
    "timeout",
    "This server is stopping. It is not known whether a write was stored: send it again with the same "
    "Idempotency-Key, or read first.",
    "Denne server er ved at stoppe. Det vides ikke, om noget blev gemt: send igen med samme Idempotency-Key, "
    "eller læs først.",
)
