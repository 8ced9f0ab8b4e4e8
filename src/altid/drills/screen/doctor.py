"""A doctor in front of a page of one site, in a real browser: orders, signs, and waits for the receipt.

The page is found by what it shows, as a person finds it. What goes between browser and site can be held, so
that a site dies before the order is sent, while it is on its way, or when the answer has not arrived.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from altid.drills.dark.reader import browser
from altid.region.error import RegionError
from altid.region.guarding import gateway_url
from altid.region.topology import Site

_WAIT_MS = 20_000
_WIDTH, _HEIGHT = 1366, 768
_DAYS = 14

Kill = Callable[[], Awaitable[None]]


class Moment(Enum):
    """When the site dies, seen from the signature."""

    UNSENT = "before it is sent"
    UNDERWAY = "while it is on its way"
    UNHEARD = "after the site has answered, and before the page has heard it"


def missing() -> str:
    """Why there can't be a doctor here; nothing if there can."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "there is no Playwright (make setup)"
    return "" if browser() else "there is no Chromium (Debian: apt install chromium)"


@asynccontextmanager
async def at_the_pc(home: Site, other: Site, trust: ssl.SSLContext) -> AsyncIterator[Doctor]:
    """In front of a browser at the page's site `home`. It believes both gateways, as a ward's PC that has the
    region's authority does. Raises `RegionError`, also where the page never shows what it should."""
    from playwright.async_api import Error, async_playwright

    keys = [await _key_of(site, trust) for site in (home, other)]
    arguments = ["--no-sandbox", f"--ignore-certificate-errors-spki-list={','.join(keys)}"]
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=browser(), args=arguments)
        try:
            context = await started.new_context(
                base_url=gateway_url(home),
                viewport={"width": _WIDTH, "height": _HEIGHT},
                locale="da-DK",
                ignore_https_errors=True,  # of what this program asks beside the page
            )
            context.set_default_timeout(_WAIT_MS)
            yield Doctor(gateway_url(home), context, await context.new_page())
        except Error as error:
            raise RegionError(f"The doctor came no further: {' '.join(error.message.split())}") from None
        finally:
            await started.close()


async def _key_of(site: Site, trust: ssl.SSLContext) -> str:
    """The fingerprint of the gateway's key, which the region's authority vouches for: a browser that starts
    afresh has no list of authorities to put it on."""
    _, writer = await asyncio.open_connection(site.host, site.gateway, ssl=trust)
    try:
        told = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    key = x509.load_der_x509_certificate(told).public_key()
    plain = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(plain).digest()).decode("ascii")


