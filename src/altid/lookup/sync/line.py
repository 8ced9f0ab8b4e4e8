"""The line to the sources: whichever can be reached, the first of the file before the others.

A source that did not answer is left alone for a while, so that a dead site costs each question nothing; an
answer of 503 means "not me, not now", and the next is asked.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import httpx

from altid.lookup.entry.line import Answer, LineDownError
from altid.lookup.sync.credentials import ASSERTION_TYPE, Credentials

_CONNECT_S, _ANSWER_S = 3.0, 40.0
"""A long poll is answered within 25 s; a page of the first load may take some seconds."""
_PAUSE_S, _PAUSE_S_MAX = 1.0, 15.0
_RENEWED_BEFORE_S = 60.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""A page has a thousand changes, a few MB; beyond this it is no answer of a feed."""
_ELSEWHERE = (429, 502, 503, 504)


class Source(Protocol):
    """As `opslag.toml` names it."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def authority(self) -> str: ...


class _Token(NamedTuple):
    text: str
    until_s: float


@dataclass(slots=True)
class _Reached:
    """One source as it has been found."""

    source: Source
    client: httpx.AsyncClient
    token: _Token | None = None
    not_before_s: float = 0.0
    pause_s: float = _PAUSE_S
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Line:
    """Of one process; `close` it in the loop that used it. Calling it asks: (method, path, JSON or None)."""

    def __init__(self, sources: Sequence[Source], credentials: Credentials) -> None:
        """Raises `OSError` where an authority's file can't be read."""
        self._credentials = credentials
        self._reached = [_Reached(source, _client(source)) for source in sources]
        self.name: str | None = None
        """Of the source that answered last."""

    async def __call__(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """What the first source that can be reached has answered. Raises `LineDownError`."""
        now_s = time.monotonic()
        waiting = [one for one in self._reached if one.not_before_s > now_s]
        for one in [one for one in self._reached if one not in waiting] or waiting:
            try:
                answer = await self._ask(one, method, path, body)
            except (httpx.HTTPError, _RefusedError, ssl.SSLError, OSError):
                one.not_before_s = time.monotonic() + one.pause_s
                one.pause_s = min(2 * one.pause_s, _PAUSE_S_MAX)
                continue
            one.pause_s = _PAUSE_S
            self.name = one.source.name
            return answer
        raise LineDownError

    async def close(self) -> None:
        for one in self._reached:
            with suppress(httpx.HTTPError, OSError):
                await one.client.aclose()

    async def _ask(self, one: _Reached, method: str, path: str, body: bytes | None) -> Answer:
        for _ in range(2):
            token = await self._token(one)
            headers = {"authorization": f"Bearer {token}"}
            if body is not None:
                headers["content-type"] = "application/json"
            answer = await _fetch(one.client, method, path, headers, body)
            if answer.status in _ELSEWHERE:
                raise _RefusedError
            if answer.status != 401:
                return answer
            one.token = None  # keys were changed, or the clock was: once more with a new one
        return answer

    async def _token(self, one: _Reached) -> str:
        async with one.asking:
            if one.token is None or one.token.until_s - _RENEWED_BEFORE_S <= time.monotonic():
                one.token = await self._new_token(one)
            return one.token.text

    async def _new_token(self, one: _Reached) -> _Token:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.assertion(time.time()),
        }
        answer = await one.client.post("/access/token", data=form)
        if answer.status_code != 200:
            raise _RefusedError
        try:
            told: Any = answer.json()
            return _Token(str(told["access_token"]), time.monotonic() + float(told["expires_in"]))
        except (ValueError, KeyError, TypeError):
            raise _RefusedError from None


class _RefusedError(Exception):
    """This source can't help now; another may."""


def _client(source: Source) -> httpx.AsyncClient:
    trust: ssl.SSLContext | bool = True
    if source.authority:
        trust = ssl.create_default_context(cafile=source.authority)
    return httpx.AsyncClient(
        base_url=source.url,
        verify=trust,
        timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
        follow_redirects=False,
        trust_env=False,
    )


async def _fetch(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], body: bytes | None
) -> Answer:
    """The whole answer, within its limit."""
    async with client.stream(method, path, headers=headers, content=body) as answer:
        chunks, size = [], 0
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > ANSWER_BYTES_MAX:
                raise _RefusedError
            chunks.append(chunk)
        return Answer(answer.status_code, b"".join(chunks))
