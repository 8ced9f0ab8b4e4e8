"""Questions to identity providers over HTTP: bounded in time, in size and in number, and never redirected.

No fault of a provider gets out of here but as `ProviderDownError`, and no text of it gets into a log.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from altid.access.federation.health import Health
from altid.access.federation.limits import ANSWER_BYTES_MAX, CONNECT_S_MAX, FETCH_S_MAX
from altid.access.waiting import Priority


class ProviderDownError(Exception):
    """The provider does not answer, or not as a provider does. The text says how, and holds nothing of it."""


class ProviderRefusedError(Exception):
    """The provider answered, and refused (HTTP 4xx). That is no outage."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """How long somebody waits for the answer (monotonic seconds)."""

    deadline_s: float
    now_s: float


class Fetcher:
    """Of one provider."""

    def __init__(self, health: Health, ca_file: str | None) -> None:
        self.health = health
        context = ssl.create_default_context(cafile=ca_file)
        self._client = httpx.AsyncClient(
            verify=context,
            timeout=httpx.Timeout(FETCH_S_MAX, connect=CONNECT_S_MAX),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """For a look at the provider: stands in no line and counts nothing, since it is the whole look that
        counts. Raises `ProviderDownError` or `ProviderRefusedError`."""
        return _object(await self._asked("GET", url, headers=headers))

    async def ask_json(self, waiter: Waiter, method: str, url: str, **content: Any) -> dict[str, Any]:
        """For somebody who waits: nothing is begun while the provider is down. Raises `NotNowError`, too."""
        self._check_up()
        deadline_s = min(waiter.deadline_s, waiter.now_s + FETCH_S_MAX)
        async with self.health.line.place(Priority.ORDINARY, deadline_s):
            self._check_up()  # Those before may have found out.
            try:
                body = await self._asked(method, url, **content)
            except ProviderDownError:
                self.health.failed()
                raise
        self.health.succeeded()
        return _object(body)

    def _check_up(self) -> None:
        if self.health.is_down:
            raise ProviderDownError("is down")

    async def probe(self, url: str) -> None:
        """Any answer will do that isn't a fault of the provider's own. Raises `ProviderDownError`."""
        try:
            await self._asked("GET", url, wants_body=False)
        except ProviderRefusedError:
            return

    async def _asked(self, method: str, url: str, *, wants_body: bool = True, **content: Any) -> bytes:
        try:
            async with asyncio.timeout(FETCH_S_MAX):
                return await self._streamed(method, url, wants_body, **content)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
            raise ProviderDownError(type(error).__name__) from None

    async def _streamed(self, method: str, url: str, wants_body: bool, **content: Any) -> bytes:
        async with self._client.stream(method, url, **content) as response:
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise ProviderDownError(f"HTTP {response.status_code}")
            if response.status_code >= httpx.codes.BAD_REQUEST:
                raise ProviderRefusedError(f"HTTP {response.status_code}")
            body = bytearray()
            if not wants_body:
                return bytes(body)
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise ProviderDownError("answers too much")
            return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderDownError("no JSON") from None
    if not isinstance(value, dict):
        raise ProviderDownError("no JSON object")
    return value
