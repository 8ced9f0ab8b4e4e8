"""The page of one patient as HTML."""

from __future__ import annotations

import base64
import logging
import re
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest
from any_fhir import any_resource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altid.fhir import json
from altid.sample import resources
from altid.screen.views.chart import BESIDE, Chart
from altid.screen.words import LANGUAGES, Language, words
from altid.web import patient
from altid.web.needs import KINDS
from altid.web.patient import PARTS, SECTIONS, Shown, part_html, patient_html
from official_examples import official_examples
from tests.screen.charts import HL7, chart, coded, measured

DA = words("da")
HOSTILE = "<img src=x onerror=alert(1)>'\"&{{7*7}}"


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(shown: Chart, language: Language = "da") -> Page:
    return Page(patient_html(Shown(shown, words(language))))


def person(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **elements}


def banner_classes(shown: Page) -> str:
    return next(attributes["class"] or "" for tag, attributes in shown.elements if tag == "header")


def test_the_banner_tells_who_in_its_order() -> None:
    number = {"system": "urn:oid:1.2.208.176.1.2", "value": "1203485678"}
    shown = page(
        chart(
            patient=person(
                name=[{"family": "Jensen", "given": ["Anna"]}],
                birthDate="1948-03-12",
                gender="female",
                identifier=[number],
            )
        )
    )
    banner = " ".join(shown.text.split())
    order = ["JENSEN, Anna", "Født 12. mar 1948 (78 år)", "Køn kvinde", "CPR 120348-5678", "CAVE"]
    places = [banner.index(part) for part in order]
    assert places == sorted(places)


def test_what_is_missing_in_the_banner_is_not_given() -> None:
    text = " ".join(page(chart(patient=person())).text.split())
    assert "Født ikke oplyst Køn ikke oplyst CPR ikke oplyst" in text


def test_the_dead_are_known_by_class_and_word() -> None:
    shown = page(chart(patient=person(deceasedDateTime="2026-11-01")))
    assert "deceased" in banner_classes(shown)
    assert "Død 1.\u00a0nov\u00a02026" in shown.text


def test_a_protected_patient_is_marked() -> None:
    protected = person(meta={"security": [{"code": "R"}]})
    assert "Navne- og adressebeskyttelse" in page(chart(patient=protected)).text


def test_the_banner_is_silent_on_what_is_not_so() -> None:
    text = page(chart(patient=person())).text
    assert "Navne- og adressebeskyttelse" not in text
    assert "Død" not in text


CAVE_STATES = {
    "known": chart({"resourceType": "AllergyIntolerance", "code": {"text": "Penicilliner"}}),
    "none-known": chart(
        {"resourceType": "AllergyIntolerance", "code": coded("http://snomed.info/sct", "716186003")}
    ),
    "not-recorded": chart(),
    "unavailable": chart(unread=("AllergyIntolerance",)),
}


@pytest.mark.parametrize("state", CAVE_STATES)
def test_cave_is_always_in_sight_in_its_state(state: str) -> None:
    html = patient_html(Shown(CAVE_STATES[state], DA))
    assert f'<div class="cave {state}"' in html


def test_the_four_states_of_cave_have_different_words() -> None:
    lines = [
        re.search(r'<div class="cave.*?</div>', patient_html(Shown(shown, DA)), re.S)
        for shown in CAVE_STATES.values()
    ]
    assert len({line.group() for line in lines if line}) == len(CAVE_STATES)


def test_many_allergies_are_all_named_in_the_banner() -> None:
    agents = [f"stof {number}" for number in range(12)]
    known = [{"resourceType": "AllergyIntolerance", "code": {"text": agent}} for agent in agents]
    line = re.search(r'<div class="cave.*?</div>', patient_html(Shown(chart(*known), DA)), re.S)
    assert line is not None
    assert all(agent in line.group() for agent in agents)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_chart_says_of_each_part_why_it_is_empty(language: Language) -> None:
    shown = page(chart(), language)
    empty = [attributes for _, attributes in shown.elements if attributes.get("class") in ("empty", "unsure")]
    assert len(empty) == len(SECTIONS)


def test_what_was_not_read_is_never_shown_as_empty() -> None:
    shown = page(chart(unread=tuple(KINDS)))
    assert [attributes for _, attributes in shown.elements if attributes.get("class") == "empty"] == []
    assert shown.text.count("Kan ikke vises") == len(SECTIONS) + 1  # and in the banner's CAVE


def test_the_time_of_data_is_shown_on_screen_and_in_print() -> None:
    assert page(chart()).text.count("Data læst 17.\u00a0november\u00a02026 10:00") == 2


def test_a_trend_is_a_picture_with_words() -> None:
    readings = [measured(4.0 + n / 10, f"2026-11-{n:02d}T07:00:00Z") for n in (1, 2, 3)]
    drawn = [attributes for tag, attributes in page(chart(*readings)).elements if tag == "svg"]
    assert [picture["aria-label"] for picture in drawn] == ["Kalium;P: kurve over 3 svar"]


