"""A person at the screen in a real browser: logs on, orders, reads back, signs, reads what became of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from altid.screen.words import words
from tests.access.desks import PASSWORD

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
WAIT_MS = 20_000
"""Of each thing that is waited for: much more than it takes, on a machine that does much else besides."""
_RELOAD_MS = 1_000
_RELOADS_MAX = 30


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without any window yet."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@contextmanager
def sitting(browser: Any, address: str, language: str = "da") -> Iterator[Any]:
    """One person's own window at a PC of their own. An error of a page's script fails the test."""
    context = browser.new_context(base_url=address, viewport={"width": 1366, "height": 768})
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": "lang", "value": language, "url": address}])
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    try:
        yield context.new_page()
    finally:
        context.close()
    assert complaints == []


def log_on(page: Any, username: str, password: str = PASSWORD) -> None:
    """At the page's site, from nothing or on a logon that is on the screen already."""
    if "/logon" not in page.url:
        page.goto("/logon")
    page.fill("#username", username)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/logon" not in url)


def open_patient(page: Any, ward: str, family: str) -> None:
    """By hand: my wards, the ward, the patient."""
    page.goto("/")
    page.locator("ul.wards a", has_text=ward).click()
    page.locator("table.ward th a", has_text=family.upper()).click()
    playwright.expect(page.locator(".banner .name")).to_contain_text(family.upper())


def until(page: Any, found: Any) -> None:
    """Load the page anew until it shows it: grounds, results and the audit are some moments behind."""
    for _ in range(_RELOADS_MAX):
        try:
            return found.first.wait_for(timeout=_RELOAD_MS)
        except playwright.TimeoutError:
            page.reload()
    raise AssertionError(f"{page.url} never showed {found}")


def follow(page: Any, link: str) -> None:
    """Click, and wait until the page that it leads to is there with its scripts."""
    with page.expect_event("load"):
        page.click(link)


def treats(page: Any, patient: str) -> None:
    """Wait until the server knows that whoever is logged on treats the patient."""
    page.goto(f"/patient/{patient}")
    until(page, page.locator("nav.tabs"))


def fill_in(page: Any, drug: str, **fields: str) -> None:
    """One order on the form of the page of orders, put on the list and checked there."""
    page.fill("#drug", drug)
    page.locator("#drug-found button").first.click()
    page.select_option("#schedule", "times")
    end = (datetime.now(UTC).date() + timedelta(days=14)).isoformat()
    typed = {"amount": "1000", "times": "3", "end": end, "indication": "Smerter", **fields}
    for name, value in typed.items():
        page.fill(f"#{name}", value)
    if not page.input_value("#route"):  # the drug's own form does not tell
        page.select_option("#route", index=1)
    page.click("#medication-form button[type=submit]")
    playwright.expect(page.locator("#staged > li .checked, #staged > li .finding").first).to_be_visible()


def read_back(page: Any) -> Any:
    """Answer each warning, and ask for what is to be signed; gives the dialog."""
    warnings = page.locator("#staged .finding.warning")
    while left := warnings.count():
        warnings.first.locator("input").fill("Aftalt")
        warnings.first.locator("button").click()
        playwright.expect(warnings).not_to_have_count(left)
        playwright.expect(page.locator("#staged > li:not(:has(.checked, .finding))")).to_have_count(0)
    page.click("#sign-all")
    return page.locator("dialog.readback")


def sign(page: Any) -> None:
    read_back(page).locator("button.sign").click()


def acknowledged(page: Any, count: int = 1) -> None:
    """So many receipts are in sight, and nothing waits."""
    playwright.expect(page.locator("#outbox .known")).to_have_count(count)
    playwright.expect(page.locator("#outbox .waiting")).to_have_count(0)


def said(language: str, key: str) -> re.Pattern[str]:
    """A text of the catalogue as the page shows it, up to its first place for data."""
    text = words(language).text(key).partition("{")[0].strip()  # type: ignore[arg-type]
    return re.compile(re.escape(text))
