"""The page of what was reconciled: patients to those with grounds, keys to operations, in both languages."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from altid.access.audit import store as audit_store
from altid.access.audit.store import Query
from altid.access.identity import Role
from altid.orders.proofs.keeping import add
from altid.orders.reconcile import reconcile
from altid.orders.verdict import Reconciliation, Ward
from altid.web.reconciling import groups_of
from tests.guards import SECRET
from tests.orders.test_reconcile import NOON, evidence, identity, promise
from tests.web.test_rights_on_pages import wait_for
from tests.web.visiting import Browser, make_account, run

ANNA, OTHER = "anna", "reconciled-other"
"""The doctor has grounds for the first."""
WARDS = {identity(1): Ward("Hospitalet", "O1"), identity(2): Ward("Hospitalet", "K1"), identity(3): Ward()}


def found(*patients: str) -> Reconciliation:
    lost = [promise(number, patient=patient) for number, patient in enumerate(patients, 1)]
    return reconcile(evidence(lost)).placed(WARDS)


@pytest.fixture(scope="module")
def proven(web_server: str, web_dsn: str) -> None:
    async def work(connection: Any) -> None:
        async with connection.transaction():
            await add(connection, SECRET, found(ANNA, OTHER), NOON, "itself at A")

    run(web_dsn, work)


@contextmanager
def browser_of(address: str, dsn: str, role: Role) -> Iterator[Browser]:
    username = f"r{secrets.token_hex(6)}"
    make_account(dsn, username, roles=(role,))
    with Browser(base_url=address, timeout=30) as client:
        assert client.log_on(username).status_code == 303
        yield client


@pytest.mark.usefixtures("proven")
def test_a_doctor_sees_by_ward_whom_they_treat_and_what_to_do(
    browser: Browser, store: Any, web_dsn: str
) -> None:
    store("Patient", ANNA, name=[{"family": "Nielsen", "given": ["Anna"]}])
    html = browser.get("/reconciliation").text
    assert "2 usikre ordinationer" in html
    assert "Hospitalet, O1" in html
    assert f'<a href="/patient/{ANNA}">Anna Nielsen</a>' in html
    assert "Se til patienten, ordiner igen, og meld hændelsen" in html
    assert OTHER not in html
    assert 'href="/reconciliation"' in browser.get("/").text

    def looks() -> list[tuple[str, ...]]:
        query = Query(patient=ANNA)
        entries = run(web_dsn, lambda connection: audit_store.search(connection, query))
        return [one.event.patients for one in entries if one.event.operation == "page:reconciliation"]

    wait_for(lambda: looks() == [(ANNA,)])
    english = browser.get("/reconciliation", params={"lang": "en"}, follow_redirects=True).text
    assert "2 uncertain orders" in english
    assert "See to the patient, order it again" in english
    browser.get("/reconciliation", params={"lang": "da"})


@pytest.mark.usefixtures("proven")
def test_operations_see_counts_and_keys_alone_and_a_secretary_nothing(web_server: str, web_dsn: str) -> None:
    with browser_of(web_server, web_dsn, Role.OPERATIONS) as operations:
        html = operations.get("/reconciliation").text
        assert "nøgle k1" in html
        assert "Nøgler og antal" in html or "nøgler og antal" in html
        assert not any(word in html for word in (ANNA, OTHER, "Anne Holm", "MedicationRequest/"))
    with browser_of(web_server, web_dsn, Role.SECRETARY) as secretary:
        assert secretary.get("/reconciliation").status_code == 403
        assert "/reconciliation" not in secretary.get("/").text.split("<main")[0].split('class="me"')[1]


def test_wards_are_in_order_and_the_unknown_comes_last() -> None:
    groups = groups_of(found("a", "b", "c").uncertain, frozenset("a"), {"a": "Anna"}, "da")
    assert [group.ward.ward for group in groups] == ["K1", "O1", ""]
    assert [group.lines[0].name for group in groups] == ["", "Anna", ""]
    assert [group.lines[0].patient for group in groups] == ["", "a", ""]


_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.usefixtures("proven")
def test_it_is_shown_and_printed_without_a_fault(web_server: str, doctors_cookies: Any) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        opened = started.new_context(base_url=web_server, viewport={"width": 1280, "height": 900})
        cookies = [{"name": one.name, "value": one.value, "url": web_server} for one in doctors_cookies.jar]
        opened.add_cookies(cookies)
        shown = opened.new_page()
        complaints: list[str] = []
        shown.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        shown.goto("/reconciliation")
        assert shown.locator(".to-see").count() == 2
        shown.emulate_media(media="print")
        assert not shown.locator(".bar").is_visible()
        assert shown.locator(".to-see .box").first.is_visible()
        assert complaints == []
        started.close()
