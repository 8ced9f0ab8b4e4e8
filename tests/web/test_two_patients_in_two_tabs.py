"""Two patients are open in two tabs of one browser: what is done in a tab is done to whom that tab shows, and
what would be done to the other is refused."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.orders.ordering import drug, medication
from tests.web.at_the_screen import chromium, log_on, needs_chromium, playwright, sitting, treats
from tests.web.visiting import give_grounds, make_account

pytestmark = needs_chromium


class Tab(NamedTuple):
    """A patient, and the page that shows them."""

    patient: str
    number: str
    page: Any

    @property
    def order(self) -> str:
        return f"{self.patient}-order"


@pytest.fixture
def tabs(plain_server: str, web_dsn: str, store: Callable[..., None]) -> Iterator[tuple[Tab, Tab]]:
    """Of a doctor who treats both; each patient has an order."""
    key = secrets.token_hex(5)
    doctor = make_account(web_dsn, f"tabs{key}")
    numbers = {f"{key}-a": "0506051234", f"{key}-b": "0607061234"}
    made = drug()
    store(made.pop("resourceType"), made.pop("id"), **made)
    for patient, number in numbers.items():
        identifier = [{"system": "urn:oid:1.2.208.176.1.2", "value": number}]
        store("Patient", patient, name=[{"family": f"Faneblad{patient[-1]}"}], identifier=identifier)
        order = medication(patient_=patient)
        store(order.pop("resourceType"), f"{patient}-order", **order)
        give_grounds(web_dsn, doctor.id, patient)
    with chromium() as browser, sitting(browser, plain_server) as first:
        log_on(first, doctor.username)
        pages = (first, first.context.new_page())
        one, other = (Tab(*each, page) for each, page in zip(numbers.items(), pages, strict=True))
        for tab in (one, other):
            treats(tab.page, tab.patient)
        yield one, other


def written(server: str, kind: str, patient: str) -> list[dict[str, Any]]:
    asked = {"patient": f"Patient/{patient}"}
    bundle = httpx.get(f"{server}/fhir/{kind}", params=asked, timeout=30).json()
    return [one["resource"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]


def act(tab: Tab, action: str) -> Any:
    """The form of an action on the tab's order, unfolded."""
    tab.page.goto(f"/patient/{tab.patient}/orders/MedicationRequest/{tab.order}")
    form = tab.page.locator(f"form[data-action={action}]")
    tab.page.locator("details.act-on", has=form).locator("summary").click()
    return form


def test_what_is_done_in_a_tab_is_done_to_whom_it_shows(tabs: tuple[Tab, Tab], web_server: str) -> None:
    """All of it is begun in one tab, done in the other, and then done in the first."""
    named: list[tuple[str, str]] = []
    tabs[0].page.context.on(
        "request", lambda request: named.append(told(request)) if is_act(request) else None
    )
    for tab in tabs:
        tab.page.goto(f"/patient/{tab.patient}/notes")
        tab.page.fill("#body", f"Notat om {tab.patient}")
    for tab in reversed(tabs):
        tab.page.click("button[value=sign]")
        playwright.expect(tab.page.locator("#body")).to_have_value("")
    forms = [act(tab, "pause") for tab in tabs]
    for tab, form in zip(tabs, forms, strict=True):
        form.locator("[name=reason]").fill(f"Pause for {tab.patient}")
    for form in reversed(forms):
        form.locator("button").click()
        playwright.expect(form.locator(".outcome.done")).to_be_visible()
    for tab in tabs:
        (note,), (order,) = (
            written(web_server, kind, tab.patient) for kind in ("DocumentReference", "MedicationRequest")
        )
        assert note["subject"] == {"reference": f"Patient/{tab.patient}"}
        assert order["statusReason"]["text"] == f"Pause for {tab.patient}"
    assert sorted(named) == sorted((f"Patient/{tab.patient}", tab.order) for tab in tabs)


def is_act(request: Any) -> bool:
    return request.method == "POST" and "/orders/MedicationRequest/" in request.url


def told(request: Any) -> tuple[str, str]:
    """The patient that a request names, and the order that it is about."""
    return request.headers["altid-patient"], request.url.split("/")[-2]


def test_a_wristband_of_the_other_opens_nothing_and_a_mix_up_is_refused(
    tabs: tuple[Tab, Tab], web_server: str
) -> None:
    one, other = tabs
    page = one.page
    page.goto(f"/patient/{one.patient}/administer")
    form = page.locator("form.give")
    page.fill("#read", other.number)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#wristband .alert")).to_contain_text("ANDEN patient")
    playwright.expect(form.locator("button")).to_be_hidden()
    page.fill("#read", one.number)
    page.keyboard.press("Enter")
    swapped = {"altid-patient": f"Patient/{other.patient}"}
    page.route("**/administer", lambda route: route.continue_(headers={**route.request.headers, **swapped}))
    form.locator("button").click()
    playwright.expect(form.locator(".outcome.alert")).to_contain_text("anden patient")
    assert [written(web_server, "MedicationAdministration", tab.patient) for tab in tabs] == [[], []]