class Doctor:
    """Where something never shows, Playwright's error names what was looked for."""

    def __init__(self, url: str, context: Any, page: Any) -> None:
        self._url, self._context, self._page = url, context, page

    async def log_on(self, username: str, password: str) -> None:
        await self._page.goto("/logon")
        await self._page.fill("#username", username)
        await self._page.fill("#password", password)
        await self._page.keyboard.press("Enter")
        await self._page.wait_for_url(f"{self._url}/")
        await self._page.evaluate("navigator.serviceWorker.ready.then(() => null)")

    async def open_orders(self, patient: str) -> None:
        await self._page.goto(f"/patient/{patient}/order")
        await self._page.locator("#staged-none, #staged > li").first.wait_for()

    async def stage(self, drug: str, indication: str) -> None:
        """Fill in one order, put it on the list, and answer what is warned of."""
        page, end = self._page, datetime.now(UTC).date() + timedelta(days=_DAYS)
        await page.fill("#drug", drug)
        await page.locator("#drug-found button").first.click()
        await page.select_option("#schedule", "times")
        typed = {"amount": "500", "times": "3", "end": end.isoformat(), "indication": indication}
        for name, value in typed.items():
            await page.fill(f"#{name}", value)
        if not await page.input_value("#route"):  # the drug's own form does not tell
            await page.select_option("#route", index=1)
        await page.click("#medication-form button[type=submit]")
        await page.locator("#staged > li", has_text=indication).wait_for()
        await self._answer_warnings()

    async def _answer_warnings(self) -> None:
        page = self._page
        unchecked = page.locator("#staged > li:not(:has(.checked, .finding))")
        await unchecked.first.wait_for(state="detached")
        while await page.locator("#staged .finding.warning").count():
            first = page.locator("#staged .finding.warning").first
            await first.locator("input").fill("Øvelse")
            left = await first.element_handle()
            await first.locator("button").click()
            await left.wait_for_element_state("hidden")
            await unchecked.first.wait_for(state="detached")

    async def type(self, text: str) -> None:
        """Begin with the next order, which stays unfinished."""
        await self._page.fill("#indication", text)

    async def typed(self) -> str:
        return str(await self._page.input_value("#indication"))

    async def sign(self) -> None:
        """Read back and signed; it is kept in the browser before this returns."""
        await self._page.click("#sign-all")
        await self._page.click("dialog.readback button.sign")
        await self._page.locator("dialog.readback").wait_for(state="detached")

    async def sign_while_it_dies(self, moment: Moment, kill: Kill) -> None:
        """Sign, and have the page's site die in that moment; returns when it is dead."""
        died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def hold(route: Any) -> None:
            if died.done():
                return await _as_it_is(route)
            try:
                await _HELD[moment](route, kill)
                died.set_result(None)
            except Exception as error:  # Playwright would tell nobody
                died.set_exception(error)

        where = f"{self._url}/orders"
        await self._page.route(where, hold)
        await self.sign()
        async with asyncio.timeout(_WAIT_MS / 1000):
            await died
        await self._page.unroute(where)

    @asynccontextmanager
    async def unheard(self) -> AsyncIterator[None]:
        """Meanwhile no order reaches any site."""
        await self._page.route("**/orders", lambda route: route.abort())
        yield
        await self._page.unroute("**/orders")

    async def receipts(self, count: int, s_max: float) -> bool:
        """Whether so many are in sight within the time, and nothing waits any more."""
        known = self._page.locator("#outbox .known")
        waiting = self._page.locator("#outbox .waiting")
        return await self._within(s_max, lambda: _both(known.count(), count, waiting.count(), 0))

    async def waits(self) -> int:
        return int(await self._page.locator("#outbox .waiting").count())

    async def staged(self) -> int:
        return int(await self._page.locator("#staged > li").count())

    async def says(self, *texts: str, s_max: float) -> bool:
        """Whether the sign of the site says all of these within the time."""

        async def holds() -> bool:
            shown = await self._page.locator("#site-sign").text_content(timeout=_WAIT_MS) or ""
            return all(text in shown for text in texts)

        return await self._within(s_max, holds)

    async def is_told_that_nobody_answers(self, s_max: float) -> bool:
        return await self._within(s_max, self._page.locator("[data-gone]").first.is_visible)

    async def shows_orders(self, s_max: float) -> bool:
        """Whether the page of orders came back by itself within the time."""
        return await self._within(s_max, self._page.locator("#ordering").is_visible)

    async def finds(self, patient: str, text: str, picture: Path, s_max: float) -> bool:
        """Whether the patient's page of orders, asked for in another window at the same address, has the text
        within the time, without a logon."""
        page = await self._context.new_page()
        try:
            await page.goto(f"/patient/{patient}/orders", wait_until="commit")
            row = page.locator("table.ordered", has_text=text).first
            return await self._within(s_max, row.is_visible)
        finally:
            await page.screenshot(path=str(picture))
            await page.close()

    async def clear(self) -> None:
        await self._page.click("#outbox .clear")

    async def close_and_open_again(self, patient: str) -> None:
        """The window is closed and the page asked for in another: as after a crash of the browser."""
        from playwright.async_api import Error

        await self._page.close()
        self._page = await self._context.new_page()
        try:
            await self._page.goto(f"/patient/{patient}/order", wait_until="commit")
        except Error:
            raise RegionError(
                "Without any site the browser shows its own error, and not Altid's page."
            ) from None

    async def picture(self, path: Path) -> None:
        await self._page.screenshot(path=str(path))

    async def where(self) -> str:
        return str(self._page.url)

    async def _within(self, s_max: float, holds: Callable[[], Awaitable[bool]]) -> bool:
        end_s = asyncio.get_running_loop().time() + s_max
        while asyncio.get_running_loop().time() < end_s:
            if await holds():
                return True
            await asyncio.sleep(0.05)
        return False


async def _as_it_is(route: Any) -> None:
    await route.continue_()


async def _unsent(route: Any, kill: Kill) -> None:
    await kill()
    await route.continue_()


async def _underway(route: Any, kill: Kill) -> None:
    await asyncio.gather(route.continue_(), kill())


async def _unheard(route: Any, kill: Kill) -> None:
    await route.fetch()
    await kill()
    await route.abort()


_HELD = {Moment.UNSENT: _unsent, Moment.UNDERWAY: _underway, Moment.UNHEARD: _unheard}


async def _both(found: Awaitable[int], count: int, other: Awaitable[int], other_count: int) -> bool:
    return (await found, await other) == (count, other_count)
