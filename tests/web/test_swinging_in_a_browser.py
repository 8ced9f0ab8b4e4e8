"""A browser whose site is gone: on at the other site in the same session, and with what waits; or at the
lookup record, and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from tests.access.desks import PASSWORD
from tests.orders.ordering import drug, medication, unsigned
from tests.orders.posts import wait_until
from tests.web.sites import Reached, behind_lines
from tests.web.visiting import give_grounds, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_LOOKUP = "https://opslag.example"
_PATIENT = "swing-anna"
_WORKER = "navigator.serviceWorker.ready.then(() => null)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def both(web_dsn: str) -> Iterator[tuple[Reached, Reached]]:
    with behind_lines(web_dsn, _LOOKUP) as made:
        yield made


@pytest.fixture
def sites(both: tuple[Reached, Reached]) -> tuple[Reached, Reached]:
    """Both answer."""
    for site in both:
        site.line.heal()
    return both


@pytest.fixture(scope="module")
def person(web_dsn: str) -> Account:
    made = make_account(web_dsn, "swinging")
    give_grounds(web_dsn, made.id, _PATIENT)
    return made


@pytest.fixture
def context(chromium: Any, sites: tuple[Reached, Reached]) -> Iterator[Any]:
    """Errors of scripts fail the test."""
    made = chromium.new_context(base_url=sites[0].url)
    made.set_default_timeout(_WAIT_MS)
    complaints: list[str] = []
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def screen(context: Any, person: Account, store: Callable[..., None]) -> Any:
    """Logged on at the first site; its worker has heard of it."""
    store("Patient", _PATIENT, name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")
    page = context.new_page()
    page.goto("/logon")
    log_on(page, person)
    page.wait_for_url("**/")
    page.evaluate(_WORKER)
    page.goto(f"/patient/{_PATIENT}")
    playwright.expect(page.locator("#site-sign")).to_contain_text("Sted A")
    return page


def test_a_reload_goes_on_at_the_other_site_without_a_logon(
    screen: Any, sites: tuple[Reached, Reached]
) -> None:
    sites[0].line.cut()
    screen.reload()
    screen.wait_for_url(f"{sites[1].url}/patient/{_PATIENT}")
    playwright.expect(screen.locator(".banner")).to_contain_text("TESTESEN")
    playwright.expect(screen.locator("#site-sign")).to_contain_text("Sted B")
    screen.goto(f"{sites[1].url}/patient/{_PATIENT}/medication")
    playwright.expect(screen.locator(".banner")).to_contain_text("TESTESEN")


_WAITS = """
async ({patient, order}) => {
  const outbox = await import("/static/outbox.js");
  await outbox.open();
  const what = {kind: "MedicationRequest", action: "create", says: ["Panodil"], titles: []};
  const about = {patient, label: "TESTESEN, Anna", ...what};
  await outbox.sign([], {path: "/orders", body: order}, about);
}
"""


def waits(page: Any, store: Callable[..., None], why: str) -> None:
    """An order is signed and sent, and no site has taken it."""
    prescribed = drug()
    store(prescribed.pop("resourceType"), prescribed.pop("id"), **prescribed)
    order = {**unsigned(medication(patient_=_PATIENT)), "reasonCode": [{"text": why}]}
    page.context.route("**/orders", lambda route: route.abort())
    page.evaluate(_WAITS, {"patient": _PATIENT, "order": order})
    playwright.expect(page.locator("#outbox .waiting")).to_be_visible()


@pytest.fixture
def registered(web_server: str) -> Callable[[str], int]:
    """How many orders of the record have this indication."""

    def count(why: str) -> int:
        bundle = httpx.get(f"{web_server}/fhir/MedicationRequest?_count=200", timeout=30).json()
        found = [entry["resource"].get("reasonCode", [{}])[0] for entry in bundle.get("entry", ())]
        return sum(one.get("text") == why for one in found)

    return count


def test_what_waits_is_delivered_on_the_way(
    screen: Any, sites: tuple[Reached, Reached], store: Callable[..., None], registered: Callable[[str], int]
) -> None:
    waits(screen, store, "Undervejs")
    sites[0].line.cut()
    screen.context.unroute("**/orders")
    screen.context.route(f"{sites[0].url}/orders", lambda route: route.abort())
    screen.reload()
    screen.wait_for_url(f"{sites[1].url}/patient/{_PATIENT}")
    wait_until(lambda: registered("Undervejs") == 1)
    playwright.expect(screen.locator("#outbox .waiting")).to_have_count(0)


def test_what_waits_where_nobody_is_logged_on_goes_along_and_is_delivered_by_its_owner(
    screen: Any,
    sites: tuple[Reached, Reached],
    store: Callable[..., None],
    registered: Callable[[str], int],
    person: Account,
) -> None:
    """The PC was started anew: cookies and what the worker had are gone."""
    waits(screen, store, "Efter genstart")
    screen.goto("about:blank")
    screen.context.unroute("**/orders")
    screen.context.clear_cookies()
    browser = screen.context.new_cdp_session(screen)
    browser.send("ServiceWorker.enable")
    browser.send("ServiceWorker.stopAllWorkers")
    sites[0].line.cut()
    screen.goto(f"{sites[0].url}/patient/{_PATIENT}")
    screen.wait_for_url(f"{sites[1].url}/logon**")
    assert registered("Efter genstart") == 0
    log_on(screen, person)
    screen.wait_for_url(f"{sites[1].url}/patient/{_PATIENT}")
    playwright.expect(screen.locator("#outbox .known")).to_be_visible()
    assert registered("Efter genstart") == 1
    sites[0].line.heal()
    screen.goto(f"{sites[0].url}/")
    log_on(screen, person)
    playwright.expect(screen.locator("#outbox .known")).to_be_visible()
    assert registered("Efter genstart") == 1


def log_on(page: Any, person: Account) -> None:
    page.fill("#username", person.username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
