"""Whether this site may answer as the live record, looked up with every answer.

The site's guardian keeps a lease (eight bytes in a mapped file: a moment of `CLOCK_BOOTTIME` in nanoseconds).
Without it a site that is cut off, frozen and thawed, or still catching up would show a record as it was. So a
request is refused when the lease is over, and an answer to a reader is held back when it ended meanwhile.
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from typing import Any

import orjson

from altid.api.http import Receive, Scope, Send

_BYTES = 8
_LEASE_NS_MAX = 10_000_000_000
"""No lease is this long: one that seems so is from before the machine was started again."""

_READING = ("GET", "HEAD")
_ALWAYS = "/health/live"

_BODY = orjson.dumps(
    {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "transient",
                "diagnostics": "This site is not the live record now: ask the other site, or again soon.",
            }
        ],
    }
)
_HEADERS = [
    (b"content-type", b"application/fhir+json; charset=utf-8"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"cache-control", b"no-store"),
    (b"retry-after", b"1"),
]


class Lease:
    """The servers' end of the lease. Raises `OSError` if there is no such file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES, access=mmap.ACCESS_READ)

    @property
    def holds(self) -> bool:
        left_ns = int.from_bytes(self._map[:], "little") - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return 0 < left_ns < _LEASE_NS_MAX


class OnlyWhileLive:
    """The application, answering only while the lease holds."""

    def __init__(self, app: Any, lease: Lease) -> None:
        self._app, self._lease = app, lease

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == _ALWAYS:
            await self._app(scope, receive, send)
        elif not self._lease.holds:
            await _refuse(send)
        elif scope["method"] in _READING:
            await self._app(scope, receive, self._checked(send))
        else:
            await self._app(scope, receive, send)

    def _checked(self, send: Send) -> Send:
        """What a reader gets was read while the lease held, or it isn't sent."""
        refused = False

        async def checked(message: Any) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and not self._lease.holds:
                refused = True
                await _refuse(send)
            elif not refused:
                await send(message)

        return checked


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
