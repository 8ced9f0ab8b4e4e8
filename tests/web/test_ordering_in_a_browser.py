"""Ordering in a real browser: read back, signed once and acknowledged, whatever dies meanwhile."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from tests.access.desks import PASSWORD
from tests.orders.posts import wait_until
from tests.web import sites as made_sites
from tests.web.sites import Site
from tests.web.visiting import give_grounds, make_account, run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
_SWING_S_MAX = 6.0
"""Two are promised; a busy machine has some more."""
_PATIENTS = ("ordering-anna", "ordering-bo")
_HOSTILE = "<img src=x onerror=window.hit=1>\"'&"
_KEPT = """
async () => {
  const asked = indexedDB.open("altid");
  await new Promise((done) => (asked.onsuccess = done));
  const all = asked.result.transaction("orders").objectStore("orders").getAll();
  await new Promise((done) => (all.onsuccess = done));
  const decoder = new TextDecoder("latin1");
  const texts = all.result.map((one) => JSON.stringify(one) + decoder.decode(one.sealed));
  const others = JSON.stringify(localStorage) + JSON.stringify(sessionStorage);
  return {records: texts.length, text: texts.join() + others};
}
"""
_CACHED = """
async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return kept.flat().map((request) => new URL(request.url).pathname);
}
"""
_LOOKUP = "https://opslag.example"
_ATC = "http://www.whocc.no/atc"

Orders = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def two_sites(web_dsn: str) -> Iterator[tuple[Site, Site]]:
    """To a browser they are two hosts, so no cookie goes from one to the other."""
    made = made_sites.two_sites(web_dsn, _LOOKUP)
    yield made
    for site in made:
        site.stop()


@pytest.fixture
def sites(two_sites: tuple[Site, Site]) -> tuple[Site, Site]:
    """Both run."""
    for site in two_sites:
        site.start()
    return two_sites


@pytest.fixture(scope="module")
def prescriber(web_dsn: str) -> Account:
    made = make_account(web_dsn, "ordering")
    for patient in _PATIENTS:
        give_grounds(web_dsn, made.id, patient)
    return made


@pytest.fixture
def stock(store: Callable[..., None]) -> None:
    store("Patient", _PATIENTS[0], name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")
    store("Patient", _PATIENTS[1], name=[{"family": _HOSTILE, "given": ["Bo"]}], birthDate="1960-01-01")
    for name, atc, substance in (("Panodil 500 mg tablet", "N02BE01", "paracetamol"), (_HOSTILE, "", "")):
        store(
            "Medication",
            "ordering-panodil" if atc else "ordering-hostile",
            status="active",
            code={
                "text": name if atc else f"Salve {name}",
                **({"coding": [{"system": _ATC, "code": atc, "display": substance}]} if atc else {}),
            },
        )


@pytest.fixture
def screen(chromium: Any, sites: tuple[Site, Site], prescriber: Account, stock: None) -> Iterator[Any]:
    """Logged on at the first site. Errors of scripts fail the test."""
    context = chromium.new_context(base_url=sites[0].url, viewport={"width": 1366, "height": 900})
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    log_on(page, sites[0].url, prescriber)
    yield page
    context.close()
    assert complaints == []


def log_on(page: Any, site: str, prescriber: Account) -> None:
    page.goto(f"{site}/logon")
    page.fill("#username", prescriber.username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/")


def stage(page: Any, drug: str = "Panodil", patient: str = _PATIENTS[0], **fields: str) -> None:
    """Go to the page, fill it in, and put it on the list."""
    page.goto(f"/patient/{patient}/order")
    fill(page, drug, **fields)
    playwright.expect(page.locator("#staged > li .checked, #staged > li .finding").first).to_be_visible()


def fill(page: Any, drug: str = "Panodil", **fields: str) -> None:
    page.fill("#drug", drug)
    page.locator("#drug-found button").first.click()
    page.select_option("#schedule", "times")
    typed = {"amount": "1000", "times": "3", "end": "2099-12-28", "indication": "Smerter", **fields}
    for name, value in typed.items():
        page.fill(f"#{name}", value)
    page.click("#medication-form button[type=submit]")


def override(page: Any) -> None:
    """Answer all warnings: one answer may hold for several, and each is checked anew."""
    warnings = page.locator("#staged .finding.warning")
    while left := warnings.count():
        warnings.first.locator("input").fill("Aftalt")
        warnings.first.locator("button").click()
        playwright.expect(warnings).not_to_have_count(left)
        playwright.expect(page.locator("#staged > li:not(:has(.checked, .finding))")).to_have_count(0)
    playwright.expect(page.locator("#sign-all")).to_be_enabled()


def sign(page: Any) -> None:
    override(page)
    page.click("#sign-all")
    page.click("dialog.readback button.sign")


@pytest.fixture
def orders(web_server: str) -> Callable[[str], list[str]]:
    """Whom of these patients the record has orders for that have this indication."""

    def found(indication: str) -> list[str]:
        asked = {"patient": ",".join(_PATIENTS), "_count": "200"}
        bundle = httpx.get(f"{web_server}/fhir/MedicationRequest", params=asked, timeout=30).json()
        resources = [entry["resource"] for entry in bundle.get("entry", ())]
        named = [one for one in resources if one.get("reasonCode", [{}])[0].get("text") == indication]
        return [one["subject"]["reference"] for one in named]

    return found


def acknowledged(page: Any, count: int = 1) -> None:
    playwright.expect(page.locator("#outbox .known")).to_have_count(count)
    playwright.expect(page.locator("#outbox .waiting")).to_have_count(0)


def test_an_order_is_read_back_signed_once_and_acknowledged(screen: Any, orders: Orders) -> None:
    screen.goto(f"/patient/{_PATIENTS[0]}")
    screen.click(".tabs a[href$='/order']")
    stage(screen, indication="Smerter")
    screen.click("#sign-all")
    dialog = screen.locator("dialog.readback")
    playwright.expect(dialog).to_contain_text("TESTESEN, Anna")
    playwright.expect(dialog).to_contain_text(re.compile(r"1.000.mg 3 gange i døgnet"))
    playwright.expect(dialog).to_contain_text("Smerter")
    dialog.locator("button.sign").evaluate("button => { button.click(); button.click(); }")
    acknowledged(screen)
    playwright.expect(screen.locator("#staged > li")).to_have_count(0)
    assert orders("Smerter") == [f"Patient/{_PATIENTS[0]}"]
    screen.go_back()
    screen.go_forward()
    playwright.expect(screen.locator("#sign-all")).to_be_disabled()
    assert orders("Smerter") == [f"Patient/{_PATIENTS[0]}"]
    screen.reload()
    acknowledged(screen)
    screen.click("#outbox .clear")
    playwright.expect(screen.locator("#outbox")).to_be_hidden()


def test_an_order_outlives_its_server_and_its_page(
    screen: Any, sites: tuple[Site, Site], orders: Orders
) -> None:
    """Both sites die between the signature and the answer; the page is closed, and they come back."""
    stage(screen, indication="Feber")
    override(screen)
    for site in sites:
        site.stop()
    sign(screen)
    playwright.expect(screen.locator("#outbox .waiting")).to_contain_text("Feber")
    assert orders("Feber") == []
    later = screen.context.new_page()
    screen.close()
    for site in sites:
        site.start()
    later.goto("/")
    acknowledged(later)
    assert len(orders("Feber")) == 1


def test_an_order_is_typed_by_keyboard_alone_and_enter_twice_signs_once(screen: Any, orders: Orders) -> None:
    """Found with the arrows, written as Danes do, staged and signed by Enter; the second Enter and the way
    back while the answer is away make no second order."""
    screen.goto(f"/patient/{_PATIENTS[0]}/order")
    playwright.expect(screen.locator("#drug")).to_be_focused()
    screen.keyboard.type("Panodil")
    playwright.expect(screen.locator("#drug-found [role=option]").first).to_be_visible()
    screen.keyboard.press("Enter")
    playwright.expect(screen.locator("#amount")).to_be_focused()
    playwright.expect(screen.locator(".step-head")).to_be_hidden()
    screen.keyboard.type("1 g x 4")
    screen.keyboard.press("Enter")
    playwright.expect(screen.locator("#length-fault, #indication-fault")).to_have_count(2)
    screen.keyboard.type("7")
    screen.locator("#indication").press_sequentially("Tastet")
    screen.keyboard.press("Enter")
    screen.keyboard.press("Enter")
    playwright.expect(screen.locator("#staged > li .checked, #staged > li .finding")).not_to_have_count(0)
    playwright.expect(screen.locator("#staged > li")).to_have_count(1)
    override(screen)
    screen.route("**/orders", lambda route: route.abort())
    screen.locator("#sign-all").press("Enter")
    playwright.expect(screen.locator("dialog.readback")).to_contain_text("1\xa0g 4 gange i døgnet")
    screen.keyboard.press("Enter")
    screen.keyboard.press("Enter")
    playwright.expect(screen.locator("#outbox .waiting")).to_have_count(1)
    screen.go_back()
    screen.go_forward()
    playwright.expect(screen.locator("#sign-all")).to_be_disabled()
    screen.unroute("**/orders")
    acknowledged(screen)
    assert len(orders("Tastet")) == 1


def test_a_tapered_dose_is_kept_over_a_reload_sealed_and_registered_as_steps(
    screen: Any, web_server: str
) -> None:
    screen.goto(f"/patient/{_PATIENTS[0]}/order")
    screen.fill("#drug", "Panodil")
    screen.locator("#drug-found button").first.click()
    screen.select_option("#schedule", "rounds")
    screen.fill("#morning", "1000")
    screen.fill("#indication", "Nedtrapning")
    screen.click("[data-do=add-step]")
    screen.keyboard.type("5")
    screen.locator("[name=morning]").nth(1).fill("500")
    says = screen.locator(".dose-says")
    playwright.expect(says).to_contain_text("derefter 500\xa0mg morgen")
    kept = screen.evaluate(_KEPT)
    assert kept["records"] >= 1
    assert "Nedtrapning" not in kept["text"]
    screen.reload()
    playwright.expect(says).to_contain_text(re.compile(r"1.000.mg morgen i 5.dage"))
    playwright.expect(screen.locator("#indication")).to_have_value("Nedtrapning")
    screen.goto(f"/patient/{_PATIENTS[1]}/order")
    playwright.expect(screen.locator("#drug")).to_have_value("")
    screen.goto("/handover")
    playwright.expect(screen.locator("#held-here")).to_contain_text("Påbegyndt")
    screen.goto(f"/patient/{_PATIENTS[0]}/order")
    playwright.expect(screen.locator("#morning-2")).to_have_value("500")
    screen.fill("#review", "2027-12-01")
    screen.click("#medication-form button[type=submit]")
    playwright.expect(screen.locator("#staged > li .checked, #staged > li .finding").first).to_be_visible()
    sign(screen)
    acknowledged(screen)
    bundle = httpx.get(f"{web_server}/fhir/MedicationRequest?_count=200", timeout=30).json()
    named = [one["resource"] for one in bundle["entry"] if "Nedtrapning" in json.dumps(one)]
    (order,) = named
    first, second = order["dosageInstruction"]
    assert [one["sequence"] for one in (first, second)] == [1, 2]
    assert first["timing"]["repeat"]["boundsDuration"]["value"] == 5
    assert second["text"] == "500\xa0mg morgen"
    screen.reload()
    playwright.expect(screen.locator("#drug")).to_have_value("")


@pytest.mark.long
def test_an_answer_that_is_lost_makes_no_second_order(screen: Any, orders: Orders) -> None:
    stage(screen, indication="Hoste")
    lost: list[int] = []

    def lose(route: Any) -> None:
        lost.append(route.fetch().status)
        route.abort()

    screen.route("**/orders", lose, times=2)
    sign(screen)
    acknowledged(screen)
    assert lost[0] == 201
    assert len(orders("Hoste")) == 1


@pytest.mark.long
def test_what_the_server_refuses_is_on_the_list_again(screen: Any) -> None:
    stage(screen, indication="Gigt")
    screen.route(
        "**/orders",
        lambda route: route.continue_(headers={**route.request.headers, "altid-patient": "Patient/other"}),
    )
    sign(screen)
    playwright.expect(screen.locator("#staged .finding.error")).to_contain_text("anden patient")
    playwright.expect(screen.locator("#outbox .waiting")).to_have_count(0)
    screen.click("#staged li > button")
    playwright.expect(screen.locator("#staged > li")).to_have_count(0)


def test_a_site_that_dies_is_left_without_a_click(
    screen: Any, sites: tuple[Site, Site], orders: Orders
) -> None:
    stage(screen, indication="Svimmel")
    override(screen)
    screen.fill("#indication", "Det, jeg er ved at skrive")
    sites[0].stop()
    sign(screen)
    acknowledged(screen)
    playwright.expect(screen.locator("#site-sign")).to_contain_text("Sted B svarer")
    playwright.expect(screen.locator("#indication")).to_have_value("Det, jeg er ved at skrive")
    assert len(orders("Svimmel")) == 1
    sites[0].start()
    playwright.expect(screen.locator("#site-sign")).to_contain_text("Sted A")


@pytest.mark.long
def test_a_silent_site_is_left_as_well(screen: Any, sites: tuple[Site, Site], orders: Orders) -> None:
    stage(screen, indication="Kvalme")
    override(screen)
    screen.route(f"{sites[0].url}/**", lambda route: None)  # taken, and never answered
    screen.click("#sign-all")
    began = time.monotonic()
    screen.click("dialog.readback button.sign")
    acknowledged(screen)
    assert time.monotonic() - began < _SWING_S_MAX
    assert len(orders("Kvalme")) == 1
    screen.unroute(f"{sites[0].url}/**")


@pytest.mark.long
def test_several_orders_have_one_signature(screen: Any, orders: Orders) -> None:
    """The second is a double of the first: that is warned of, and answered."""
    stage(screen, indication="Ryg", amount="500", times="2")
    fill(screen, indication="Ryg")
    playwright.expect(screen.locator("#staged > li")).to_have_count(2)
    playwright.expect(screen.locator("#staged .finding.warning").first).to_be_visible()
    playwright.expect(screen.locator("#sign-all")).to_be_disabled()
    sign(screen)
    acknowledged(screen)
    playwright.expect(screen.locator("#outbox .known .state")).to_have_count(2)
    assert len(orders("Ryg")) == 2


@pytest.mark.long
def test_what_waits_for_long_is_said_loudly_told_and_listed_before_one_goes(
    screen: Any, web_dsn: str
) -> None:
    stage(screen, indication="Uro")
    screen.route("**/orders", lambda route: route.abort())
    sign(screen)
    playwright.expect(screen.locator("#outbox .waiting")).to_be_visible()
    screen.click(".me form[action='/logoff'] button")
    playwright.expect(screen.locator("dialog.handover")).to_contain_text("Uro")
    screen.click("dialog.handover button.main")
    screen.clock.set_system_time(time.time() + 60)
    playwright.expect(screen.locator("#outbox [role=alert]")).to_contain_text("IKKE BEKRÆFTET")
    screen.evaluate(
        """() => {
          window.print = () => { window.printed = document.getElementById("outbox-paper").innerText; };
        }"""
    )
    screen.click("#outbox button")
    assert "Uro" in screen.evaluate("window.printed")
    held = "SELECT count(*) FROM client_outbox WHERE released IS NULL"
    wait_until(lambda: run(web_dsn, lambda connection: connection.fetchval(held)) == 1)
    screen.unroute("**/orders")
    acknowledged(screen)
    wait_until(lambda: run(web_dsn, lambda connection: connection.fetchval(held)) == 0)


def test_two_patients_in_two_tabs_are_not_mixed_and_hostile_names_are_text(
    screen: Any, orders: Orders
) -> None:
    stage(screen, indication="Til Anna")
    other = screen.context.new_page()
    stage(other, drug="Salve", patient=_PATIENTS[1], indication=_HOSTILE)
    playwright.expect(screen.locator("#staged > li")).to_have_count(1)
    playwright.expect(other.locator("#staged > li")).to_have_count(1)
    other.click("#sign-all")
    playwright.expect(other.locator("dialog.readback")).to_contain_text(f"Salve {_HOSTILE}")
    other.click("dialog.readback button.sign")
    sign(screen)
    acknowledged(screen, 2)
    assert orders("Til Anna") == [f"Patient/{_PATIENTS[0]}"]
    assert orders(_HOSTILE) == [f"Patient/{_PATIENTS[1]}"]
    assert [page.evaluate("window.hit") for page in (screen, other)] == [None, None]


def test_nothing_that_can_be_read_lies_in_the_browser(screen: Any) -> None:
    stage(screen, indication="Hemmelig")
    kept = screen.evaluate(_KEPT)
    assert kept["records"] >= 1
    assert "Hemmelig" not in kept["text"]
    assert "Testesen".upper() not in kept["text"]


def test_without_any_site_the_page_says_where_to_look_and_comes_back(
    screen: Any, sites: tuple[Site, Site]
) -> None:
    screen.evaluate("navigator.serviceWorker.ready.then(() => null)")
    for site in sites:
        site.stop()
    playwright.expect(screen.locator("#site-sign")).to_contain_text("Intet sted svarer")
    playwright.expect(screen.locator("#site-sign a")).to_have_attribute("href", _LOOKUP)
    screen.goto("/logon")
    playwright.expect(screen.locator("p[data-gone]").first).to_contain_text("Intet sted svarer")
    playwright.expect(screen.locator("[data-gone] a").first).to_have_attribute("href", _LOOKUP)
    sites[0].start()
    playwright.expect(screen.locator("#username")).to_be_visible(timeout=_WAIT_MS)


@pytest.mark.long
def test_a_browser_keeps_nothing_of_a_patient(screen: Any) -> None:
    screen.evaluate("navigator.serviceWorker.ready.then(() => null)")
    screen.goto(f"/patient/{_PATIENTS[0]}")
    paths = screen.evaluate(_CACHED)
    assert "/offline" in paths
    assert {path for path in paths if not path.startswith("/static/")} == {"/offline"}
