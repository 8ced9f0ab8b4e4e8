"""A session ends while somebody is in the middle of something: what they typed, staged or signed is still
there when they are logged on again, and it is for them alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from altid.access import sessions
from altid.access.accounts import Account
from tests.orders.posts import wait_until
from tests.web.at_the_screen import (
    acknowledged,
    chromium,
    fill_in,
    log_on,
    needs_chromium,
    playwright,
    read_back,
    sign,
    sitting,
    treats,
)
from tests.web.visiting import give_grounds, make_account, run

pytestmark = needs_chromium

_TEXT = "Patienten har det bedre. <b>Fortsæt</b> behandlingen, og mål igen i aften."
_ASK = "async () => (await fetch('/session/token', {headers: {'altid-page': 'open'}})).status"


class Two(NamedTuple):
    """Doctors who share a PC, and their patient."""

    own: Account
    other: Account
    patient: str
    drug: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def two(web_dsn: str, store: Callable[..., None]) -> Two:
    key = secrets.token_hex(5)
    store("Patient", key, name=[{"family": "Session", "given": ["Ida"]}], birthDate="1950-01-01")
    store("Medication", f"{key}-m", status="active", code={"text": f"Sess{key} salve"})
    people = [make_account(web_dsn, f"{name}{key}") for name in ("own", "other")]
    for account in people:
        give_grounds(web_dsn, account.id, key)
    return Two(*people, key, f"Sess{key}")


@pytest.fixture
def page(browser: Any, plain_server: str, two: Two) -> Iterator[Any]:
    """The PC; the first of them is logged on."""
    with sitting(browser, plain_server) as opened:
        log_on(opened, two.own.username)
        treats(opened, two.patient)
        yield opened


def end_session(page: Any, dsn: str, account: Account) -> None:
    """As operations or the two hours do; returns when the server has it."""
    run(dsn, lambda connection: sessions.end_all(connection, account.id, time.time()))
    wait_until(lambda: page.evaluate(_ASK) == 401)


def in_another_tab(page: Any, username: str) -> None:
    """Log on there, in the same browser."""
    with page.expect_popup() as opened:
        page.click(".kept-told a")
    log_on(opened.value, username)
    opened.value.close()


def notes_of(server: str, patient: str) -> list[dict[str, Any]]:
    asked = {"patient": f"Patient/{patient}"}
    bundle = httpx.get(f"{server}/fhir/DocumentReference", params=asked, timeout=30).json()
    return [one["resource"] for one in bundle.get("entry", ())]


def orders_of(server: str, patient: str) -> list[dict[str, Any]]:
    asked = {"patient": f"Patient/{patient}"}
    bundle = httpx.get(f"{server}/fhir/MedicationRequest", params=asked, timeout=30).json()
    return [one["resource"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]


def test_a_note_that_is_being_written_is_signed_after_the_next_logon(
    page: Any, two: Two, web_dsn: str, web_server: str
) -> None:
    page.goto(f"/patient/{two.patient}/notes")
    page.fill("#body", _TEXT)
    end_session(page, web_dsn, two.own)
    page.click("button[value=sign]")
    playwright.expect(page.locator(".kept-told")).to_contain_text("Din session er udløbet")
    playwright.expect(page.locator("#body")).to_have_value(_TEXT)
    assert notes_of(web_server, two.patient) == []
    page.click("button[value=sign]")
    playwright.expect(page.locator(".kept-told")).to_contain_text("Din session er udløbet")
    in_another_tab(page, two.own.username)
    page.click("button[value=sign]")
    playwright.expect(page.locator("#notes")).to_be_visible()
    playwright.expect(page.locator("#body")).to_have_value("")
    (note,) = notes_of(web_server, two.patient)
    assert note["author"][0]["identifier"]["value"] == two.own.id


def test_nobody_else_signs_it(page: Any, two: Two, web_dsn: str, web_server: str) -> None:
    page.goto(f"/patient/{two.patient}/notes")
    page.fill("#body", _TEXT)
    end_session(page, web_dsn, two.own)
    page.click("button[value=sign]")
    in_another_tab(page, two.other.username)
    for _ in range(2):
        page.click("button[value=sign]")
        playwright.expect(page.locator(".kept-told")).to_contain_text("En anden er logget på")
        playwright.expect(page.locator("#body")).to_have_value(_TEXT)
    assert notes_of(web_server, two.patient) == []
    in_another_tab(page, two.own.username)
    page.click("button[value=sign]")
    playwright.expect(page.locator("#body")).to_have_value("")
    (note,) = notes_of(web_server, two.patient)
    assert note["author"][0]["identifier"]["value"] == two.own.id


def test_what_is_staged_and_signed_is_there_for_its_owner_alone(
    page: Any, two: Two, web_dsn: str, web_server: str
) -> None:
    """One order is signed and one staged when the session ends; somebody else logs on, and then the owner."""
    order = f"/patient/{two.patient}/order"
    page.goto(order)
    fill_in(page, two.drug, indication="Underskrevet")
    end_session(page, web_dsn, two.own)
    sign(page)
    playwright.expect(page.locator("#outbox .waiting")).to_contain_text("Underskrevet")
    playwright.expect(page.locator("#outbox .shout")).to_be_visible()
    assert orders_of(web_server, two.patient) == []

    page.goto(order)
    log_on(page, two.other.username)
    playwright.expect(page.locator("#ordering")).to_be_visible()
    playwright.expect(page.locator("#site-sign")).not_to_be_empty()
    playwright.expect(page.locator("#staged > li, #outbox .waiting")).to_have_count(0)
    page.locator("form[action='/logoff'] button").click()

    page.wait_for_url("**/logon**")
    page.goto(order)
    log_on(page, two.own.username)
    acknowledged(page)
    (made,) = orders_of(web_server, two.patient)
    assert made["requester"]["identifier"]["value"] == two.own.id


def test_what_is_staged_is_signed_after_the_next_logon(
    page: Any, two: Two, web_dsn: str, web_server: str
) -> None:
    order = f"/patient/{two.patient}/order"
    page.goto(order)
    fill_in(page, two.drug, indication="Lagt på listen")
    end_session(page, web_dsn, two.own)
    page.goto(order)
    log_on(page, two.own.username)
    playwright.expect(page.locator("#staged > li")).to_contain_text("Lagt på listen")
    playwright.expect(page.locator("#staged .checked, #staged .finding").first).to_be_visible()
    read_back(page).locator("button.sign").click()
    acknowledged(page)
    assert len(orders_of(web_server, two.patient)) == 1
