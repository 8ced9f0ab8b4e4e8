"""A nurse in front of the ward's PC: logs on, finds a patient, reads, prints.

With Playwright and a Chromium it is a real browser, with pictures; without, the same requests are made as a
browser makes them, and the drill says so.
"""

from __future__ import annotations

import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_WAIT_MS = 15_000
_WAIT_S = 15.0
_WIDTH, _HEIGHT = 1280, 900


class Reader(Protocol):
    """Whoever reads. Each gives the HTML that is shown."""

    kind: str

    async def log_on(self, username: str, password: str) -> str: ...

    async def find(self, text: str) -> str: ...

    async def open(self, path: str) -> str: ...

    async def fetch(self, path: str) -> bytes: ...

    async def picture(self, path: Path) -> bool:
        """Of what is shown now; whether there can be one."""
        ...


def browser() -> str | None:
    """The Chromium of this machine."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@asynccontextmanager
async def sit_down(url: str, trust: ssl.SSLContext) -> AsyncIterator[Reader]:
    """In front of the PC at this address."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        found = None
    else:
        found = browser()
    if found is None:
        async with httpx.AsyncClient(base_url=url, verify=trust, timeout=_WAIT_S, trust_env=False) as client:
            yield _ByRequests(client)
        return
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = await started.new_context(
            ignore_https_errors=True, viewport={"width": _WIDTH, "height": _HEIGHT}, base_url=url
        )
        context.set_default_timeout(_WAIT_MS)
        try:
            yield _InBrowser(await context.new_page())
        finally:
            await started.close()


class _InBrowser:
    kind = "Chromium"

    def __init__(self, page: Any) -> None:
        self._page = page

    async def log_on(self, username: str, password: str) -> str:
        await self._page.goto("/logon")
        await self._page.fill("#username", username)
        await self._page.fill("#password", password)
        await self._page.click("button.main >> nth=0")
        await self._page.wait_for_url(lambda where: "/logon" not in where)
        return await self._shown()

    async def find(self, text: str) -> str:
        await self._page.keyboard.press("/")
        await self._page.fill("#search", text)
        await self._page.keyboard.press("Enter")
        await self._page.wait_for_load_state("networkidle")
        return await self._shown()

    async def open(self, path: str) -> str:
        await self._page.goto(path)
        return await self._shown()

    async def fetch(self, path: str) -> bytes:
        answer = await self._page.context.request.get(path)
        return bytes(await answer.body()) if answer.ok else b""

    async def picture(self, path: Path) -> bool:
        await self._page.screenshot(path=str(path), full_page=True)
        return True

    async def _shown(self) -> str:
        return str(await self._page.content())


class _ByRequests:
    kind = "requests (there is no browser here)"

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._token = ""

    async def log_on(self, username: str, password: str) -> str:
        return await self._send("/logon", {"username": username, "password": password, "next": "/"})

    async def find(self, text: str) -> str:
        return await self._send("/search", {"search": text})

    async def open(self, path: str) -> str:
        return self._noted((await self._client.get(path, follow_redirects=True)).text)

    async def fetch(self, path: str) -> bytes:
        answer = await self._client.get(path)
        return answer.content if answer.status_code == 200 else b""

    async def picture(self, path: Path) -> bool:
        return False

    async def _send(self, path: str, fields: dict[str, str]) -> str:
        headers = {"origin": str(self._client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
        data = fields | ({"form_token": self._token} if self._token else {})
        answer = await self._client.post(path, data=data, headers=headers, follow_redirects=True)
        return self._noted(answer.text)

    def _noted(self, html: str) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', html)
        self._token = found[1] if found else self._token
        return html
