"""The clients of a drill: they write registers and read them back, at both sites, and remember all.

A write is a PUT with If-Match and a key (Idempotency-Key), as a browser sends it. One that has no answer
after a second is sent to the next server too, with the same key, while the first goes on waiting; one that
failed is sent again, until its deadline. Then its outcome is unknown, and known to be so. Two rivals write
the same register, one at home at each site: should both sites ever take writes, each of them is told that the
next version is its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from altid.access.programs import Credentials
from altid.drills.history import Kept, Operation
from altid.region.http import Answer, Connection, HttpError

_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
_NEW = {"If-None-Match": "*"}
_ANSWER_S_MAX = 1.0
"""A read takes milliseconds; who waits longer than this had better ask the other site."""

_HEDGE_S, _WRITE_S_MAX = 1.0, 10.0
"""A write without an answer is sent to the next server too after the first, and given up after the second:
a server tries for eight seconds by itself."""

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
    tokens: Credentials
    shares: bool = False
    """Whether others write this register too: then what was read last counts, not what was written last."""

    operations: list[Operation] = field(default_factory=list)
    _free: dict[Endpoint, list[Connection]] = field(default_factory=dict)
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

    async def rival(self, stop: asyncio.Event, pause_s: float) -> None:
        """Read the shared register and write the next number, always at home; whoever is quicker has it."""
        while not stop.is_set():
            value = await self._read(self.endpoints[0])
            if value is not None:
                await self._try_once(value + 1)
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * pause_s)

    async def watch(self, stop: asyncio.Event, pause_s: float) -> None:
        """Only read, always at the first endpoint: what a reader at that site sees, gaps and all."""
        while not stop.is_set():
            await self._read(self.endpoints[0])
            await asyncio.sleep(pause_s)

    def close(self) -> None:
        for connections in self._free.values():
            for connection in connections:
                connection.close()

    async def _write(self, value: int) -> None:
        started_s = time.monotonic()
        underway: dict[asyncio.Task[_Told], Endpoint] = {}
        attempts, done = 0, False
        endpoint = self.endpoints[self._current]
        try:
            while not done and (left_s := started_s + _DEADLINE_S - time.monotonic()) > 0:
                endpoint = self.endpoints[self._current]
                underway[asyncio.create_task(self._attempt(endpoint, value))] = endpoint
                attempts += 1
                ended, _ = await asyncio.wait(
                    underway, timeout=min(_HEDGE_S, left_s), return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    endpoint, told = underway.pop(task), task.result()
                    attempts -= told is _Told.REFUSED
                    done = done or told is _Told.DONE
                if done:
                    self._current = self.endpoints.index(endpoint)
                else:
                    self._current = (self._current + 1) % len(self.endpoints)
                    await asyncio.sleep(_RETRY_PAUSE_S)
        finally:
            for task in underway:
                task.cancel()
            await asyncio.gather(*underway, return_exceptions=True)
        self._remember("write", value, endpoint, started_s, acknowledged=done, attempts=attempts)

    async def _try_once(self, value: int) -> None:
        """One attempt, which is refused if somebody else has written since the register was read."""
        started_s, endpoint = time.monotonic(), self.endpoints[0]
        told = await self._attempt(endpoint, value)
        if told is not _Told.REFUSED:
            done = told is _Told.DONE
            self._remember("write", value, endpoint, started_s, acknowledged=done)

    async def _attempt(self, endpoint: Endpoint, value: int) -> _Told:
        """One PUT, and what is known of it then."""
        headers = _HEADERS | ({"If-Match": self._etag} if self._etag else _NEW)
        headers["Idempotency-Key"] = f"{self.register}.{self.session}.{value}"
        try:
            body = _body(self.register, value)
            answer = await self._ask(endpoint, "PUT", body, headers, s_max=_WRITE_S_MAX)
            if answer.status == 412:  # an earlier attempt was done, or another client's: look, then again
                seen = await self._ask(endpoint, "GET")
                self._etag = seen.headers.get("etag") if seen.status == 200 else self._etag
                return _Told.REFUSED
        except HttpError:
            return _Told.NOTHING
        if answer.status not in (200, 201):
            return _Told.NOTHING
        self._etag = answer.headers.get("etag")
        return _Told.DONE

    async def _read(self, endpoint: Endpoint) -> int | None:
        """What the register holds (0: nothing yet), or None for no answer."""
        started_s, etag = time.monotonic(), None
        try:
            answer = await self._ask(endpoint, "GET")
            value = _value(answer.body) if answer.status == 200 else 0 if answer.status == 404 else None
            etag = answer.headers.get("etag") if answer.status == 200 else None
        except HttpError:
            value = None
        if self.shares and value is not None:
            self._etag = etag
        self._remember("read", value, endpoint, started_s, acknowledged=value is not None, etag=etag)
        return value

    async def _ask(
        self,
        endpoint: Endpoint,
        method: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        s_max: float = _ANSWER_S_MAX,
    ) -> Answer:
        """Ask over a connection that nobody waits at; it is kept for the next if it answered."""
        free = self._free.setdefault(endpoint, [])
        connection = free.pop() if free else Connection(endpoint.host, endpoint.port)
        path = f"/fhir/Observation/{self.register}"
        sent = (headers or _HEADERS) | await self.tokens.headers()
        answer = await connection.ask(method, path, body, sent, s_max=s_max)
        free.append(connection)
        return answer

    def _remember(
        self,
        kind: str,
        value: int | None,
        endpoint: Endpoint,
        started_s: float,
        *,
        acknowledged: bool,
        attempts: int = 1,
        etag: str | None = None,
    ) -> None:
        etag = self._etag if kind == "write" and acknowledged else etag
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
                _version(etag),
            )
        )


async def kept(endpoint: Endpoint, register: str, tokens: Credentials) -> Kept:
    """The values of the register's versions as the record holds them, oldest first. Raises `HttpError`."""
    connection = Connection(endpoint.host, endpoint.port)
    path = f"/fhir/Observation/{register}/_history?_count=1000"
    values: list[int] = []
    try:
        while path:
            headers = _HEADERS | await tokens.headers()
            answer = await connection.ask("GET", path, b"", headers, s_max=_HISTORY_S_MAX)
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


def _version(etag: str | None) -> int | None:
    """The number in an entity tag such as W/"3"."""
    digits = (etag or "").removeprefix("W/").strip('"')
    return int(digits) if digits.isdigit() else None


def _value(body: bytes) -> int:
    return int(json.loads(body)["valueInteger"])
