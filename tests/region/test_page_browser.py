"""The page in a real browser: it changes by itself, without a new load, and says when nobody answers."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import uvicorn

from altid.region.page.app import StatusPage
from altid.region.page.asking import Asker, Picture
from region.pictures import cut_off, healthy, leaders_site_dead

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_COUNTED_ON = re.compile(r"^for ([3-9]|\d\d) s siden$")
"""A busy machine may show, or look at, only every few of the seconds."""
_NOTED = "() => { window.noted = 'still the same page' }"


class _Server:
    """The page on a port of its own, of whatever picture the test sets."""

    def __init__(self) -> None:
        self.picture: Picture = healthy()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._loop = asyncio.new_event_loop()
        config = uvicorn.Config(
            StatusPage(Asker(self._ask)).application(), log_level="error", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run)

    async def _ask(self) -> Picture:
        return self.picture

    def _run(self) -> None:
        self._loop.run_until_complete(self._server.serve([self._listener]))
        self._loop.close()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()


@contextmanager
def _serving() -> Iterator[_Server]:
    server = _Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    context = browser.new_context(locale="da-DK", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert [one for one in complaints if "ERR_CONNECTION_REFUSED" not in one] == []


def test_the_page_changes_by_itself_without_a_new_load(page: playwright.Page) -> None:
    with _serving() as server:
        page.goto(server.address)
        playwright.expect(page.locator("h1")).to_have_text("Alle nye ordinationer gemmes begge steder")
        page.evaluate(_NOTED)
        server.picture = leaders_site_dead()
        changed = page.locator("h1", has_text="Kun ét sted: nye ordinationer gemmes kun på B")
        playwright.expect(changed).to_be_visible(timeout=_WAIT_MS)
        assert page.evaluate("window.noted") == "still the same page"
        assert page.locator(".flagged").count() == 1


def test_what_has_not_changed_is_left_alone(page: playwright.Page) -> None:
    with _serving() as server:
        page.goto(server.address)
        page.evaluate("() => { document.querySelector('#places .card').dataset.mine = 'yes' }")
        picture = healthy()
        picture["durability"] = "one-site"
        server.picture = picture
        playwright.expect(page.locator("#headline.warn")).to_be_visible(timeout=_WAIT_MS)
        # The first exchange writes everything once; after that only what differs.
        page.evaluate("() => { document.querySelector('#places .card').dataset.mine = 'yes' }")
        server.picture = healthy()
        playwright.expect(page.locator("#headline.good")).to_be_visible(timeout=_WAIT_MS)
        assert page.locator("#places .card").first.get_attribute("data-mine") == "yes"


def test_ages_are_counted_on(page: playwright.Page) -> None:
    with _serving() as server:
        now = datetime.now(UTC).isoformat()
        server.picture["timeline"] = [{"time": now, "place": "A", "event": "live"}]
        page.goto(server.address)
        age = page.locator("#timeline time.age").first
        playwright.expect(age).to_have_text(_COUNTED_ON, timeout=_WAIT_MS)


def test_when_nobody_answers_any_more_the_page_says_so(page: playwright.Page) -> None:
    with _serving() as server:
        page.goto(server.address)
        playwright.expect(page.locator("#lost")).to_be_hidden()
    playwright.expect(page.locator("#lost")).to_be_visible(timeout=_WAIT_MS)
    playwright.expect(page.locator("#lost")).to_contain_text("Ingen forbindelse til statussiden")


def test_a_narrow_window_needs_no_sideways_scrolling(page: playwright.Page) -> None:
    with _serving() as server:
        server.picture = cut_off()
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"{server.address}?lang=en")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        playwright.expect(page.locator("h1")).to_contain_text("Unknown")


def test_without_a_script_the_page_is_whole(browser: playwright.Browser) -> None:
    with _serving() as server:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{server.address}?lang=en")
        playwright.expect(page.locator("h1")).to_have_text("Every new order is stored at both sites")
        context.close()
