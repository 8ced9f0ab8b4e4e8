"""What is done with orders on the screen, in a real browser: once, and with a receipt."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.access.identity import Role
from tests.access.desks import PASSWORD, WARD
from tests.orders.ordering import drug, medication, requisition
from tests.web.visiting import give_grounds, make_account

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000
HOSTILE = "<img src=x onerror=window.hostile=1>"
NUMBER = "0101501234"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def usernames(web_dsn: str) -> dict[Role, tuple[str, str]]:
    """By role: who logs on, and the account's id."""
    found = {}
    for role in (Role.DOCTOR, Role.NURSE):
        name = f"a{secrets.token_hex(5)}"
        found[role] = (name, make_account(web_dsn, name, roles=(role,)).id)
    return found


@pytest.fixture(scope="module")
def screens(
    chromium: Any, plain_server: str, usernames: dict[Role, tuple[str, str]]
) -> Iterator[dict[Role, Any]]:
    """A page of each of them, logged on."""
    pages, contexts = {}, []
    for role, (name, _) in usernames.items():
        context = chromium.new_context(base_url=plain_server, timezone_id="Europe/Copenhagen")
        context.set_default_timeout(_WAIT_MS)
        page = context.new_page()
        page.goto("/logon")
        page.fill("#username", name)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{plain_server}/")
        pages[role], contexts = page, [*contexts, context]
    yield pages
    for context in contexts:
        context.close()


@pytest.fixture
def patient(store: Callable[..., None], web_dsn: str, usernames: dict[Role, tuple[str, str]]) -> str:
    """With one order and one requisition; both people treat them."""
    identity = f"o{secrets.token_hex(6)}"
    numbered = [{"system": "urn:oid:1.2.208.176.1.2", "value": NUMBER}]
    store("Patient", identity, name=[{"family": HOSTILE}], identifier=numbered, birthDate="1950-01-01")
    for role, (_, account) in usernames.items():
        give_grounds(web_dsn, account, identity, role=role, organisation=WARD)
    store("Organization", "1000000000016011", name="Klinisk Biokemi")
    for made in (drug(), medication(patient_=identity), requisition(patient_=identity)):
        kind = made.pop("resourceType")
        store(kind, made.pop("id", f"{kind.lower()[:3]}-{identity}"), **made)
    return identity


def versions(server: str, kind: str, patient: str) -> list[dict[str, Any]]:
    """The newest version of each of a patient's resources of a kind."""
    found = httpx.get(f"{server}/fhir/{kind}", params={"patient": f"Patient/{patient}"}, timeout=30)
    return [
        one["resource"] for one in found.json().get("entry", ()) if one["resource"]["resourceType"] == kind
    ]


def act(page: Any, kind: str, patient: str, action: str) -> Any:
    """The form of an action, unfolded."""
    page.goto(f"/patient/{patient}/orders/{kind}/{kind.lower()[:3]}-{patient}")
    form = page.locator(f"form[data-action={action}]")
    page.locator("details.act-on", has=form).locator("summary").click()
    return form


def submit(form: Any) -> None:
    form.locator("button[type=submit]").click()


def sign(form: Any) -> Any:
    """Read back, and signed. Gives what was read."""
    submit(form)
    dialog = form.page.locator("dialog.readback")
    text = dialog.inner_text()
    dialog.locator("button.sign").click()
    return text


def receipted(form: Any) -> None:
    playwright.expect(form.locator(".outcome.done")).to_contain_text("Registreret kl.")


def test_a_doctor_pauses_with_a_reason_and_sees_the_receipt(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.DOCTOR]
    form = act(page, "MedicationRequest", patient, "pause")
    form.locator("button").click()
    playwright.expect(form.locator("[name=reason]:invalid")).to_be_visible()
    form.locator("[name=reason]").fill(f"Blodprøve {HOSTILE}")
    form.locator("button").click()
    receipted(form)
    (order,) = versions(web_server, "MedicationRequest", patient)
    assert (order["status"], order["statusReason"]["text"]) == ("on-hold", f"Blodprøve {HOSTILE}")
    form.locator(".outcome a").click()
    row = page.locator("table.ordered tr.on-hold")
    playwright.expect(row).to_contain_text("pauseret")
    playwright.expect(row).to_contain_text("version 2")
    playwright.expect(row.locator(".receipt")).to_contain_text("Registreret")
    assert page.evaluate("window.hostile") is None
    assert HOSTILE.upper() in page.locator("h1").inner_text().upper()


