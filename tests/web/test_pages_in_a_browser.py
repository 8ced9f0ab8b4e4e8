"""The ways in and out in a real browser: with the script and without, by keyboard, small and enlarged."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from altid.access.accounts import Account
from altid.access.identity import Role
from tests.access.desks import PASSWORD, WARD
from tests.access_api.launching import told_at
from tests.web.asking import question, redeemed, register_chart
from tests.web.visiting import make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_MINUTES_MAX = 5
"""Eight tries with their waits take less."""
_BUSY = {
    "error": "busy",
    "error_description": "Mange logger ind lige nu.",
    "retry_after_s": 1.0,
    "place": 37,
    "appointment": "1800000000.abcdefghijklmnop",
}
_LABELS = """
() => [...document.querySelectorAll("input, select, textarea, button")]
  .filter((field) => field.type !== "hidden" && field.offsetParent !== null)
  .filter((field) => !(field.labels?.length || field.textContent.trim() || field.getAttribute("aria-label")))
  .map((field) => field.outerHTML)
"""
_DOUBLE_IDS = """
() => [...document.querySelectorAll("[id]")]
  .map((one) => one.id)
  .filter((id, at, all) => all.indexOf(id) !== at)
"""
_FOCUSED = "document.activeElement.id || document.activeElement.textContent.trim()"
_BROKEN_REFERENCES = """
() => [...document.querySelectorAll("[aria-describedby], [aria-labelledby]")]
  .flatMap((one) => [one.getAttribute("aria-describedby"), one.getAttribute("aria-labelledby")])
  .filter((id) => id && !document.getElementById(id))
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(chromium: Any, web_server: str) -> Iterator[Any]:
    """It fails a test that leaves an error in the console, but for the answers that a test is about."""
    context = chromium.new_context(base_url=web_server, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_WAIT_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    yield opened
    context.close()
    assert [one for one in complaints if "the server responded with a status of" not in one] == []


@pytest.fixture
def anna(store: Callable[..., None]) -> str:
    store("Patient", "anna", name=[{"family": "Åkjær", "given": ["Anna"]}])
    return "anna"


@pytest.fixture(scope="module", autouse=True)
def registered(web_dsn: str) -> None:
    register_chart(web_dsn)


def log_on(page: Any, username: str, password: str = PASSWORD) -> None:
    page.fill("#username", username)
    page.fill("#password", password)
    page.keyboard.press("Enter")


def test_the_logon_leads_to_the_page_that_was_wanted(page: Any, doctor: Account, anna: str) -> None:
    page.goto(f"/patient/{anna}")
    playwright.expect(page.locator("#username")).to_be_focused()
    log_on(page, doctor.username)
    page.wait_for_url(f"**/patient/{anna}")
    playwright.expect(page.locator(".me")).to_contain_text(doctor.name)


def test_a_wrong_password_is_told_and_the_name_stays(page: Any, doctor: Account) -> None:
    page.goto("/logon")
    log_on(page, doctor.username, "helt forkert kode")
    playwright.expect(page.get_by_role("alert")).to_contain_text("Brugernavn eller adgangskode er forkert")
    playwright.expect(page.locator("#username")).to_have_value(doctor.username)
    playwright.expect(page.locator("#password")).to_have_value("")
    playwright.expect(page.locator("#password")).to_be_focused()
    playwright.expect(page.locator("#password")).to_have_attribute("aria-describedby", "refused")


def test_a_password_that_must_be_changed_comes_to_that_page(page: Any, web_dsn: str) -> None:
    account = make_account(web_dsn, f"b{secrets.token_hex(5)}", must_change=True)
    page.goto("/logon")
    log_on(page, account.username)
    playwright.expect(page.locator("h1")).to_have_text("Skift adgangskode")
    page.fill("#password", PASSWORD)
    page.fill("#new", "grøn sæbe på gulvet")
    page.fill("#again", "grøn sæbe på gulvet")
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".me")).to_contain_text(account.name)


def test_two_roles_are_a_choice_by_keyboard(page: Any, web_dsn: str) -> None:
    account = make_account(web_dsn, f"b{secrets.token_hex(5)}", roles=(Role.DOCTOR, Role.AUDITOR))
    page.goto("/logon")
    log_on(page, account.username)
    playwright.expect(page.locator(f"input[value='doctor|{WARD}']")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".me")).to_contain_text("logkontrol")


def test_after_log_off_the_back_button_shows_nothing(page: Any, doctor: Account, anna: str) -> None:
    page.goto(f"/patient/{anna}")
    log_on(page, doctor.username)
    playwright.expect(page.locator("h1")).to_contain_text("ÅKJÆR")
    page.get_by_role("button", name="Log af").click()
    playwright.expect(page.locator("h1")).to_have_text("Log ind")
    page.go_back()
    playwright.expect(page.locator("h1")).to_have_text("Log ind")
    assert "ÅKJÆR" not in page.content()


def answer_busy(page: Any, times: int) -> list[str]:
    """Send the first tries away; gives the bodies of all tries."""
    bodies: list[str] = []

    def answer(route: Any) -> None:
        if route.request.method != "POST":
            return route.continue_()
        bodies.append(route.request.post_data)
        if len(bodies) > times:
            return route.continue_()
        return route.fulfill(status=503, content_type="application/json", body=json.dumps(_BUSY))

    page.route("**/logon", answer)
    return bodies


