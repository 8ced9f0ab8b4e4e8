"""Every screen in a real browser: WCAG 2.2 AA as far as axe can tell, enlarged to 200 %, by keyboard, with a
quiet console; and a picture of each, kept in build/screens."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from starlette.routing import Route

from altid.access.identity import Role
from altid.web.pages import pages
from tests.orders.ordering import drug, medication
from tests.screen.charts import HL7, coded
from tests.web.axe import violations
from tests.web.screens import DOCUMENT, NEIGHBOUR, ORDER, PATIENT, SCREENS, WARD_PLACE, Screen
from tests.web.test_documents import LETTER, PICTURE
from tests.web.visiting import Browser, give_grounds, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_PICTURES = Path(__file__).parents[2] / "build" / "screens"
_WAIT_MS = 20_000
_WINDOW = {"width": 1280, "height": 900}
_ENLARGED = {"width": 640, "height": 450}
"""1280 by 900 pixels at 200 %: so many are left for the page to lay itself out in (WCAG 2.2, 1.4.4)."""
_KEYS_MAX = 40
"""Steps by keyboard on one screen: a ward's list has hundreds of links that are all alike."""
_KEYS_OF_A_MOMENT = 8
"""Day, month, year, hour, minute, half of the day, calendar: each is a stop of its own in one field."""
_REACHABLE = """
([keysMax, keysOfMoment]) => {
  const fields = "a[href], button, input, select, textarea, summary";
  const groups = new Set();
  window.reached = new Set();
  document.addEventListener("focusin", (event) => window.reached.add(event.target));
  window.wanted = [...document.querySelectorAll(fields)]
    .filter((one) => one.type !== "hidden" && !one.disabled && one.checkVisibility())
    .filter((one) => one.type !== "radio" || (!groups.has(one.name) && groups.add(one.name)));
  let keys = 0;
  const isMoment = (one) => ["date", "time", "datetime-local"].includes(one.type);
  window.wanted = window.wanted.filter((one) => (keys += isMoment(one) ? keysOfMoment : 1) <= keysMax);
  document.body.tabIndex = -1;
  document.body.focus();
  return Math.min(keys, keysMax);
}
"""
_MISSED = """
() => window.wanted
  .filter((one) => !window.reached.has(one))
  .filter((one) => one.type !== "radio" || ![...window.reached].some((other) => other.name === one.name))
  .map((one) => one.outerHTML)
"""
_COVERED = """
() => {
  const one = document.activeElement, banner = document.querySelector(".banner");
  if (!one || one === document.body || one.matches(".skip") || banner.contains(one)) return null;
  const place = one.getBoundingClientRect(), edge = banner.getBoundingClientRect().bottom;
  return place.bottom <= edge ? one.outerHTML : null;
}
"""
_NO_SCREENS = {
    "/static/{name}",
    "/service-worker.js",
    "/session/token",
    "/logon/passkey",
    "/start",
    "/quick/passkey",
    "/logon/with/{name}",
    "/logon/oidc/{name}",
    "/logon/saml/{name}/metadata",
}
"""Files, answers to scripts, and ways that only lead on."""
_ELSEWHERE = {
    "/application",
    "/patient/{id}/back-entry/{number}",
    "/patient/{id}/documents/{kind}/{document}/{number}/content",
}
"""Screens that follow from another one; their own tests look at them."""


def test_the_list_has_every_screen() -> None:
    """A page that is added without a look at it in the browser is seen here."""
    routes = [route for route in pages(MagicMock()) if isinstance(route, Route) and "GET" in route.methods]
    missing = {
        route.path
        for route in routes
        if "{path:path}" not in route.path
        and not any(route.path_regex.match(screen.path) for screen in SCREENS)
    }
    assert missing - _NO_SCREENS == _ELSEWHERE


@pytest.fixture(scope="module")
def place() -> str:
    """Where everybody of these tests works: a place that they alone use."""
    return f"77{secrets.randbelow(10**9):09d}016"


@pytest.fixture(scope="module")
def ward(store: Callable[..., None], place: str) -> None:
    """Two beds with a patient in each."""
    _fill(store, place)


def _fill(store: Callable[..., None], place: str) -> None:
    owner, physical = {"reference": "Organization/screen-o"}, f"{HL7}/location-physical-type"
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    store("Organization", "screen-o", name="Lunger L2", identifier=sor)
    store(
        "Location",
        WARD_PLACE,
        name="Lunger L2",
        managingOrganization=owner,
        physicalType=coded(physical, "wa"),
    )
    for number, patient in enumerate((PATIENT, NEIGHBOUR), 1):
        bed, subject = f"{WARD_PLACE}-{number}", {"reference": f"Patient/{patient}"}
        store(
            "Location",
            bed,
            name=f"Stue {number}",
            physicalType=coded(physical, "bd"),
            partOf={"reference": f"Location/{WARD_PLACE}"},
        )
        store(
            "Patient",
            patient,
            name=[{"family": "Åkjær", "given": ["Anna"]}],
            gender="female",
            birthDate="1950-03-01",
        )
        store(
            "Encounter",
            f"e-{patient}",
            status="in-progress",
            **{"class": {"code": "IMP"}},
            subject=subject,
            serviceProvider=owner if patient == PATIENT else {"reference": "Organization/elsewhere"},
            location=[{"location": {"reference": f"Location/{bed}"}}],
        )
        store("AllergyIntolerance", f"a-{patient}", patient=subject, code={"text": "Penicillin"})
        store("Condition", f"c-{patient}", subject=subject, code={"text": "KOL"})
        document = DOCUMENT if patient == PATIENT else f"{DOCUMENT}-2"
        letter, picture = ({"contentType": media, "data": data} for media, data in (LETTER, PICTURE))
        store(
            "DocumentReference",
            document,
            status="current",
            type={"text": "Epikrise"},
            date="2026-01-05T10:00:00+01:00",
            subject=subject,
            content=[{"attachment": letter}, {"attachment": picture}],
        )
        for made in (drug(), medication(patient_=patient, id=f"{ORDER}{'' if patient == PATIENT else '-2'}")):
            store(made.pop("resourceType"), made.pop("id"), **made)
        for day in range(1, 6):
            store(
                "Observation",
                f"k-{patient}-{day}",
                status="final",
                category=[coded(f"{HL7}/observation-category", "laboratory")],
                code=coded("http://loinc.org", "2823-3"),
                subject=subject,
                effectiveDateTime=f"2026-01-0{day}T08:00:00+01:00",
                valueQuantity={"value": 4 + day / 2, "unit": "mmol/L"},
            )


