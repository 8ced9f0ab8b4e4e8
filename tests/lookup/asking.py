"""A browser's requests to an application in this very process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp


class Asking:
    """Keeps cookies between requests, follows nothing."""

    def __init__(self, app: ASGIApp, base_url: str, cookies: dict[str, str]) -> None:
        self._app, self._base_url = app, base_url
        self.cookies = httpx.Cookies(cookies)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self._base_url, cookies=self.cookies, timeout=30
            ) as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PUT", path, **more)