def test_in_a_crowd_one_waits_and_need_do_nothing(page: Any, doctor: Account) -> None:
    bodies = answer_busy(page, 2)
    page.goto("/logon")
    log_on(page, doctor.username)
    told = page.locator("#queue-told")
    playwright.expect(told).to_have_text("Du er nummer 37 i køen. Cirka 1 s.")
    playwright.expect(told).to_have_attribute("aria-live", "polite")
    playwright.expect(page.locator("#password")).to_have_value(PASSWORD)
    playwright.expect(page.locator(".me")).to_contain_text(doctor.name)
    assert len(bodies) == 3
    assert "appointment=1" not in bodies[0]
    assert "appointment=1800000000.abcdefghijklmnop" in bodies[1]


def test_who_stops_waiting_is_left_in_peace(page: Any, doctor: Account) -> None:
    bodies = answer_busy(page, 100)
    page.clock.install()
    page.goto("/logon")
    log_on(page, doctor.username)
    page.get_by_role("button", name="Stop").click()
    playwright.expect(page.locator("#queue")).to_be_hidden()
    page.clock.run_for(120_000)
    assert len(bodies) == 1


def test_a_browser_gives_up_in_the_end(page: Any, doctor: Account) -> None:
    bodies = answer_busy(page, 100)
    page.clock.install()
    page.goto("/logon")
    log_on(page, doctor.username)
    for _ in range(_MINUTES_MAX * 60):
        if page.get_by_role("alert").count():
            break
        page.clock.run_for(1_000)
    playwright.expect(page.get_by_role("alert")).to_contain_text("Det lykkedes ikke")
    assert len(bodies) == 8


def test_without_a_script_all_of_it_works(chromium: Any, web_server: str, doctor: Account) -> None:
    context = chromium.new_context(base_url=web_server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/looks")
    log_on(page, doctor.username, "helt forkert kode")
    playwright.expect(page.get_by_role("alert")).to_contain_text("forkert")
    playwright.expect(page.locator("#passkey")).to_be_hidden()
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("h1")).to_have_text("Ikke for din rolle")
    page.goto("/")
    page.fill("#search", "findes ikke")
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".empty")).to_contain_text("Ingen patient passer")
    page.get_by_role("button", name="Log af").click()
    playwright.expect(page.locator("h1")).to_have_text("Log ind")
    context.close()


def come_back(page: Any) -> None:
    """The application's own page, to which the browser is sent back."""
    page.route("https://chart.example/**", lambda route: route.fulfill(body="back at the application"))


def test_an_application_is_let_in_by_somebody_who_logs_on_first(
    page: Any, doctor: Account, anna: str, plain_server: str
) -> None:
    come_back(page)
    page.goto(f"/access/authorize?{question()}")
    log_on(page, doctor.username)
    playwright.expect(page.locator("h1")).to_have_text("Vækstkurven beder om adgang")
    page.fill("#search", "åkjær")
    page.keyboard.press("Enter")
    page.get_by_label("ÅKJÆR, Anna").check()
    page.get_by_role("button", name="Giv adgang").click()
    page.wait_for_url("https://chart.example/back?**")
    told = told_at(page.url)
    assert told["state"] == "af0ifjsldkj"
    assert redeemed(plain_server, told["code"])["patient"] == anna


def test_a_refusal_goes_back_to_the_application_without_a_choice(
    page: Any, doctor: Account, anna: str
) -> None:
    come_back(page)
    page.goto(f"/application?{question()}")
    log_on(page, doctor.username)
    page.get_by_role("button", name="Afvis").click()
    page.wait_for_url("https://chart.example/back?**")
    assert told_at(page.url)["error"] == "access_denied"


def test_a_yes_asks_for_the_patient_first(page: Any, doctor: Account, anna: str) -> None:
    page.goto(f"/application?{question()}")
    log_on(page, doctor.username)
    page.get_by_role("button", name="Giv adgang").click()
    playwright.expect(page.locator("h1")).to_have_text("Vækstkurven beder om adgang")
    assert page.evaluate("document.activeElement.name") == "patient"


def test_the_secret_of_an_invitation_leaves_the_address(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    page.goto("/join#not-a-secret-of-ours")
    playwright.expect(page.get_by_role("alert")).to_contain_text("Linket er brugt eller for gammelt")
    assert page.url.endswith("/join")
    assert [one for one in asked if "not-a-secret" in one] == []
    page.go_back()
    assert "not-a-secret" not in page.url


PATHS = [
    "/logon",
    "/logon/password",
    "/join",
    "/role",
    "/quick",
    "/",
    "/patient/anna",
    "/patient/nogrounds",
    "/list",
    "/patient/anna/blocks",
    f"/application?{question()}&",
]


@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_each_page_can_be_used_by_everybody(
    page: Any, doctor: Account, anna: str, store: Callable[..., None], path: str, language: str
) -> None:
    """Every field has a label, every id is one, one heading leads, and at 320 pixels (which is 400 % zoom)
    nothing but tables is wider than the window."""
    store("Patient", "nogrounds", name=[{"family": "Uden", "given": ["Ub"]}])
    page.goto("/logon")
    log_on(page, doctor.username)
    playwright.expect(page.locator(".me")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{path}{'' if '?' in path else '?'}lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate(_LABELS) == []
    assert page.evaluate(_DOUBLE_IDS) == []
    assert page.evaluate(_BROKEN_REFERENCES) == []
    assert page.locator("h1").count() == 1
    assert page.title() != " – Altid"
    if path not in ("/", "/patient/anna"):
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_logon_needs_only_the_keyboard(page: Any, doctor: Account) -> None:
    page.goto("/logon")
    reached = []
    for _ in range(4):
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
        page.keyboard.press("Tab")
    assert reached == ["username", "password", "Log ind", "Log ind med adgangsnøgle"]