def test_a_high_value_has_an_arrow_and_a_word() -> None:
    interpretation = [coded(f"{HL7}/v3-ObservationInterpretation", "HH")]
    html = patient_html(Shown(chart(measured(6.9, "2026-11-17", interpretation=interpretation)), DA))
    assert '<span class="arrow" aria-hidden="true">↑↑</span> kritisk høj' in html


def test_a_modifier_that_we_do_not_know_is_told() -> None:
    modified = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "modifierExtension": [{"url": "http://example.org/not-really", "valueBoolean": True}],
    }
    assert "Med forbehold" in page(chart(modified)).text


def hostile_chart() -> Chart:
    """Every text that a person can write is an attack."""
    data = base64.b64encode(HOSTILE.encode()).decode()
    said: dict[str, Any] = {
        "text": HOSTILE,
        "coding": [{"system": HOSTILE, "code": HOSTILE, "display": HOSTILE}],
    }
    dose = {"doseQuantity": {"value": 1, "unit": HOSTILE}}
    content = {"attachment": {"contentType": "text/plain", "data": data}}
    return chart(
        {"resourceType": "AllergyIntolerance", "code": said, "reaction": [{"manifestation": [said]}]},
        {"resourceType": "Condition", "code": said},
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "medicationCodeableConcept": said,
            "dosageInstruction": [{"text": HOSTILE, "route": said, "doseAndRate": [dose]}],
        },
        {"resourceType": "DocumentReference", "status": HOSTILE, "type": said, "content": [content]},
        {"resourceType": "ServiceRequest", "status": "active", "priority": HOSTILE, "code": said},
        {"resourceType": "Flag", "status": "active", "code": said, "author": {"display": HOSTILE}},
        {"resourceType": "Appointment", "status": HOSTILE, "description": HOSTILE},
        {"resourceType": "Encounter", "status": "in-progress", "class": {"code": HOSTILE}},
        measured(4, "2026-11-16", code=said),
        measured(5, "2026-11-17", code=said),
        patient=person(
            id=HOSTILE,
            name=[{"family": HOSTILE, "given": [HOSTILE]}],
            gender=HOSTILE,
            identifier=[{"system": HOSTILE, "value": HOSTILE}],
        ),
    )


def test_nothing_that_was_written_becomes_part_of_the_page() -> None:
    shown = page(hostile_chart())
    assert {tag for tag, _ in shown.elements} & {"img"} == set()
    assert [name for _, attributes in shown.elements for name in attributes if name.startswith("on")] == []
    assert "{{7*7}}" in shown.text


def test_a_fault_in_one_section_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_chart: Chart) -> object:
        raise RuntimeError(HOSTILE)

    monkeypatch.setitem(patient.OVERVIEW, "medication", SECTIONS["medication"]._replace(view=broken))
    text = page(CAVE_STATES["known"]).text
    assert "Kan ikke vises på grund af en fejl i visningen" in text
    assert "Penicilliner" in text


def test_a_fault_is_logged_without_what_the_record_says(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_chart: Chart) -> object:
        raise RuntimeError("120348-5678")

    monkeypatch.setitem(patient.OVERVIEW, "medication", SECTIONS["medication"]._replace(view=broken))
    with caplog.at_level(logging.INFO):
        page(chart())
    assert "medication" in caplog.text
    assert "120348" not in caplog.text


def assert_shown_without_fault(shown: Chart, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    for language in LANGUAGES:
        patient_html(Shown(shown, words(language)))
        for part in PARTS:
            part_html(part, Shown(shown, words(language)))
    assert caplog.text == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_whatever_the_standard_allows_can_be_shown(caplog: pytest.LogCaptureFixture, seed: int) -> None:
    random = Random(seed)
    parts = [any_resource(random, kind) for kind in KINDS for _ in range(2)]
    others = tuple(any_resource(random, kind) for kind in BESIDE)
    shown = chart(*parts, patient=any_resource(random, "Patient"), others=others)
    assert_shown_without_fault(shown, caplog)


def test_every_official_example_can_be_shown(caplog: pytest.LogCaptureFixture) -> None:
    examples = [json.loads(data) for data in official_examples().values()]
    shown = [e for e in examples if e.get("resourceType") in {*KINDS, *BESIDE}]
    people = [e for e in examples if e.get("resourceType") == "Patient"]
    for number, person_ in enumerate(people):
        some = shown[number :: len(people)]
        parts = [e for e in some if e["resourceType"] in KINDS]
        others = tuple(e for e in some if e["resourceType"] in BESIDE)
        assert_shown_without_fault(chart(*parts, patient=person_, others=others), caplog)


def test_the_synthetic_region_can_be_shown(caplog: pytest.LogCaptureFixture) -> None:
    everybody = list(resources(patients=4, seed=1))
    others = tuple(r for r in everybody if r["resourceType"] in BESIDE)
    for one in (r for r in everybody if r["resourceType"] == "Patient"):
        reference = f"Patient/{one['id']}"
        known = [r for r in everybody if r["resourceType"] in KINDS]
        mine = [r for r in known if f'"{reference}"' in json.dumps(r).decode()]
        assert_shown_without_fault(chart(*mine, patient=one, others=others), caplog)
