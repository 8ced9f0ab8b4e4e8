"""Pages read what they show: nothing that is in force is left out, and what is left out is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from altid.screen.sections import CAVE_LINE, OVERVIEW
from altid.web import needs
from altid.web.patient import PARTS
from tests.screen.charts import HL7

Put = Callable[..., None]
OLDER_DRUGS = "Kun de nyeste tidligere ordinationer er vist her"
OLDER = "Der er ældre, som ikke er vist her"
THEIRS = {"subject": {"reference": "Patient/longest"}}


@pytest.mark.parametrize("name", ["overview", *PARTS])
def test_a_page_reads_all_that_its_sections_are_made_of(name: str) -> None:
    sections = OVERVIEW.values() if name == "overview" else PARTS[name]
    wanted = {kind for section in (*sections, CAVE_LINE) for kind in section.kinds}
    assert wanted <= set(needs.NEEDS[name].kinds)


def test_only_what_is_certainly_past_is_read_in_part() -> None:
    assert set(needs.OVER["MedicationRequest"]).isdisjoint({"active", "on-hold", "draft", "unknown"})


@pytest.fixture
def longest(put: Put) -> None:
    """Whoever is ill the longest."""
    put("Patient", "longest", name=[{"family": "Længst", "given": ["Ida"]}])


def stored(server: str, resources: list[dict[str, Any]]) -> None:
    """Many at once."""
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert httpx.post(f"{server}/fhir", json=bundle, timeout=30).status_code == 200


def drug(number: int, status: str, authored: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": f"drug-{number}",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": f"Præparat {number} tabletter"},
        "authoredOn": authored,
        **THEIRS,
    }


def measured(identity: str, category: str, name: str, at: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "category": [{"coding": [{"system": f"{HL7}/observation-category", "code": category}]}],
        "code": {"text": name},
        "effectiveDateTime": at,
        "valueQuantity": {"value": 7, "unit": "mmol/L"},
        **THEIRS,
    }


@pytest.mark.usefixtures("longest")
def test_what_is_in_force_is_shown_however_much_is_past(web_server: str, browser: httpx.Client) -> None:
    past = [drug(number, "completed", f"2026-09-{number + 1:02d}") for number in range(25)]
    stored(web_server, [drug(99, "active", "2019-03-01"), *past])

    overview = browser.get("/patient/longest").text
    assert "Præparat 99 tabletter" in overview
    assert "Præparat 24 tabletter" in overview
    assert "Præparat 0 tabletter" not in overview
    assert OLDER_DRUGS in overview

    medication = browser.get("/patient/longest/medication").text
    assert all(f"Præparat {number} tabletter" in medication for number in (*range(25), 99))
    assert OLDER_DRUGS not in medication


@pytest.mark.usefixtures("longest")
def test_vital_signs_crowd_out_no_results(web_server: str, browser: httpx.Client) -> None:
    pulses = [
        measured(
            f"pulse-{number}",
            "vital-signs",
            "Puls",
            f"2026-11-{1 + number // 24:02d}T{number % 24:02d}:00:00Z",
        )
        for number in range(160)
    ]
    stored(web_server, [measured("once", "laboratory", "Sjældent svar", "2020-02-01"), *pulses])
    overview = browser.get("/patient/longest").text
    assert "Sjældent svar" in overview
    assert OLDER in overview
    assert OLDER not in browser.get("/patient/longest/vitals").text


@pytest.mark.usefixtures("longest")
def test_older_measurements_are_reached_page_by_page(web_server: str, browser: httpx.Client) -> None:
    days = [
        f"20{10 + number // 100}-01-{1 + number % 28:02d}T{number % 24:02d}:30:00Z" for number in range(700)
    ]
    answers = [
        measured(f"old-{number}", "laboratory", f"Analyse {number:03d}", at) for number, at in enumerate(days)
    ]
    stored(web_server, answers)
    seen: set[str] = set()
    pages, address = 0, "/patient/longest/results"
    while address:
        html = browser.get(address).text
        assert ("Vis det nyeste" in html) is (pages > 0)
        seen |= set(re.findall(r"Analyse \d{3}", html))
        found = re.search(r'href="(/patient/longest/results\?before=[^"]+)"', html)
        pages, address = pages + 1, found[1] if found else ""
        assert pages < 10, "it goes on for ever"
    assert len(seen) == 700


@pytest.mark.parametrize("before", ["", "2026", "2026-13-40T99:99Z", "2026-01-01T00:00Z'--"])
@pytest.mark.usefixtures("longest")
def test_an_address_without_a_moment_shows_the_newest(browser: httpx.Client, before: str) -> None:
    assert "Vis det nyeste" not in browser.get("/patient/longest/results", params={"before": before}).text


@pytest.mark.usefixtures("longest")
def test_drugs_in_force_stand_on_every_page(web_server: str, browser: httpx.Client) -> None:
    stored(web_server, [drug(77, "active", "2026-11-01")])
    older = browser.get("/patient/longest/medication?before=2012-01-01T00:00Z").text
    assert "Præparat 77 tabletter" in older


@pytest.mark.parametrize(
    ("category", "page"),
    [
        ({"system": f"{HL7}/observation-category", "code": "vital-sign"}, "vitals"),
        ({"code": "vital-signs"}, "vitals"),
        ({"system": "urn:somebodys-own", "code": "vital-signs"}, "results"),
    ],
)
@pytest.mark.usefixtures("longest")
def test_a_measurement_is_read_for_the_page_that_shows_it(
    web_server: str, browser: httpx.Client, category: dict[str, str], page: str
) -> None:
    told = measured("odd", "laboratory", "Sjælden måling", "2026-11-20") | {
        "category": [{"coding": [category]}]
    }
    stored(web_server, [told])
    others = {"vitals": "results", "results": "vitals"}
    assert "Sjælden måling" in browser.get(f"/patient/longest/{page}").text
    assert "Sjælden måling" not in browser.get(f"/patient/longest/{others[page]}").text
