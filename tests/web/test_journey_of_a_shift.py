"""A whole journey on the screen, in one go: a doctor and a nurse log on, each finds the patient in the ward,
one orders and signs, the other gives it at the bedside, a requisition is answered by the laboratory, and both
see it; and the record has each of it exactly once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import httpx
import pytest

from altid.access.identity import Role
from tests.orders.test_results import answers, oru
from tests.screen.charts import HL7, coded
from tests.web.at_the_screen import (
    acknowledged,
    chromium,
    fill_in,
    follow,
    log_on,
    needs_chromium,
    open_patient,
    playwright,
    read_back,
    said,
    sitting,
    until,
)
from tests.web.visiting import in_thread, make_account

pytestmark = needs_chromium

_BORN, _LAST = "251248", count(9901)
"""Of CPR numbers: each patient has one of their own, for the laboratory knows them by it."""
_WARD = "Lunger L7"
_ORDERED = ("MedicationRequest", "MedicationAdministration", "ServiceRequest")
_ANSWERED = ("DiagnosticReport", "Observation")


class Shift(NamedTuple):
    """The patient: id, name, CPR number in ten digits; and who logs on."""

    patient: str
    family: str
    cpr: str
    doctor: str
    nurse: str

    @property
    def read(self) -> str:
        """The number as pages and wristbands have it."""
        return f"{self.cpr[:6]}-{self.cpr[6:]}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def shift(store: Callable[..., None], web_dsn: str) -> Shift:
    """A ward with one bed and one patient in it, and two who work there."""
    cpr = f"{_BORN}{next(_LAST)}"
    key, place = secrets.token_hex(5), f"77{secrets.randbelow(10**9):09d}016"
    owner, physical = f"Organization/{key}-o", f"{HL7}/location-physical-type"
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    number = [{"system": "urn:oid:1.2.208.176.1.2", "value": cpr}]
    store("Organization", f"{key}-o", name=_WARD, identifier=sor)
    ward = {
        "name": _WARD,
        "managingOrganization": {"reference": owner},
        "physicalType": coded(physical, "wa"),
    }
    store("Location", f"{key}-w", **ward)
    bed = {"physicalType": coded(physical, "bd"), "partOf": {"reference": f"Location/{key}-w"}}
    store("Location", f"{key}-b", name="Stue 1", **bed)
    family = f"Rejse{key}"
    store(
        "Patient", key, name=[{"family": family, "given": ["Ida"]}], birthDate="1948-12-25", identifier=number
    )
    store(
        "Encounter",
        f"{key}-e",
        status="in-progress",
        **{"class": {"code": "IMP"}},
        subject={"reference": f"Patient/{key}"},
        serviceProvider={"reference": owner},
        location=[{"location": {"reference": f"Location/{key}-b"}}],
    )
    coding = {"system": "http://www.whocc.no/atc", "code": "N02BE01", "display": "paracetamol"}
    store("Medication", f"{key}-m", status="active", code={"text": f"Pano{key} 500 mg", "coding": [coding]})
    people = [f"{role}{key}" for role in ("doctor", "nurse")]
    for name, role in zip(people, (Role.DOCTOR, Role.NURSE), strict=True):
        make_account(web_dsn, name, roles=(role,), organisations=(place,))
    return Shift(key, family, cpr, *people)


@pytest.fixture
def held(web_server: str, shift: Shift) -> Callable[[str], list[dict[str, Any]]]:
    """The newest version of each resource of a kind that the record has of the patient."""

    def of(kind: str) -> list[dict[str, Any]]:
        asked = {"patient": f"Patient/{shift.patient}"}
        bundle = httpx.get(f"{web_server}/fhir/{kind}", params=asked, timeout=30).json()
        return [one["resource"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]

    return of


@pytest.mark.parametrize("language", ["da", pytest.param("en", marks=pytest.mark.long)])
def test_what_a_doctor_orders_is_given_answered_and_seen_exactly_once(
    browser: Any,
    plain_server: str,
    web_dsn: str,
    shift: Shift,
    held: Callable[[str], list[dict[str, Any]]],
    language: str,
) -> None:
    with ExitStack() as windows:
        doctor, nurse = (windows.enter_context(sitting(browser, plain_server, language)) for _ in range(2))
        log_on(doctor, shift.doctor)
        log_on(nurse, shift.nurse)

        doctor.goto("/")
        until(doctor, doctor.locator("ul.wards a", has_text=_WARD))
        open_patient(doctor, _WARD, shift.family)
        order(doctor, shift, language)
        doctor.goto(f"/patient/{shift.patient}/orders")
        playwright.expect(doctor.locator("table.ordered .receipt")).to_contain_text(
            said(language, "ordered.receipted")
        )

        open_patient(nurse, _WARD, shift.family)
        give(nurse, shift)
        playwright.expect(nurse.locator("table.medication")).to_contain_text(f"Pano{shift.patient}")
        for page in (nurse, doctor):
            page.goto(f"/patient/{shift.patient}/medication")
            given = page.locator("table.medication .given").first
            playwright.expect(given).to_contain_text(re.compile(r"1.000.mg"))

        requisition = ask_for_potassium(doctor, shift, held)
        taken = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        message = oru(f"J{shift.patient}", cpr=shift.cpr, order=requisition, value="4.20", filler=taken)
        assert in_thread(lambda: answers(web_dsn, message)) == [("AA", f"J{shift.patient}")]
        for page in (doctor, nurse):
            page.goto(f"/patient/{shift.patient}/results")
            row = page.locator("table.results tr", has_text="Kalium").first
            playwright.expect(row).to_contain_text("4,20" if language == "da" else "4.20")

    once = {kind: [one["meta"]["versionId"] for one in held(kind)] for kind in (*_ORDERED, *_ANSWERED)}
    assert once == {
        "MedicationRequest": ["1"],
        "MedicationAdministration": ["1"],
        "ServiceRequest": ["2"],
        "DiagnosticReport": ["1"],
        "Observation": ["1"],
    }
    assert held("ServiceRequest")[0]["status"] == "completed"


def order(page: Any, shift: Shift, language: str) -> None:
    """From the patient's page: the form, the list, what is read back in full, one signature, the receipt."""
    follow(page, ".tabs a[href$='/order']")
    fill_in(page, f"Pano{shift.patient}", indication="Smerter")
    dialog = read_back(page)
    for text in (shift.family.upper(), shift.read, re.compile(r"1.000.mg"), "Smerter"):
        playwright.expect(dialog).to_contain_text(text)
    dialog.locator("button.sign").dblclick()
    acknowledged(page)
    playwright.expect(page.locator("#outbox .known .state")).to_contain_text(
        said(language, "script.outbox.registered")
    )
    page.click("#outbox .clear")
    playwright.expect(page.locator("#outbox")).to_be_hidden()


