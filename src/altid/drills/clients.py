"""The clients of a drill: each writes its own register and reads it back, at both sites, and remembers all.

A write is a PUT with If-Match, so that an attempt that was given up and is done late cannot undo a later one.
One that gets no answer is sent again, the same, elsewhere, until its deadline; then its outcome is unknown,
and known to be so.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from altid.drills.history import Kept, Operation
from altid.region.http import Answer, Connection, HttpError

_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
_ANSWER_S_MAX = 1.0
"""A commit takes milliseconds; who waits longer than this had better ask the other site."""

_DEADLINE_S = 20.0
"""A clinician's patience with one click; past it the outcome is called unknown."""

_RETRY_PAUSE_S = 0.05
_HISTORY_S_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server of one site."""

    site: str
    host: str
    port: int


class _Told(Enum):
    DONE = "done"
    NOTHING = "nothing"
    """No answer, or one that leaves open whether it was done."""
    REFUSED = "refused"
    """Certainly not done."""


@dataclass(slots=True)
class Client:
    """One session: its register, its connections, its memory."""

    session: int
    register: str
    endpoints: Sequence[Endpoint]
    """Its own site's server first; the others when that one doesn't answer."""

    dice: random.Random
    operations: list[Operation] = field(default_factory=list)
    _connections: dict[Endpoint, Connection] = field(default_factory=dict)
    _current: int = 0
    _etag: str | None = None

    async def work(self, stop: asyncio.Event, pause_s: float) -> None:
        """Write the next number, read it at any site, pause; until told to stop."""
        value = 0
        while not stop.is_set():
            value += 1
            await self._write(value)
            await self._read(self.dice.choice(self.endpoints))
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * pause_s)

    async def watch(self, stop: asyncio.Event, pause_s: float) -> None:
        """Only read, always at the first endpoint: what a reader at that site sees, gaps and all."""
        while not stop.is_set():
            await self._read(self.endpoints[0])
            await asyncio.sleep(pause_s)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    async def _write(self, value: int) -> None:
        started_s = time.monotonic()
        attempts, done = 0, False
        while not done and time.monotonic() - started_s < _DEADLINE_S:
            endpoint = self.endpoints[self._current]
            told = await self._attempt(endpoint, value)
            done = told is _Told.DONE
            attempts += told is not _Told.REFUSED
            if not done:
                self._current = (self._current + 1) % len(self.endpoints)
                await asyncio.sleep(_RETRY_PAUSE_S)
        self._remember("write", value, endpoint, started_s, acknowledged=done, attempts=attempts)

    async def _attempt(self, endpoint: Endpoint, value: int) -> _Told:
        """One PUT, and what is known of it then."""
        headers = _HEADERS | ({"If-Match": self._etag} if self._etag else {})
        try:
            answer = await self._ask(endpoint, "PUT", _body(self.register, value), headers)
            if (
                answer.status == 412
            ):  # an earlier attempt was done, or this server is behind: look, then again
                seen = await self._ask(endpoint, "GET")
                self._etag = seen.headers.get("etag") if seen.status == 200 else self._etag
                return _Told.REFUSED
        except HttpError:
            return _Told.NOTHING
        if answer.status not in (200, 201):
            return _Told.NOTHING
        self._etag = answer.headers.get("etag")
        return _Told.DONE

    async def _read(self, endpoint: Endpoint) -> None:
        started_s = time.monotonic()
        try:
            answer = await self._ask(endpoint, "GET")
            value = _value(answer.body) if answer.status == 200 else 0 if answer.status == 404 else None
        except HttpError:
            value = None
        self._remember("read", value, endpoint, started_s, acknowledged=value is not None)

    async def _ask(
        self, endpoint: Endpoint, method: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        if endpoint not in self._connections:
            self._connections[endpoint] = Connection(endpoint.host, endpoint.port)
        path = f"/fhir/Observation/{self.register}"
        return await self._connections[endpoint].ask(
            method, path, body, headers or _HEADERS, s_max=_ANSWER_S_MAX
        )

    def _remember(
        self,
        kind: str,
        value: int | None,
        endpoint: Endpoint,
        started_s: float,
        *,
        acknowledged: bool,
        attempts: int = 1,
    ) -> None:
        self.operations.append(
            Operation(
                self.session,
                "write" if kind == "write" else "read",
                self.register,
                value,
                endpoint.site,
                started_s,
                time.monotonic(),
                acknowledged,
                attempts,
            )
        )


async def kept(endpoint: Endpoint, register: str) -> Kept:
    """The values of the register's versions as the record holds them, oldest first. Raises `HttpError`."""
    connection = Connection(endpoint.host, endpoint.port)
    path = f"/fhir/Observation/{register}/_history?_count=1000"
    values: list[int] = []
    try:
        while path:
            answer = await connection.ask("GET", path, b"", _HEADERS, s_max=_HISTORY_S_MAX)
            if answer.status == 404:
                break
            if answer.status != 200:
                raise HttpError(f"HTTP {answer.status}")
            bundle = json.loads(answer.body)
            values += [entry["resource"]["valueInteger"] for entry in bundle.get("entry", [])]
            path = _next(bundle)
    finally:
        connection.close()
    return Kept(register, tuple(reversed(values)))


def _next(bundle: dict[str, object]) -> str:
    """The path of the next page, or nothing."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if link.get("relation") == "next":
            url = str(link["url"])
            return "/" + url.split("/", 3)[3] if "://" in url else url
    return ""


def _body(register: str, value: int) -> bytes:
    resource = {
        "resourceType": "Observation",
        "id": register,
        "status": "final",
        "code": {"text": "drill"},
        "valueInteger": value,
    }
    return json.dumps(resource, separators=(",", ":")).encode()


def _value(body: bytes) -> int:
    return int(json.loads(body)["valueInteger"])
