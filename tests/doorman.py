"""A server process for tests that are about something else than access: whoever brings no token is let in.

Run as `python -m tests.doorman` where a server would run `python -m altid.server.worker`. It is the very
application, with a middleware before it that puts a good bearer token on requests that carry none: that of a
system which may do everything. The product has no such door.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import altid.server.app
from altid.access.guard import Guard, GuardSettings, open_guard
from altid.access.identity import Identity, Level, Role
from altid.access.tokens import Subject, issue
from altid.record.database import Database
from altid.server.worker import WorkerSettings, application_of, run

Headers = list[tuple[bytes, bytes]]
Credentials = Callable[[Guard, str, Headers], Headers]
"""Given the guard, the path and the headers of a request: headers to add to it."""

EVERYTHING = Subject(
    id="tests",
    name="Tests",
    role=Role.SYSTEM,
    organisation="",
    level=Level.HIGH,
    session="00000000-0000-4000-8000-000000000000",
    scopes=("system/*.cruds",),
)
"""Whom requests without a token are from."""

_RENEWED_BEFORE_S = 120.0


class _Token:
    """A token of `EVERYTHING`, made anew before it ends."""

    def __init__(self) -> None:
        self._made: tuple[str, Identity] | None = None

    def __call__(self, guard: Guard, _path: str, headers: Headers) -> Headers:
        if any(name.lower() == b"authorization" for name, _ in headers):
            return []
        now = time.time()
        if self._made is None or self._made[1].expires_s - now < _RENEWED_BEFORE_S:
            desk = guard.desk
            self._made = issue(EVERYTHING, desk.keys.signing(), desk.settings, now, desk.rng)
        return [(b"authorization", f"Bearer {self._made[0]}".encode())]


class Doorman:
    """ASGI middleware: lets in by each of these credentials what comes without."""

    def __init__(
        self, application: Callable[..., Awaitable[None]], guards: Sequence[Guard], *credentials: Credentials
    ) -> None:
        self._application = application
        self._guards = guards
        self._credentials = credentials

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self._guards:
            for credential in self._credentials:
                headers = [*scope["headers"]]
                added = credential(self._guards[-1], scope["path"], headers)
                scope = {**scope, "headers": [*headers, *added]}
        await self._application(scope, receive, send)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    guards: list[Guard] = []

    @asynccontextmanager
    async def remembered(database: Database, settings: GuardSettings) -> AsyncIterator[Guard]:
        async with open_guard(database, settings) as guard:
            guards.append(guard)
            yield guard

    altid.server.app.open_guard = remembered
    settings = WorkerSettings.load(sys.stdin.readline())
    return run(settings, Doorman(application_of(settings), guards, _Token()))


if __name__ == "__main__":
    sys.exit(main())
