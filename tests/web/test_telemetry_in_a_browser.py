"""A browser tells how its pages were, also after an outage; it takes a new version when nobody minds."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from altid.access.identity import Role
from tests.web.visiting import Browser, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_S = 20.0
_KEPT = "JSON.parse(sessionStorage.getItem('altid-telemetry') ?? '[]').map((each) => each.route)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(chromium: Any, web_server: str) -> Iterator[Any]:
    context = chromium.new_context(base_url=web_server)
    context.set_default_timeout(_WAIT_S * 1_000)
    yield context.new_page()
    context.close()


def wait_for(page: Any, condition: str) -> None:
    """Until it holds in the page, whose policy forbids Playwright's own way to wait for one."""
    until = time.monotonic() + _WAIT_S
    while not page.evaluate(condition):
        assert time.monotonic() < until, condition


def show_logon(page: Any) -> None:
    page.goto("/logon")
    wait_for(page, f"{_KEPT}.includes('GET /logon')")


def tell(page: Any) -> None:
    """As when a line is back: at once, and not in half a minute."""
    page.evaluate("dispatchEvent(new Event('online'))")


def test_operations_see_what_a_browser_has_told(page: Any, web_server: str, web_dsn: str) -> None:
    show_logon(page)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    account = make_account(web_dsn, f"o{secrets.token_hex(6)}", roles=(Role.OPERATIONS,))
    with Browser(base_url=web_server, timeout=30) as operations:
        operations.log_on(account.username)
        until = time.monotonic() + _WAIT_S
        while "GET /logon" not in operations.get("/clients").text:
            assert time.monotonic() < until
    assert page.evaluate(_KEPT) == []


def test_what_could_not_be_told_is_told_after_the_outage(page: Any) -> None:
    batches: list[str] = []
    page.route("**/telemetry", lambda route: route.abort())
    show_logon(page)
    with page.expect_event("requestfailed"):
        tell(page)
    page.goto("/join")
    page.unroute("**/telemetry")
    page.on("request", lambda asked: batches.append(asked.post_data) if "telemetry" in asked.url else None)
    wait_for(page, f"{_KEPT}.includes('GET /join')")
    tell(page)
    wait_for(page, f"{_KEPT}.length === 0")
    told = [each["route"] for each in json.loads(batches[0])["measures"]]
    assert {"GET /logon", "GET /join"} <= set(told)


def test_an_error_is_told_without_its_text(page: Any) -> None:
    show_logon(page)
    page.evaluate("setTimeout(() => { throw new TypeError('Anna 0101011234'); })")
    wait_for(page, "sessionStorage.getItem('altid-telemetry').includes('TypeError')")
    assert "0101011234" not in page.evaluate("sessionStorage.getItem('altid-telemetry')")


def show_old_version(page: Any) -> None:
    """The page of a server that has been replaced, and which nobody has touched for an hour."""
    newer = json.dumps({"version": "99.0.0"})
    page.route("**/telemetry", lambda route: route.fulfill(body=newer, content_type="application/json"))
    page.add_init_script(
        "const now = performance.now; performance.now = () => now.call(performance) + (window.later ?? 0)"
    )
    show_logon(page)


def test_a_page_of_an_old_version_is_fetched_anew_when_nobody_uses_it(page: Any) -> None:
    show_old_version(page)
    with page.expect_navigation():
        page.evaluate("window.later = 3600000; dispatchEvent(new Event('online'))")


def test_what_somebody_has_typed_keeps_the_old_version(page: Any) -> None:
    show_old_version(page)
    page.fill("#username", "anna")
    page.evaluate("window.later = 3600000; dispatchEvent(new Event('online'))")
    wait_for(page, f"{_KEPT}.length === 0")
    tell(page)
    playwright.expect(page.locator("#username")).to_have_value("anna")
