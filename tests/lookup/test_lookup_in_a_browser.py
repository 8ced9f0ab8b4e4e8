"""The lookup record in a real browser: told apart, by keyboard, with the script and without, on paper."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from altid.lookup.copy import Copy
from altid.lookup.finding import WardRow
from tests.lookup.door import COOKIE
from tests.lookup.sampled import sampled_copy
from tests.lookup.serving_lookup import serving_lookup

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_WAIT_S = 20
_LABELS = """
() => [...document.querySelectorAll("input, select, textarea, button")]
  .filter((field) => field.type !== "hidden" && field.offsetParent !== null)
  .filter((field) => !(field.labels?.length || field.textContent.trim() || field.getAttribute("aria-label")))
  .map((field) => field.outerHTML)
"""
_IN_SIGHT = """
(selector) => {
  const place = document.querySelector(selector).getBoundingClientRect();
  return place.top >= 0 && place.bottom <= window.innerHeight && place.height > 0;
}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = sampled_copy(tmp_path_factory.mktemp("copy") / "copy.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ward(copy: Copy) -> WardRow:
    return next(row for row in copy.wards() if row.taken > 1)


@pytest.fixture(scope="module")
def patient(copy: Copy, ward: WardRow) -> str:
    return copy.ward(ward.id)[0].identity.id


@pytest.fixture(scope="module")
def address(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_lookup(copy, tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def opened(chromium: Any, address: str, *, script: bool = True, language: str = "da") -> Any:
    context = chromium.new_context(
        base_url=address, viewport={"width": 1280, "height": 800}, java_script_enabled=script
    )
    context.set_default_timeout(_WAIT_MS)
    cookies = {**COOKIE, "lang": language}
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
    return context.new_page()


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """It fails a test that leaves an error in the console."""
    shown = opened(chromium, address)
    complaints: list[str] = []
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    yield shown
    shown.context.close()
    assert complaints == []


def test_bar_identity_and_cave_stay_in_sight(page: Any, patient: str) -> None:
    page.goto(f"/patient/{patient}")
    page.mouse.wheel(0, 5_000)
    page.wait_for_function("window.scrollY > 300")
    for selector in ("#age .sentence", ".banner .name", ".banner .cave"):
        assert page.evaluate(_IN_SIGHT, selector), selector
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#age")).to_be_visible()


def test_the_age_ticks_by_itself_and_passes_its_thresholds(page: Any, address: str) -> None:
    page.clock.install()
    page.goto("/")
    playwright.expect(page.locator("#age .age-text")).to_have_text("17 min")
    page.clock.run_for("14:00")
    playwright.expect(page.locator("#age .age-text")).to_have_text("31 min")
    playwright.expect(page.locator("#age")).to_have_attribute("data-age-state", "old")
    playwright.expect(page.locator("#age .age-advice")).to_contain_text("Gamle")
    page.clock.run_for("04:00:00")
    playwright.expect(page.locator("#age .age-text")).to_have_text("4 t 31 min")
    playwright.expect(page.locator("#age")).to_have_attribute("data-age-state", "very-old")


@pytest.mark.parametrize(("language", "said"), [("da", "17 min gamle"), ("en", "17 min old")])
def test_without_the_script_everything_is_there(
    chromium: Any, address: str, patient: str, language: str, said: str
) -> None:
    shown = opened(chromium, address, script=False, language=language)
    shown.goto(f"/patient/{patient}")
    playwright.expect(shown.locator("#age")).to_contain_text(said)
    playwright.expect(shown.locator(".banner-age")).to_contain_text(said)
    playwright.expect(shown.locator("#medication")).to_be_visible()
    shown.context.close()


def test_a_patient_is_found_by_keyboard_alone(page: Any, copy: Copy, ward: WardRow) -> None:
    who = copy.ward(ward.id)[0].identity
    assert who.number is not None
    page.goto(f"/ward/{ward.id}")
    page.keyboard.press("/")
    playwright.expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(who.number.value)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("h1")).to_have_text("Fundne patienter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/patient/{who.id}")


def test_the_keys_are_shown_and_hidden(page: Any, ward: WardRow) -> None:
    page.goto(f"/ward/{ward.id}")
    page.keyboard.press("?")
    playwright.expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    playwright.expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    playwright.expect(page.locator("tbody tr:nth-child(2) a[data-row]")).to_be_focused()


def test_it_does_not_look_like_the_live_record(page: Any, patient: str) -> None:
    page.goto(f"/patient/{patient}")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground != "rgb(238, 241, 244)"
    assert page.title().endswith("Altid Opslag")


@pytest.mark.parametrize("language", ["da", "en"])
def test_all_pages_are_sound(chromium: Any, address: str, ward: WardRow, patient: str, language: str) -> None:
    shown = opened(chromium, address, language=language)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    paths = [f"/patient/{patient}", *(("/", f"/ward/{ward.id}", "/forms") if language == "da" else ())]
    for path in paths:
        shown.goto(path)
        assert shown.evaluate(_LABELS) == []
        found = json.loads(json.dumps(axe.run(shown).response))["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path
    shown.context.close()


def test_a_printed_page_has_identity_and_both_times_on_every_sheet(
    page: Any, patient: str, copy: Copy, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("there is no pdftotext")
    import subprocess

    page.goto(f"/patient/{patient}")
    out = tmp_path / "page.pdf"
    page.pdf(path=out)
    said = subprocess.run(["pdftotext", "-layout", out, "-"], capture_output=True, check=True)
    sheets = [" ".join(sheet.split()) for sheet in said.stdout.decode().split("\f") if sheet.strip()]
    chart = copy.chart(patient)
    assert chart is not None
    assert len(sheets) > 1
    for sheet in sheets:
        assert "data fra 17. november 2026 10:00" in sheet
        assert re.search(r"Udskrevet \d+\. \w+ \d{4} \d\d:\d\d", sheet)
        assert re.search(r"CPR \d{6}-\d{4}", sheet)
