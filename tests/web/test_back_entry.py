"""What was written on paper in a downtime is entered once, for the right patient, and is marked."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.identity import Identity, Level, Role
from altid.fhir.validation import validate
from altid.screen.views.moments import ZONE
from altid.web.back_entry_form import MINDS, SIGNS, PaperFormError, is_same_person, paper_form
from altid.web.back_entry_resources import resources_of
from tests.access.desks import PASSWORD
from tests.web.test_list_and_block_pages import browser_of
from tests.web.test_rights_on_pages import looks, wait_for
from tests.web.visiting import Browser, give_grounds, make_account

Store = Callable[..., None]
CPR = "0102031234"
NOW = datetime(2026, 11, 28, 14, 0, tzinfo=ZONE)
FORM = {
    "number": "ab-a-0001",
    "cpr": "010203-1234",
    "observed-at": "2026-11-28T03:15",
    "observed-by": "Karen Vest, sygeplejerske",
    "note": "Sov roligt.\r\nUrin <200 ml & klar.",
    "kind": "nursing",
    "temperature": "38,4",
    "pulse": "96",
    "systolic": "132",
    "diastolic": "78",
    "mind": "A",
}


def wrong(**changed: str) -> str:
    """The key of what is wrong with a form."""
    with pytest.raises(PaperFormError) as refused:
        paper_form({**FORM, **changed}, NOW)
    assert not any(typed and typed in str(refused.value.data.values()) for typed in changed.values())
    return refused.value.key


def test_a_form_is_read_as_it_is_written() -> None:
    form = paper_form(FORM, NOW)
    assert (form.number, form.observed_by) == ("AB-A-0001", "Karen Vest, sygeplejerske")
    assert form.observed_at == datetime(2026, 11, 28, 3, 15, tzinfo=ZONE)
    assert form.note == "Sov roligt.\nUrin <200 ml & klar."
    assert form.signs["temperature"].text == "38.4"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"number": ""}, "back-entry.bad-number"),
        ({"number": "A/1"}, "back-entry.bad-number"),
        ({"observed-at": ""}, "back-entry.bad-time"),
        ({"observed-at": "2026-11-28T14:30"}, "back-entry.future"),
        ({"observed-at": "2026-01-01T10:00"}, "back-entry.old"),
        ({"observed-by": "K"}, "back-entry.bad-name"),
        ({"temperature": "384"}, "back-entry.bad-sign"),
        ({"temperature": "38,44"}, "back-entry.bad-sign"),
        ({"pulse": "96,5"}, "back-entry.bad-sign"),
        ({"pulse": "seksoghalvfems"}, "back-entry.bad-sign"),
        ({"diastolic": ""}, "back-entry.half-pressure"),
        ({"diastolic": "140"}, "back-entry.turned-pressure"),
        ({"mind": "X"}, "back-entry.bad-mind"),
        ({"kind": "poem"}, "back-entry.bad-kind"),
        ({"note": "å" * 4_001}, "back-entry.long-note"),
    ],
)
def test_a_slip_is_told(changed: dict[str, str], key: str) -> None:
    assert wrong(**changed) == key


def test_a_form_with_nothing_on_it_is_refused() -> None:
    assert wrong(note=" ", mind="", **dict.fromkeys(SIGNS, "")) == "back-entry.empty"


@pytest.mark.parametrize("typed", ["0102031234", "010203-1234", " 010203 1234"])
def test_the_number_on_the_paper_is_compared_however_it_is_written(typed: str) -> None:
    assert is_same_person(typed, "010203-1234")
    assert not is_same_person(typed, "010203-1235")
    assert not is_same_person(typed, None)
    assert not is_same_person("", "-")


@given(
    st.dictionaries(st.sampled_from(sorted(set(SIGNS) - {"systolic", "diastolic"})), st.integers(30, 40)),
    st.sampled_from(("", *MINDS)),
    st.text(max_size=60),
)
def test_whatever_is_entered_is_valid_fhir(signs: dict[str, int], mind: str, note: str) -> None:
    form = {**FORM, **dict.fromkeys(SIGNS, ""), **{name: str(value) for name, value in signs.items()}}
    try:
        read = paper_form({**form, "mind": mind, "note": note}, NOW)
    except PaperFormError:
        assert not signs
        return
    who = Identity("account", "Nina Nør", Role.NURSE, "100", (), Level.LOW, "s", "A", 0)
    for resource in resources_of(read, "anna", "stay", who, NOW):
        assert [issue for issue in validate(resource) if issue.severity in ("error", "fatal")] == []


@pytest.fixture
def patient(store: Store) -> str:
    identity = f"p{secrets.token_hex(6)}"
    store(
        "Patient",
        identity,
        name=[{"family": "Papir", "given": ["Ulla"]}],
        identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": CPR}],
    )
    return identity


@pytest.fixture
def nurse(web_server: str, web_dsn: str, patient: str) -> Iterator[Browser]:
    """Has the patient on her list."""
    username = f"b{secrets.token_hex(6)}"
    account = make_account(web_dsn, username, roles=(Role.NURSE,))
    give_grounds(web_dsn, account.id, patient, Role.NURSE)
    with Browser(base_url=web_server, timeout=30) as client:
        assert client.log_on(username).status_code == 303
        yield client


def written(**changed: str) -> dict[str, str]:
    """A form of some hours ago, with a number of its own."""
    observed = datetime.now(ZONE) - timedelta(hours=6)
    return {
        **FORM,
        "number": f"T-{secrets.token_hex(5).upper()}",
        "observed-at": observed.strftime("%Y-%m-%dT%H:%M"),
        **changed,
    }


def kept(web_server: str, type_: str, patient: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{web_server}/fhir/{type_}?patient={patient}", timeout=30).raise_for_status().json()
    return [entry["resource"] for entry in found.get("entry", ())]


def test_a_form_is_entered_marked_and_told_to_the_audit(
    nurse: Browser, patient: str, web_server: str, web_dsn: str
) -> None:
    there, form = f"/patient/{patient}/back-entry", written()
    assert f'action="{there}"' in nurse.get(there).text
    answer = nurse.post(there, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{there}/{form['number']}")
    assert f"Blanket {form['number']} er i journalen" in nurse.get(answer.headers["location"]).text

    observations = kept(web_server, "Observation", patient)
    assert len(observations) == 4
    assert {one["performer"][0]["display"] for one in observations} == {form["observed-by"]}
    assert all(one["effectiveDateTime"] < one["issued"] for one in observations)
    assert all(one["meta"]["tag"][0]["code"] == "back-entry" for one in observations)
    [document] = kept(web_server, "DocumentReference", patient)
    assert document["context"]["period"]["start"].startswith(form["observed-at"])
    [provenance] = kept(web_server, "Provenance", patient)
    assert len(provenance["target"]) == 6
    assert provenance["entity"][0]["what"]["identifier"]["value"] == form["number"]

    html = nurse.get(f"/patient/{patient}").text
    assert "Indtastet efterfølgende fra papir, blanket " + form["number"] in html
    assert "Urin &lt;200 ml &amp; klar." in html
    assert html.count("chip paper") >= 5
    made = {"Observation", "DocumentReference", "Provenance"}
    wait_for(lambda: made <= {one.event.type for one in looks(web_dsn, patient, "page:back-entry")})


def test_the_same_form_is_refused_with_what_is_there(nurse: Browser, patient: str, web_server: str) -> None:
    there, form = f"/patient/{patient}/back-entry", written()
    assert nurse.post(there, data=form).status_code == 303
    again = nurse.post(there, data={**form, "note": "noget andet"})
    assert again.status_code == 409
    assert "allerede indtastet" in again.text
    assert form["observed-by"] in again.text
    assert len(kept(web_server, "Observation", patient)) == 4


def test_of_many_who_enter_one_form_at_once_one_does(nurse: Browser, patient: str, web_server: str) -> None:
    there, form = f"/patient/{patient}/back-entry", written()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: nurse.post(there, data=form).status_code, range(4)))
    assert sorted(answers) == [303, 409, 409, 409]
    assert len(kept(web_server, "DocumentReference", patient)) == 1


def test_a_form_of_another_patient_is_refused_and_tells_nothing_of_them(
    nurse: Browser, patient: str, store: Store, web_server: str, web_dsn: str
) -> None:
    form = written()
    assert nurse.post(f"/patient/{patient}/back-entry", data=form).status_code == 303
    other = f"p{secrets.token_hex(6)}"
    store("Patient", other, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": "0504998765"}])
    with browser_of(web_server, web_dsn, Role.DOCTOR) as (doctor, _):
        glass = {"kind": "acute", "reason": "Blanketten ligger hos os"}
        doctor.post(f"/patient/{other}/override", data=glass)
        answer = doctor.post(f"/patient/{other}/back-entry", data={**form, "cpr": "050499-8765"})
        assert answer.status_code == 409
        assert "en anden patient" in answer.text
        assert form["observed-by"] not in answer.text.replace(f'value="{form["observed-by"]}"', "")


def test_the_wrong_patients_paper_is_refused(nurse: Browser, patient: str, web_server: str) -> None:
    answer = nurse.post(f"/patient/{patient}/back-entry", data=written(cpr="010203-1235"))
    assert answer.status_code == 422
    assert "ikke denne patients" in answer.text
    assert "Karen Vest" in answer.text
    assert kept(web_server, "Provenance", patient) == []


def test_without_grounds_or_the_right_to_it_nothing_is_entered(
    patient: str, web_server: str, web_dsn: str
) -> None:
    there = f"/patient/{patient}/back-entry"
    for role in (Role.DOCTOR, Role.SECRETARY, Role.AUDITOR):
        with browser_of(web_server, web_dsn, role) as (client, _):
            answer = client.post(there, data=written())
            assert answer.status_code != 303
            assert not re.search(r"Blanket \S+ er i journalen", answer.text)
    assert kept(web_server, "Provenance", patient) == []


def test_a_number_that_nobody_has_entered_shows_nothing(nurse: Browser, patient: str) -> None:
    answer = nurse.get(f"/patient/{patient}/back-entry/T-NONE")
    assert (answer.status_code, "Ingen blanket" in answer.text) == (404, True)


def test_in_a_browser_a_form_is_entered_by_keyboard(
    web_server: str, web_dsn: str, patient: str, tmp_path: Path
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    username = f"b{secrets.token_hex(6)}"
    account = make_account(web_dsn, username, roles=(Role.DOCTOR,))
    give_grounds(web_dsn, account.id, patient)
    form = written()
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = started.new_context(base_url=web_server, viewport={"width": 1280, "height": 1400}).new_page()
        complaints: list[str] = []
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.goto(f"/logon?next=/patient/{patient}")
        page.fill("#username", username)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Indtast en blanket fra nøddrift").click()
        assert page.evaluate("document.activeElement.id") == "number"
        for name in ("number", "cpr", "observed-at", "observed-by", "temperature", "pulse", "note"):
            page.fill(f"#{name}", form[name])
        page.screenshot(path=tmp_path / "form.png", full_page=True)
        page.focus("#note")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Blanket {form['number']} er i journalen").wait_for()
        page.get_by_role("link", name="Til patienten").click()
        assert page.locator(".chip.paper").count() >= 3
        page.screenshot(path=tmp_path / "patient.png", full_page=True)
        started.close()
    assert complaints == []
    assert all((tmp_path / name).stat().st_size > 0 for name in ("form.png", "patient.png"))


def test_the_form_speaks_english_too(nurse: Browser, patient: str) -> None:
    nurse.cookies.set("lang", "en")
    html = nurse.get(f"/patient/{patient}/back-entry").text
    assert "Enter from paper" in html
    assert not re.search(r"Blankettens|Notat<", html)
