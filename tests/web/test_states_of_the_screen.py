"""What the screen shows only now and then, looked at in both languages: an order that is read back, that
waits, that waits for too long, that is on paper, and whom it holds back from leaving; and two screens that
follow from others."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from altid.access.accounts import Account
from altid.access.identity import Role
from altid.screen.views.moments import ZONE
from tests.web.asking import question, register_chart
from tests.web.at_the_screen import (
    acknowledged,
    chromium,
    fill_in,
    log_on,
    needs_chromium,
    playwright,
    read_back,
    said,
    sitting,
    treats,
)
from tests.web.axe import violations
from tests.web.visiting import give_grounds, make_account

_LANGUAGES = ["da", "en"]
pytestmark = [needs_chromium, pytest.mark.parametrize("language", _LANGUAGES)]

_PICTURES = Path(__file__).parents[2] / "build" / "screens"
_CPR = "0203041234"
_LOUD_S = 60.0
_NO_PRINTER = "() => { window.print = () => { window.printed = true; }; }"


class People(NamedTuple):
    """Who treats the patient."""

    doctor: Account
    nurse: Account
    patient: str
    drug: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def people(web_dsn: str, store: Callable[..., None]) -> People:
    key = secrets.token_hex(5)
    number = [{"system": "urn:oid:1.2.208.176.1.2", "value": _CPR}]
    store(
        "Patient",
        key,
        name=[{"family": "Åkjær", "given": ["Ida"]}],
        birthDate="1904-03-02",
        identifier=number,
    )
    store("Medication", f"{key}-m", status="active", code={"text": f"Stat{key} salve"})
    made = [make_account(web_dsn, f"{role}{key}", roles=(role,)) for role in (Role.DOCTOR, Role.NURSE)]
    for account in made:
        give_grounds(web_dsn, account.id, key, account.roles[0])
    return People(*made, key, f"Stat{key}")


@pytest.fixture
def page(browser: Any, plain_server: str, people: People, language: str) -> Iterator[Any]:
    """The doctor's."""
    with sitting(browser, plain_server, language) as opened:
        log_on(opened, people.doctor.username)
        treats(opened, people.patient)
        yield opened


def look_at(page: Any, name: str, language: str) -> None:
    """For everybody, and kept as a picture."""
    assert page.locator("html").get_attribute("lang") == language
    assert violations(page) == []
    _PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=_PICTURES / f"{name}-{language}.png")


def test_an_order_from_the_list_to_the_paper(page: Any, people: People, language: str) -> None:
    page.goto(f"/patient/{people.patient}/order")
    fill_in(page, people.drug, indication="Eksem")
    look_at(page, "order-staged", language)
    dialog = read_back(page)
    playwright.expect(dialog).to_contain_text("020304-1234")
    look_at(page, "order-read-back", language)

    page.route("**/orders", lambda route: route.abort())
    dialog.locator("button.sign").click()
    playwright.expect(page.locator("#outbox .waiting")).to_be_visible()
    look_at(page, "order-waiting", language)
    page.clock.set_system_time(time.time() + _LOUD_S)
    playwright.expect(page.locator("#outbox [role=alert]")).to_contain_text(
        said(language, "script.outbox.loud")
    )
    look_at(page, "order-loud", language)

    fill_in(page, people.drug, indication="Kløe")
    page.click(".me form[action='/logoff'] button")
    dialog = page.locator("dialog.handover")
    for indication in ("Eksem", people.drug):
        playwright.expect(dialog).to_contain_text(indication)
    look_at(page, "log-off-unconfirmed", language)
    dialog.locator("button.main").click()
    playwright.expect(dialog).to_have_count(0)

    page.evaluate(_NO_PRINTER)
    page.locator("#outbox button", has_text=said(language, "script.outbox.print")).click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    paper = page.locator("#outbox-paper")
    for text in ("ÅKJÆR", "020304-1234", "Eksem", people.doctor.name):
        playwright.expect(paper).to_contain_text(text)
    playwright.expect(paper).not_to_contain_text("Kløe")
    playwright.expect(page.locator("#medication-form")).to_be_hidden()
    look_at(page, "order-paper", language)

    page.emulate_media(media="screen")
    page.unroute("**/orders")
    acknowledged(page)
    look_at(page, "order-receipt", language)


def test_an_application_that_asks_for_access(page: Any, people: People, language: str, web_dsn: str) -> None:
    register_chart(web_dsn)
    page.goto(f"/application?{question()}")
    playwright.expect(page.locator("h1")).to_contain_text("Vækstkurven")
    look_at(page, "application", language)


def test_a_paper_that_was_entered(browser: Any, plain_server: str, people: People, language: str) -> None:
    with sitting(browser, plain_server, language) as page:
        log_on(page, people.nurse.username)
        treats(page, people.patient)
        page.goto(f"/patient/{people.patient}/back-entry")
        before = datetime.now(ZONE) - timedelta(hours=2)
        typed = {
            "number": f"AB-{people.patient[:4]}",
            "cpr": "020304-1234",
            "observed-at": before.strftime("%Y-%m-%dT%H:%M"),
            "observed-by": "Karen Vest",
            "pulse": "96",
        }
        for name, value in typed.items():
            page.fill(f"#{name}", value)
        page.click("main form button.main")
        page.wait_for_url("**/back-entry/*")
        look_at(page, "back-entry-done", language)
