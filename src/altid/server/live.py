"""Whether this site may answer as the live record, looked up with every answer.

The site's guardian keeps a lease (sixteen bytes in a mapped file, see `altid.region.guardian.lease`). Without
it a site that is cut off, frozen and thawed, or still catching up would show a record as it was. So a request
is refused when the lease is over, an answer to a reader is held back when it ended meanwhile (also where they
read by POST), and a writer who waits is soon sent to the other site.
"""

from __future__ import annotations

import asyncio
import mmap
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altid.api.http import Receive, Scope, Send
from altid.fhir.outcome import Issue
from altid.server.paths import FHIR_BASE
from altid.server.refusing import refuse

_BYTES, _WORD_BYTES = 16, 8
_TWO_SITES = 1
_LEASE_NS_MAX = 10_000_000_000
"""No lease is this long: one that seems so is from before the machine was started again."""

_READING = ("GET", "HEAD")
_READING_POSTS = ("_search", "$", "check")
"""How the last part of a path begins where a POST only reads: no operation of ours writes."""

_ALWAYS, _HEALTH = "/health/live", "/health/"

HOLD_S, _HOLD_LOOK_S = 1.0, 0.02
"""A reader is held for so long while the site has no lease. At a failover the surviving site has none for
some tenths of a second; whoever asks the site that is lost goes on to the other after this."""

_LOOK_EVERY_S, _LOOKS_MAX = 0.1, 4
"""A writer is sent away when so many looks in a row found no lease: a short gap is better waited for."""

_SAFETY_HEADER, _STALE_HEADER = b"altid-durability", "altid-stale-since"
_NOTHING_DONE = ("altid-nothing-done", "true")
"""The gateway sends a request that was refused so elsewhere, a write as well."""


class Lease:
    """The servers' end of the lease. Raises `OSError` if there is no such file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES, access=mmap.ACCESS_READ)

    @property
    def holds(self) -> bool:
        left_ns = self._word(0) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return 0 < left_ns < _LEASE_NS_MAX

    @property
    def is_two_sites(self) -> bool:
        """The guardian sees the leader wait for the other site with every write."""
        return bool(self._word(0) & _TWO_SITES)

    @property
    def ended(self) -> datetime | None:
        """When the lease ended that is over; None if there never was one."""
        ns = self._word(1)
        return datetime.fromtimestamp(ns / 1e9, UTC) if ns else None

    def _word(self, number: int) -> int:
        return int.from_bytes(self._map[number * _WORD_BYTES : (number + 1) * _WORD_BYTES], "little")


class OnlyWhileLive:
    """The application, answering only while the lease holds."""

    def __init__(self, app: Any, lease: Lease, *, hold_s: float = HOLD_S) -> None:
        self._app, self._lease, self._hold_s = app, lease, hold_s
        self._writers: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == _ALWAYS:
            await self._app(scope, receive, send)
        elif _is_reading(scope):
            held_s = 0.0 if scope["path"].startswith(_HEALTH) else self._hold_s
            await self._read(scope, receive, send, asyncio.get_running_loop().time() + held_s)
        elif not self._lease.holds:
            await self._refuse(scope, send, 503, _NOT_LIVE)
        else:
            await self._write(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive, send: Send, until_s: float) -> None:
        """A reader waits a moment for a lease that has run out: a failover's pause is no error to them. What
        was read meanwhile is thrown away, and read again, unless the request had a body: that came once."""
        while await self._holds_by(until_s):
            if await self._read_once(scope, receive, send):
                return
            if _has_body(scope):
                break
        await self._refuse(scope, send, 503, _NOT_LIVE)

    async def _holds_by(self, until_s: float) -> bool:
        while not self._lease.holds:
            left_s = until_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(_HOLD_LOOK_S, left_s))
        return True

    async def _read_once(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether the answer was sent: it was read while the lease held, or it isn't."""
        refused = False

        async def checked(message: Any) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = not self._lease.holds
                if message["status"] < 400:
                    safety = b"two-sites" if self._lease.is_two_sites else b"one-site"
                    message = {**message, "headers": [*message["headers"], (_SAFETY_HEADER, safety)]}
            if not refused:
                await send(message)

        await self._app(scope, receive, checked)
        return not refused

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A writer waits for its commit, but not long at a site that is live no more. What is done is told
        even there, but for the answer to a Bundle: that shows what its entries have read."""
        task = asyncio.current_task()
        assert task is not None
        self._writers.add(task)
        if self._watch is None:
            self._watch = asyncio.create_task(self._send_writers_away())
        answered = refused = False
        shows_record = _is_bundle(scope)

        async def noted(message: Any) -> None:
            nonlocal answered, refused
            if message["type"] == "http.response.start":
                self._writers.discard(task)
                answered = True
                refused = shows_record and not self._lease.holds
            if not refused:
                await send(message)

        try:
            await self._app(scope, receive, noted)
            if refused:
                await self._refuse(scope, send, 504, _UNKNOWN)
        except asyncio.CancelledError as error:
            if answered or error.args != (_SENT_AWAY,):
                raise
            task.uncancel()
            await self._refuse(scope, send, 504, _UNKNOWN)
        finally:
            self._writers.discard(task)

    async def _send_writers_away(self) -> None:
        """Break off the waiting of those who write (never the commits: those go on), while there are any."""
        looks = 0
        while self._writers:
            await asyncio.sleep(_LOOK_EVERY_S)
            looks = 0 if self._lease.holds else looks + 1
            if looks >= _LOOKS_MAX:
                for task in self._writers:
                    task.cancel(_SENT_AWAY)
                self._writers.clear()
        self._watch = None

    async def _refuse(self, scope: Scope, send: Send, status: int, issue: Issue) -> None:
        ended = self._lease.ended
        since = "?" if ended is None else ended.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = Issue(issue.code, issue.text_en, issue.text_da, {"since": since})
        headers = [] if ended is None else [(_STALE_HEADER, since)]
        if status == 503:
            headers.append(_NOTHING_DONE)
        await refuse(scope, send, status, told, headers)


def _is_reading(scope: Scope) -> bool:
    if scope["method"] == "POST":
        return str(scope["path"]).rstrip("/").rpartition("/")[2].startswith(_READING_POSTS)
    return scope["method"] in _READING


def _is_bundle(scope: Scope) -> bool:
    return scope["method"] == "POST" and str(scope["path"]).rstrip("/") == FHIR_BASE


def _has_body(scope: Scope) -> bool:
    headers = dict(scope.get("headers", ()))
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


_SENT_AWAY = "this site is not live"

_NOT_LIVE = Issue(
    "transient",
    "This site is not the live record: it is stale since {since}. Ask the other site, or again soon.",
    "Dette sted er ikke den levende journal: det er forældet siden {since}. Spørg det andet sted, eller igen "
    "om lidt.",
)
_UNKNOWN = Issue(
    "timeout",
    "This site is not the live record: it is stale since {since}. It is not known whether the write was "
    "stored: send it again with the same Idempotency-Key to the other site, or read there first.",
    "Dette sted er ikke den levende journal: det er forældet siden {since}. Det vides ikke, om det blev "
    "gemt: send igen med samme Idempotency-Key til det andet sted, eller læs der først.",
)
