"""A patient is found by keyboard alone, and a document opens under their name, in a real browser."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from altid.access.identity import Role
from tests.access.desks import PASSWORD
from tests.web.test_documents import PDF, PICTURE, encoded
from tests.web.visiting import give_grounds, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
CPR = "urn:oid:1.2.208.176.1.2"
FAMILY = f"Tast{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def page(web_server: str, web_dsn: str) -> Iterator[Any]:
    """Of a nurse, who has the first of the two patients on her list."""
    place = f"77{secrets.randbelow(10**9):09d}016"
    account = make_account(web_dsn, f"k{secrets.token_hex(6)}", roles=(Role.NURSE,), organisations=(place,))
    give_grounds(web_dsn, account.id, "keys-1", Role.NURSE, place)
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        context = started.new_context(base_url=web_server)
        context.set_default_timeout(_WAIT_MS)
        page = context.new_page()
        page.goto("/logon")
        page.fill("#username", account.username)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/logon" not in url)
        yield page
        started.close()


@pytest.fixture
def two(store: Callable[..., None]) -> None:
    for number, given in enumerate(("Anna", "Bo"), 1):
        identifier = [{"system": CPR, "value": f"010203400{number}"}]
        store("Patient", f"keys-{number}", name=[{"family": FAMILY, "given": [given]}], identifier=identifier)


def test_a_patient_is_found_by_keyboard_alone(page: Any, two: None) -> None:
    page.goto("/settings")
    page.keyboard.press("/")
    page.keyboard.type(FAMILY)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("h1")).to_contain_text("Fundne patienter")
    playwright.expect(page.locator("#search")).to_be_focused()
    hits = page.locator("table.found th[scope=row] a")
    for key, place in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowDown", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        playwright.expect(hits.nth(place)).to_be_focused()
    page.keyboard.press("ArrowUp")
    playwright.expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/patient/keys-1")
    page.keyboard.press("/")
    page.keyboard.type("010203-4002")
    page.keyboard.press("Enter")
    page.wait_for_url("**/patient/keys-2")


def test_pictures_and_pdf_are_shown_under_the_patients_name(
    page: Any, two: None, store: Callable[..., None]
) -> None:
    broken: list[str] = []
    page.on("console", lambda told: broken.append(told.text) if "Content Security" in told.text else None)
    parts = (PICTURE, ("application/pdf", encoded(PDF)))
    store(
        "DocumentReference",
        "keys-d",
        status="current",
        subject={"reference": "Patient/keys-1"},
        content=[{"attachment": {"contentType": media, "data": data}} for media, data in parts],
    )
    page.goto("/patient/keys-1/documents")
    page.get_by_role("link", name="Åbn billede").click()
    playwright.expect(page.locator(".banner")).to_contain_text("Anna")
    assert page.locator(".document-image").evaluate("one => one.decode().then(() => one.naturalWidth)") == 1
    page.get_by_role("link", name="Alle dokumenter").click()
    with page.expect_response("**/1/content") as answered:
        page.get_by_role("link", name="Åbn PDF").click()
    assert answered.value.status == 200
    playwright.expect(page.locator("iframe.document-frame")).to_be_visible()
    assert broken == []