@pytest.fixture(scope="module")
def sessions(web_server: str, web_dsn: str, ward: None, place: str) -> Callable[[Role], list[dict[str, str]]]:
    """The cookies of somebody who is logged on in a role, for the browser."""
    known: dict[Role, list[dict[str, str]]] = {}

    def cookies_of(role: Role) -> list[dict[str, str]]:
        if role not in known:
            account = make_account(web_dsn, f"s{secrets.token_hex(6)}", roles=(role,), organisations=(place,))
            if role in (Role.DOCTOR, Role.NURSE):
                give_grounds(web_dsn, account.id, PATIENT, role, place)
            with Browser(base_url=web_server, timeout=30) as client:
                assert client.log_on(account.username).status_code == 303
                known[role] = [
                    {"name": each.name, "value": each.value or "", "url": web_server}
                    for each in client.cookies.jar
                ]
        return known[role]

    return cookies_of


@pytest.fixture(scope="module")
def look(web_server: str, ward: None) -> Iterator[SimpleNamespace]:
    """One window for all screens, and what its console complained of."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        context = started.new_context(base_url=web_server, viewport=_WINDOW)
        context.set_default_timeout(_WAIT_MS)
        page, complaints = context.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        yield SimpleNamespace(context=context, page=page, complaints=complaints)
        started.close()


def _go(look: Any, screen: Screen, language: str, cookies: list[dict[str, str]], base: str) -> Any:
    look.context.clear_cookies()
    look.context.add_cookies([*cookies, {"name": "lang", "value": language, "url": base}])
    look.complaints.clear()
    look.page.set_viewport_size(_WINDOW)
    answer = look.page.goto(screen.path)
    assert answer.status == screen.status
    assert look.page.locator("html").get_attribute("lang") == language
    return look.page


@needs_chromium
@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_for_everybody(
    screen: Screen,
    language: str,
    look: Any,
    sessions: Callable[[Role], list[dict[str, str]]],
    web_server: str,
) -> None:
    page = _go(look, screen, language, sessions(screen.role) if screen.role else [], web_server)
    assert violations(page) == []
    _PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=_PICTURES / f"{screen.name}-{language}.png", full_page=True)

    for _ in range(page.evaluate(_REACHABLE, [_KEYS_MAX, _KEYS_OF_A_MOMENT])):
        page.keyboard.press("Tab")
    assert page.evaluate(_MISSED) == []

    page.set_viewport_size(_ENLARGED)
    assert page.evaluate("document.documentElement.scrollWidth") <= _ENLARGED["width"]
    own = "the server responded with a status of" if screen.status >= 400 else "\0"
    assert [one for one in look.complaints if own not in one] == []


_KEPT_STATES = {"other": ({"name": "B"}, 0), "none": (None, 0), "held": (None, 3), "both": ({"name": "B"}, 1)}
"""Which site answers, and how many signatures wait, as `static/offline.js` shows it."""
_SHOW = """
async ([other, held]) => {
  const script = document.querySelector("script[src*='offline.js']").src;
  (await import(script)).show(other, held);
}
"""


@needs_chromium
@pytest.mark.long
@pytest.mark.parametrize("state", ["looking", *_KEPT_STATES])
def test_the_page_that_a_browser_keeps_is_for_everybody(state: str, look: Any) -> None:
    """It is in both languages at once."""
    page = look.page
    page.set_viewport_size(_WINDOW)
    page.goto("/offline")
    if state == "looking":
        page.evaluate("document.querySelectorAll('[data-gone]').forEach((one) => (one.hidden = true))")
        page.evaluate("document.querySelectorAll('[data-looking]').forEach((one) => (one.hidden = false))")
    else:
        page.evaluate(_SHOW, _KEPT_STATES[state])
    assert violations(page) == []
    _PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=_PICTURES / f"offline-{state}.png", full_page=True)
    page.set_viewport_size(_ENLARGED)
    assert page.evaluate("document.documentElement.scrollWidth") <= _ENLARGED["width"]


@needs_chromium
def test_enlarged_the_banner_leaves_room_and_covers_nothing_that_has_the_focus(
    look: Any, sessions: Callable[[Role], list[dict[str, str]]], web_server: str
) -> None:
    """WCAG 2.2, 2.4.11: whoever goes back through a page by keyboard sees where they are."""
    patient = next(screen for screen in SCREENS if screen.name == "patient")
    page = _go(look, patient, "da", sessions(Role.DOCTOR), web_server)
    page.set_viewport_size({"width": 683, "height": 384})  # a ward's PC at 200 %
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    banner = page.locator(".banner").bounding_box()
    assert banner["y"] == 0
    assert banner["height"] <= 384 * 0.4
    covered = []
    for _ in range(_KEYS_MAX):
        page.keyboard.press("Shift+Tab")
        covered.append(page.evaluate(_COVERED))
    assert [one for one in covered if one] == []
