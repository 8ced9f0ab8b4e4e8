"""Questions to a FHIR server over HTTP: bounded in time and size, never redirected, and only to that server.

No fault of the server gets out of here but as `SourceDownError`, with a code of ours: URLs and bodies may
hold patient data, so they are in no log.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from altid.fhir import json
from altid.lookup.beside.fhir.login import Tokens
from altid.lookup.beside.sources import FhirSource

CONNECT_S_MAX = 10.0
ANSWER_S_MAX = 120.0
"""Of one page: servers make a first search slowly."""
PAGE_BYTES_MAX = 64 * 1024 * 1024
LINE_BYTES_MAX = 16 * 1024 * 1024
"""Of one resource in an NDJSON file."""
TRIES_MAX = 5
PAUSE_S_MAX = 60.0
_BUSY = (429, 502, 503, 504)
_JSON = "application/fhir+json"
_FRESH = {"Cache-Control": "no-cache"}
"""HAPI answers the same search out of what it found up to a minute ago, unless it is told not to."""


class SourceDownError(Exception):
    """The server does not answer, or not as a FHIR server does. `code` says how, and nothing of what it
    says."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """`resource` is empty where the status is not 200."""

    status: int
    headers: Mapping[str, str]
    resource: dict[str, Any]


class Asker:
    """Of one server. The client is given by tests that stand in for a server."""

    def __init__(self, source: FhirSource, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.source = source
        self._client = httpx.AsyncClient(
            transport=transport or httpx.AsyncHTTPTransport(verify=_trusted(source)),
            timeout=httpx.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX),
            follow_redirects=False,
            trust_env=False,
        )
        self._tokens = Tokens(source.login, self._client)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (200,),
    ) -> Answer:
        """An answer whose status is one of `fine`. `url` is relative to the server's base, or one that the
        server itself gave. A server that is busy is asked again, as it wishes. Raises `SourceDownError`."""
        whole = self._own(url)
        for attempt in range(1, TRIES_MAX + 1):
            answer = await self._asked(whole, params, method, headers or {}, fine)
            if answer.status in fine:
                return answer
            if answer.status == 401 and attempt == 1:
                self._tokens.forget()
            elif answer.status not in _BUSY or attempt == TRIES_MAX:
                raise SourceDownError(f"http-{answer.status}")
            else:
                await asyncio.sleep(pause_s(answer.headers, attempt))
        raise SourceDownError("http-401")

    async def lines(self, url: str, *, with_login: bool) -> AsyncIterator[bytes]:
        """The lines of an NDJSON file; it may be at another server, which then gets no login of ours. Raises
        `SourceDownError`."""
        try:
            whole = self._own(url)
        except SourceDownError:
            if with_login or not url.startswith("https://"):
                raise
            whole = url
        try:
            headers = {"Accept": "application/fhir+ndjson"}
            headers |= await self._tokens.header() if with_login else {}
            async with self._client.stream("GET", whole, headers=headers) as response:
                if response.status_code != 200:
                    raise SourceDownError(f"file-{response.status_code}")
                async for line in _lines(response):
                    yield line
        except (httpx.HTTPError, OSError) as error:
            raise SourceDownError(type(error).__name__) from None

    async def _asked(
        self,
        url: str,
        params: Mapping[str, str] | None,
        method: str,
        headers: Mapping[str, str],
        fine: tuple[int, ...],
    ) -> Answer:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                sent = {"Accept": _JSON, **_FRESH, **headers, **await self._tokens.header()}
                async with self._client.stream(method, url, params=params, headers=sent) as response:
                    body = await _bounded(response) if response.status_code == 200 else b""
                    return Answer(response.status_code, response.headers, _object(body))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise SourceDownError(type(error).__name__) from None

    def _own(self, url: str) -> str:
        """Our token goes to no other server, whatever a link says."""
        whole = urljoin(f"{self.source.url}/", url)
        own, asked = urlsplit(self.source.url), urlsplit(whole)
        if (own.scheme, own.netloc) != (asked.scheme, asked.netloc):
            raise SourceDownError("link-elsewhere")
        return whole


def _trusted(source: FhirSource) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(source.ca_file) if source.ca_file else None)


def pause_s(headers: Mapping[str, str], attempt: int) -> float:
    """How long a server wants us to wait, within bounds; seconds, or a date held against the server's own."""
    wished = headers.get("retry-after", "")
    if wished.isdecimal():
        return min(float(wished[:6]), PAUSE_S_MAX)
    try:
        span = parsedate_to_datetime(wished) - parsedate_to_datetime(headers.get("date", ""))
        return min(max(span.total_seconds(), 0.0), PAUSE_S_MAX)
    except (TypeError, ValueError):
        return min(2.0**attempt / 2, PAUSE_S_MAX)


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > PAGE_BYTES_MAX:
            raise SourceDownError("answer-too-long")
    return bytes(body)


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > LINE_BYTES_MAX:
            raise SourceDownError("line-too-long")
    if rest.strip():
        yield rest


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except json.JsonError:
        raise SourceDownError("no-json") from None
    if not isinstance(value, dict):
        raise SourceDownError("no-json")
    return value
