"""A browser whose site is gone: on at the other site in the same session, and with what waits; or at the
lookup record, and back."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from tests.access.desks import PASSWORD
from tests.lookup.door import COOKIE
from tests.lookup.sampled import sampled_copy
from tests.lookup.serving_lookup import serving_lookup
from tests.orders.ordering import drug, medication, unsigned
from tests.orders.posts import wait_until
from tests.ports import free_port
from tests.web.axe import violations
from tests.web.sites import Reached, behind_lines
from tests.web.visiting import give_grounds, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_LOOKUP_HOST = "127.0.0.2"
"""Another host than the sites' to a browser."""
_PATIENT = "swing-anna"
_PICTURES = Path(__file__).parents[2] / "build" / "screens"
_WORKER = "navigator.serviceWorker.ready.then(() => null)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def lookup_url() -> str:
    return f"http://{_LOOKUP_HOST}:{free_port()}"


@pytest.fixture(scope="module")
def both(web_dsn: str, lookup_url: str) -> Iterator[tuple[Reached, Reached]]:
    with behind_lines(web_dsn, lookup_url) as made:
        yield made


@pytest.fixture
def lookup(sites: tuple[Reached, Reached], lookup_url: str, tmp_path: Path, context: Any) -> Iterator[str]:
    """The lookup record answers, and somebody has logged on there before."""
    copy = sampled_copy(tmp_path / "copy.db", 3)
    port = int(lookup_url.rpartition(":")[2])
    context.add_cookies([{"name": name, "value": value, "url": lookup_url} for name, value in COOKIE.items()])
    with serving_lookup(copy, tmp_path, _LOOKUP_HOST, port, [site.url for site in sites]) as address:
        yield address
    copy.close()


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
    """How many orders of the patient have this indication."""

    def count(why: str) -> int:
        asked = {"patient": _PATIENT, "_count": "200"}
        bundle = httpx.get(f"{web_server}/fhir/MedicationRequest", params=asked, timeout=30).json()
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


def cut(sites: tuple[Reached, Reached]) -> None:
    for site in sites:
        site.line.cut()


def hurry(page: Any, is_so: Callable[[], bool]) -> None:
    """Let the page's clock go faster until it is so."""

    def step() -> bool:
        with suppress(playwright.Error):  # on the way to another page
            page.clock.fast_forward(2_000)
        return is_so()

    wait_until(step)


def test_without_any_site_it_becomes_the_lookup_record_and_the_page_again(
    screen: Any, sites: tuple[Reached, Reached], lookup: str
) -> None:
    """An open page; and text that was typed keeps it as long as it is there."""
    screen.clock.install()
    screen.goto(f"/patient/{_PATIENT}/notes")
    screen.fill("textarea", "Det, jeg er ved at skrive")
    cut(sites)
    hurry(screen, lambda: "Intet sted svarer" in screen.inner_text("#site-sign"))
    playwright.expect(screen.locator("#site-sign a")).to_have_attribute("href", lookup)
    for _ in range(3):
        screen.clock.fast_forward(30_000)
    playwright.expect(screen.locator("textarea").first).to_have_value("Det, jeg er ved at skrive")
    screen.fill("textarea", "")
    hurry(screen, lambda: screen.url.startswith(lookup))
    playwright.expect(screen.locator("#age .sentence")).to_contain_text("17 min")
    playwright.expect(screen.locator("#back")).to_contain_text("går selv tilbage")
    assert "#" not in screen.url
    sites[0].line.heal()
    hurry(screen, lambda: screen.url == f"{sites[0].url}/patient/{_PATIENT}/notes")


@pytest.mark.long
def test_it_comes_back_to_the_site_that_answers(
    screen: Any, sites: tuple[Reached, Reached], lookup: str
) -> None:
    """Offline at the logon; the lookup record, and the logon of the site that is there first."""
    cut(sites)
    screen.goto(f"/logon?next=/patient/{_PATIENT}")
    screen.wait_for_url(f"{lookup}/**")
    playwright.expect(screen.locator("#back")).to_contain_text("går selv tilbage")
    assert violations(screen) == []
    _PICTURES.mkdir(parents=True, exist_ok=True)
    screen.screenshot(path=_PICTURES / "lookup-on-the-way-back.png")
    sites[1].line.heal()
    screen.wait_for_url(f"{sites[1].url}/logon?next=/patient/{_PATIENT}")


def test_at_the_logon_of_a_dead_site_it_is_the_other_ones(
    context: Any, sites: tuple[Reached, Reached]
) -> None:
    page = context.new_page()
    page.goto("/logon")
    page.evaluate(_WORKER)
    sites[0].line.cut()
    page.goto(f"/logon?next=/patient/{_PATIENT}")
    page.wait_for_url(f"{sites[1].url}/logon?next=%2Fpatient%2F{_PATIENT}")


def test_an_order_that_waits_stays_in_sight(
    screen: Any, sites: tuple[Reached, Reached], lookup: str, store: Callable[..., None]
) -> None:
    """Also on the page that the browser keeps: it does not go to the lookup record."""
    waits(screen, store, "Bliver her")
    cut(sites)
    screen.clock.install()
    screen.reload()
    for _ in range(5):
        screen.clock.fast_forward(4_000)
        playwright.expect(screen.locator("[data-held]").first).to_contain_text("1 underskrift")
    playwright.expect(screen.locator("[data-gone] a").first).to_have_attribute("href", lookup)


def test_a_silent_site_is_left_and_log_off_is_for_all_sites(
    screen: Any, sites: tuple[Reached, Reached]
) -> None:
    """It takes what is asked and says nothing. Whoever logs off now is off, at the silent one too."""
    other = screen.context.new_page()
    sites[0].line.silence()
    screen.reload()
    screen.wait_for_url(f"{sites[1].url}/patient/{_PATIENT}")
    sites[0].line.heal()
    other.goto("/")
    playwright.expect(other.locator("#site-sign")).to_contain_text("Sted A")
    sites[0].line.cut()
    other.clock.install()
    hurry(other, lambda: "Sted B svarer" in other.inner_text("#site-sign"))
    other.click("form[action='/logoff'] button")
    other.wait_for_url(f"{sites[1].url}/logon")
    sites[0].line.heal()
    wait_until(lambda: other.context.request.get(f"{sites[0].url}/").url.endswith("/logon"))


def test_the_sign_says_whether_the_record_runs_on_one_site(screen: Any) -> None:
    for durability, said, kind in (
        ("two-sites", "Sted A · to steder", "site-sign"),
        ("one-site", "Sted A · kun ét sted", "site-sign alone"),
    ):
        screen.route("**/session/token", functools.partial(told, durability))
        screen.reload()
        playwright.expect(screen.locator("#site-sign")).to_have_text(said)
        playwright.expect(screen.locator("#site-sign")).to_have_class(kind)


def told(durability: str, route: Any) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "altid-durability": durability})