def give(page: Any, shift: Shift) -> None:
    """From the patient's page: nothing can be given before the wristband is read; then the chart has it."""
    follow(page, ".tabs a[href$='/orders']")
    follow(page, "a[href$='/administer']")
    form = page.locator("form.give")
    playwright.expect(form.locator("button")).to_be_hidden()
    page.fill("#read", shift.read)
    page.keyboard.press("Enter")
    form.locator("button").dblclick()
    playwright.expect(form.locator(".outcome.done")).to_be_visible()
    page.click(".tabs a[href$='/medication']")


def ask_for_potassium(page: Any, shift: Shift, held: Callable[[str], list[dict[str, Any]]]) -> str:
    """The requisition's id."""
    page.goto(f"/patient/{shift.patient}/orders")
    follow(page, "a[href$='/requisition']")
    page.fill("#what", "Kalium")
    page.locator("#performer option", has_text=_WARD).wait_for(state="attached")
    page.select_option("#performer", label=_WARD)
    page.fill("#reason", "Diuretika")
    page.fill("#when", (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"))
    playwright.expect(page.locator(".read-back")).to_contain_text(shift.read)
    form = page.locator("form[data-action=requisition]")
    form.locator("button").dblclick()
    playwright.expect(form.locator(".outcome.done")).to_be_visible()
    (made,) = held("ServiceRequest")
    return str(made["id"])