def test_a_double_click_changes_the_dose_once_though_the_first_answer_is_lost(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.DOCTOR]
    form = act(page, "MedicationRequest", patient, "change")
    form.locator("[name=amount]").fill("to")
    submit(form)
    playwright.expect(form.locator(".field-fault")).to_contain_text("Skriv et tal")
    sent: list[str] = []

    def lose_first(route: Any) -> None:
        sent.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(sent) == 1:
            return route.abort()
        return route.fulfill(response=answer)

    page.route("**/orders/MedicationRequest/**/change", lose_first)
    form.locator("[name=amount]").fill("2,5")
    form.locator("[name=amount]").press("Enter")
    page.locator("dialog.readback button.sign").dblclick()
    receipted(form)
    page.unroute("**/orders/MedicationRequest/**/change")
    assert len(sent) == 2
    assert len(set(sent)) == 1
    (order,) = versions(web_server, "MedicationRequest", patient)
    assert order["meta"]["versionId"] == "2"
    assert order["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 2.5


def test_an_order_in_steps_is_changed_as_a_whole_after_it_was_read_back(
    screens: dict[Role, Any], store: Callable[..., None], web_server: str, patient: str
) -> None:
    order = medication(patient_=patient, dispenseRequest={"validityPeriod": {"start": "2026-11-28"}})
    (line,) = order["dosageInstruction"]
    morning = {"when": ["MORN"], "frequency": 1, "period": 1, "periodUnit": "d"}
    lasting = {"boundsDuration": {"value": 5, "system": "http://unitsofmeasure.org", "code": "d"}}
    steps = [{**line, "sequence": 1, "timing": {"repeat": {**morning, **lasting}}}]
    steps += [{**line, "sequence": 2, "timing": {"repeat": {**morning, **lasting}}}]
    store(order.pop("resourceType"), f"med-{patient}", **{**order, "dosageInstruction": steps})
    page = screens[Role.DOCTOR]
    form = act(page, "MedicationRequest", patient, "change")
    form.locator(".dose-step").nth(0).locator("[name=morning]").fill("3")
    form.locator("[name=days]").nth(1).fill("7")
    playwright.expect(form.locator(".dose-says")).to_contain_text("i 7\xa0dage")
    page.reload()
    playwright.expect(form.locator("[name=days]").nth(1)).to_have_value("7")
    read = sign(form)
    receipted(form)
    assert "3\xa0tablet morgen i 5\xa0dage" in read
    assert "derefter 1\xa0tablet morgen i 7\xa0dage" in read
    assert HOSTILE.upper() in read.upper()
    (changed,) = versions(web_server, "MedicationRequest", patient)
    assert changed["meta"]["versionId"] == "3"
    first, second = changed["dosageInstruction"]
    assert first["doseAndRate"][0]["doseQuantity"]["value"] == 3
    assert [one["timing"]["repeat"]["boundsDuration"]["value"] for one in (first, second)] == [5, 7]
    assert changed["dispenseRequest"] == order["dispenseRequest"]


def test_a_renewed_order_is_a_new_one_of_whoever_renews(
    screens: dict[Role, Any], usernames: dict[Role, tuple[str, str]], web_server: str, patient: str
) -> None:
    form = act(screens[Role.DOCTOR], "MedicationRequest", patient, "renew")
    form.locator("[name=end]").fill("2099-01-31")
    sign(form)
    receipted(form)
    old, new = sorted(
        versions(web_server, "MedicationRequest", patient), key=lambda one: "priorPrescription" in one
    )
    assert (old["status"], new["status"]) == ("completed", "active")
    assert new["priorPrescription"]["reference"] == f"MedicationRequest/{old['id']}"
    assert new["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]["end"] == "2099-01-31"
    assert new["requester"]["identifier"]["value"] == usernames[Role.DOCTOR][1]


def test_an_act_survives_a_reload_while_no_server_answers(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.DOCTOR]
    form = act(page, "MedicationRequest", patient, "pause")
    page.route("**/orders/MedicationRequest/**/pause", lambda route: route.abort())
    form.locator("[name=reason]").fill("Operation")
    form.locator("button").click()
    playwright.expect(form.locator(".outcome.waits")).to_be_visible()
    playwright.expect(page.locator("#outbox .waiting")).to_contain_text("Operation")
    page.reload()
    playwright.expect(page.locator("#outbox .waiting")).to_contain_text("Sæt på pause")
    page.goto(f"/patient/{patient}/orders")
    playwright.expect(page.locator("#held .waiting")).to_contain_text("Operation")
    page.unroute("**/orders/MedicationRequest/**/pause")
    playwright.expect(page.locator("#outbox .waiting")).to_have_count(0)
    (order,) = versions(web_server, "MedicationRequest", patient)
    assert (order["status"], order["meta"]["versionId"]) == ("on-hold", "2")


def test_what_a_colleague_has_changed_meanwhile_is_not_acted_upon(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.DOCTOR]
    other = page.context.new_page()
    first = act(page, "MedicationRequest", patient, "stop")
    second = act(other, "MedicationRequest", patient, "pause")
    second.locator("[name=reason]").fill("Operation")
    second.locator("button").click()
    receipted(second)
    other.close()
    first.locator("[name=reason]").fill("Virker ikke")
    first.locator("button").click()
    playwright.expect(first.locator(".outcome.alert")).to_contain_text("en anden har ændret")
    playwright.expect(first.locator("[name=reason]")).to_have_value("Virker ikke")
    (order,) = versions(web_server, "MedicationRequest", patient)
    assert order["status"] == "on-hold"


def test_a_warning_is_overridden_with_a_reason_that_is_kept(
    screens: dict[Role, Any], store: Callable[..., None], web_server: str, patient: str
) -> None:
    coding = {"system": "http://www.whocc.no/atc", "code": "N02BE01", "display": "paracetamol"}
    store("Medication", "acts-panodil", status="active", code={"coding": [coding], "text": "Actodil"})
    order = medication(patient_=patient, medicationReference={"reference": "Medication/acts-panodil"})
    mg = {"value": 1000, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    order["dosageInstruction"][0]["doseAndRate"] = [{"doseQuantity": mg}]
    store(order.pop("resourceType"), f"med-{patient}", **order)
    form = act(screens[Role.DOCTOR], "MedicationRequest", patient, "change")
    form.locator("[name=amount]").fill("9000")
    submit(form)
    why = form.locator("[data-override=dose-above-maximum]")
    why.fill("Aftalt med giftlinjen")
    sign(form)
    receipted(form)
    (changed,) = versions(web_server, "MedicationRequest", patient)
    (issue,) = changed["contained"]
    assert issue["mitigation"][0]["action"]["text"] == "Aftalt med giftlinjen"
    assert changed["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 9000


def test_what_was_opened_for_another_patient_is_refused(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    form = act(screens[Role.DOCTOR], "MedicationRequest", patient, "stop")
    screens[Role.DOCTOR].evaluate("document.getElementById('acting').dataset.patient = 'another'")
    form.locator("[name=reason]").fill("Forkert faneblad")
    form.locator("button").click()
    playwright.expect(form.locator(".outcome.alert")).to_contain_text("en anden patient")
    (order,) = versions(web_server, "MedicationRequest", patient)
    assert (order["status"], order["meta"]["versionId"]) == ("active", "1")


def test_a_nurse_gives_only_after_the_wristband_is_read(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.NURSE]
    page.goto(f"/patient/{patient}/administer")
    form = page.locator("form.give")
    playwright.expect(form.locator("button")).to_be_hidden()
    page.fill("#read", "010150-9999")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#wristband .alert")).to_contain_text("ANDEN patient")
    playwright.expect(form.locator("button")).to_be_hidden()
    page.fill("#read", "010150-1234")
    page.keyboard.press("Enter")
    form.locator("button").click()
    receipted(form)
    (given,) = versions(web_server, "MedicationAdministration", patient)
    assert (given["status"], given["dosage"]["dose"]["value"]) == ("completed", 1)
    page.goto(f"/patient/{patient}/administer")
    playwright.expect(page.locator(".give-list")).to_contain_text("givet")


def test_a_dose_that_was_not_given_has_its_reason(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.NURSE]
    page.goto(f"/patient/{patient}/administer")
    page.fill("#read", NUMBER)
    page.keyboard.press("Enter")
    form = page.locator("form.give")
    form.locator("[name=not]").select_option(label="Patienten faster")
    form.get_by_role("button", name="Registrér ikke givet").click()
    receipted(form)
    (given,) = versions(web_server, "MedicationAdministration", patient)
    assert (given["status"], given["statusReason"]) == ("not-done", [{"text": "Patienten faster"}])


def read_wristband(page: Any, patient: str) -> Any:
    """The form of the only dose of a patient, opened."""
    page.goto(f"/patient/{patient}/administer")
    page.fill("#read", NUMBER)
    page.keyboard.press("Enter")
    return page.locator("form.give")


def test_two_who_opened_the_page_before_either_gave_give_one_dose(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    nurse, doctor = screens[Role.NURSE], screens[Role.DOCTOR]
    first, second = read_wristband(nurse, patient), read_wristband(doctor, patient)
    first.locator("button").click()
    receipted(first)
    second.locator("button").click()
    alert = second.locator(".outcome.alert")
    playwright.expect(alert).to_contain_text("efter at du så den")
    playwright.expect(alert).to_contain_text("(sygeplejerske)")
    told_twice = doctor.locator("#outbox .refused", has_text="efter at du så den")
    playwright.expect(told_twice).to_have_count(0)
    assert len(versions(web_server, "MedicationAdministration", patient)) == 1
    with doctor.expect_event("load"):
        alert.get_by_role("button", name="Se igen").click()
    playwright.expect(doctor.locator(".give-list")).to_contain_text("givet")
    playwright.expect(told_twice).to_have_count(0)
    again = read_wristband(doctor, patient)
    again.locator("button").click()
    why = again.locator("[data-override=dose-given]")
    why.fill("Kastede den op")
    again.locator("button").click()
    receipted(again)
    assert len(versions(web_server, "MedicationAdministration", patient)) == 2
    doctor.goto(f"/patient/{patient}/administer")
    playwright.expect(doctor.locator(".give-list")).to_contain_text("ekstra dosis Kastede den op")


def test_what_was_given_on_paper_is_recorded_and_marked(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.NURSE]
    form = read_wristband(page, patient)
    form.locator("button").click()
    receipted(form)
    form = read_wristband(page, patient)
    form.locator("summary").click()
    form.locator("[name=at]").fill(form.locator("[name=at]").get_attribute("max"))
    form.locator("button").click()
    receipted(form)
    assert len(versions(web_server, "MedicationAdministration", patient)) == 2
    page.goto(f"/patient/{patient}/medication")
    playwright.expect(page.locator("table.doses")).to_contain_text("mulig dobbeltdosis")


def test_a_requisition_goes_from_the_doctor_to_its_answer(
    screens: dict[Role, Any], web_server: str, patient: str
) -> None:
    page = screens[Role.DOCTOR]
    page.goto(f"/patient/{patient}/requisition")
    page.fill("#what", "CRP")
    page.select_option("#priority", "urgent")
    page.select_option("#performer", label="Klinisk Biokemi")
    page.fill("#reason", "Feber")
    page.fill("#when", "2026-12-01T08:00")
    playwright.expect(page.locator(".read-back")).to_contain_text("010150-1234")
    form = page.locator("form[data-action=requisition]")
    form.locator("button").dblclick()
    receipted(form)
    made = next(one for one in versions(web_server, "ServiceRequest", patient) if one["priority"] == "urgent")
    assert made["code"]["coding"][0]["code"] == "NPU19748"
    assert len(versions(web_server, "ServiceRequest", patient)) == 2
    nurse = screens[Role.NURSE]
    for action, state in (("accept", "modtaget"), ("specimen", "prøve taget")):
        nurse.goto(f"/patient/{patient}/orders/ServiceRequest/{made['id']}")
        nurse.locator("details.act-on", has=nurse.locator(f"form[data-action={action}]")).locator(
            "summary"
        ).click()
        form = nurse.locator(f"form[data-action={action}]")
        form.locator("button").click()
        receipted(form)
        nurse.goto(f"/patient/{patient}/orders")
        playwright.expect(nurse.locator("tr", has_text="CRP").locator(".word")).to_have_text(state)


def test_a_role_is_offered_only_what_it_may(screens: dict[Role, Any], patient: str) -> None:
    page = screens[Role.NURSE]
    page.goto(f"/patient/{patient}/orders/MedicationRequest/med-{patient}")
    playwright.expect(page.locator("form.act")).to_have_count(0)
    page.goto(f"/patient/{patient}/requisition")
    playwright.expect(page.locator("form.act")).to_have_count(0)
