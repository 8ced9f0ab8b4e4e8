"""Admission, treatment limits, problems, notes, requisitions and appointments."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from altid.screen.views.admission import Place, admission_of
from altid.screen.views.flags import flags_of
from altid.screen.views.notes import notes_of, plain_text
from altid.screen.views.plans import appointments_of, requisitions_of
from altid.screen.views.problems import problems_of
from tests.screen.charts import HL7, SNOMED, chart, coded

PHYSICAL = f"{HL7}/location-physical-type"
WARD = {"resourceType": "Location", "id": "w", "name": "H1", "physicalType": coded(PHYSICAL, "wa")}
BED = {
    "resourceType": "Location",
    "id": "b",
    "name": "Stue 1, seng 2",
    "physicalType": coded(PHYSICAL, "bd"),
    "partOf": {"reference": "Location/w", "display": "Hjertesygdomme H1"},
}


def encounter(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "period": {"start": "2026-11-15T11:00:00+01:00"},
        **elements,
    }


def at(*ids: str) -> list[dict[str, Any]]:
    return [{"location": {"reference": f"Location/{each}"}} for each in ids]


def place(**elements: Any) -> Place:
    return admission_of(chart(encounter(**elements), others=(WARD, BED))).current[0].place


def test_a_bed_lies_in_its_ward() -> None:
    assert place(location=at("b")) == Place("Stue 1, seng 2", "Hjertesygdomme H1", None)


def test_a_bed_that_was_left_is_not_shown() -> None:
    left = {"location": {"reference": "Location/b"}, "period": {"end": "2026-11-16"}}
    assert place(location=[left, *at("w")]) == Place(None, "H1", None)


def test_the_newest_bed_counts() -> None:
    old = {
        "location": {"display": "Seng 1"},
        "physicalType": coded(PHYSICAL, "bd"),
        "period": {"start": "2026-11-15"},
    }
    new = {
        "location": {"display": "Seng 9"},
        "physicalType": coded(PHYSICAL, "bd"),
        "period": {"start": "2026-11-16"},
    }
    assert place(location=[old, new]).bed == "Seng 9"


def test_without_a_location_the_department_is_the_ward() -> None:
    assert place(serviceProvider={"display": "Kardiologisk"}) == Place(None, "Kardiologisk", None)


@pytest.mark.parametrize(
    ("elements", "is_current"),
    [
        ({}, True),
        ({"status": "onleave"}, True),
        ({"status": "finished"}, False),
        ({"status": "planned"}, False),
        ({"class": {"code": "AMB"}}, False),
        ({"class": {}}, True),
    ],
)
def test_who_lies_in_hospital_is_admitted(elements: dict[str, Any], is_current: bool) -> None:
    assert bool(admission_of(chart(encounter(**elements))).current) is is_current


def test_one_who_is_not_admitted_has_a_latest_contact() -> None:
    old, new = (encounter(status="finished", period={"start": f"20{n}-01-01"}) for n in (20, 25))
    latest = admission_of(chart(old, new)).latest
    assert latest is not None
    assert latest.start is not None
    assert latest.start.at.year == 2025


def test_the_attending_doctor_is_responsible() -> None:
    def participant(code: str, name: str) -> dict[str, Any]:
        return {"type": [coded(f"{HL7}/v3-ParticipationType", code)], "individual": {"display": name}}

    both = [participant("ADM", "Vagten"), participant("ATND", "Overlæge Holm")]
    assert admission_of(chart(encounter(participant=both))).current[0].responsible == "Overlæge Holm"


def test_the_reason_may_be_a_diagnosis_of_the_chart() -> None:
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "Pneumoni"}}
    stay = encounter(diagnosis=[{"condition": {"reference": "Condition/c"}}])
    assert admission_of(chart(condition, stay)).current[0].reasons == ("Pneumoni",)


def flag(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Flag", "status": "active", "code": {"text": "Ingen genoplivning"}, **elements}


LIMIT = [coded("https://altid.dk/fhir/CodeSystem/flag-category", "treatment-limit")]


@pytest.mark.parametrize(
    "limit",
    [
        flag(category=LIMIT),
        flag(code={"text": "Ingen genoplivning", **coded(SNOMED, "304253006")}),
        {
            "resourceType": "Consent",
            "status": "active",
            "scope": coded(f"{HL7}/consentscope", "adr"),
            "category": [{"text": "Ingen genoplivning"}],
        },
    ],
)
def test_a_treatment_limit_is_found_however_it_is_kept(limit: dict[str, Any]) -> None:
    assert [found.words for found in flags_of(chart(limit)).limits] == ["Ingen genoplivning"]


@pytest.mark.parametrize("over", [{"status": "inactive"}, {"period": {"end": "2026-11-16"}}])
def test_a_limit_that_is_over_is_not_shown(over: dict[str, Any]) -> None:
    assert flags_of(chart(flag(category=LIMIT, **over))).limits == ()


def test_another_flag_is_a_warning() -> None:
    assert [found.words for found in flags_of(chart(flag(code={"text": "Faldtruet"}))).warnings] == [
        "Faldtruet"
    ]


def condition(status: str | None, **elements: Any) -> dict[str, Any]:
    clinical = {"clinicalStatus": coded(f"{HL7}/condition-clinical", status)} if status else {}
    return {"resourceType": "Condition", "code": {"text": "Astma"}, **clinical, **elements}


@pytest.mark.parametrize(
    ("resource", "is_current"),
    [
        (condition("active"), True),
        (condition("relapse"), True),
        (condition(None), True),
        (condition("resolved"), False),
        (condition("active", abatementDateTime="2020"), False),
    ],
)
def test_a_problem_that_lasts_is_current(resource: dict[str, Any], is_current: bool) -> None:
    found = problems_of(chart(resource))
    assert (len(found.current), len(found.past)) == ((1, 0) if is_current else (0, 1))


def test_a_refuted_problem_is_not_shown() -> None:
    refuted = condition("active", verificationStatus=coded(f"{HL7}/condition-ver-status", "refuted"))
    assert problems_of(chart(refuted)).current == ()


def test_a_problem_has_its_sks_code() -> None:
    code = {"text": "Astma", "coding": [{"system": "urn:oid:1.2.208.176.2.4.12", "code": "DJ459"}]}
    assert problems_of(chart(condition("active", code=code))).current[0].code == "DJ459"


def document(text: str, media: str = "text/plain", **elements: Any) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "Journalnotat"},
        "content": [{"attachment": {"contentType": media, "data": data}}],
        **elements,
    }


def body(resource: dict[str, Any]) -> str | None:
    return notes_of(chart(resource)).notes[0].body


def test_a_note_is_its_text() -> None:
    assert body(document("Sovet godt.\nIngen klager.")) == "Sovet godt.\nIngen klager."


def test_a_note_in_html_is_read_without_its_marks() -> None:
    assert body(document("<p>Sovet <b>godt</b>.</p><p>Ingen klager.</p>", "text/html")) == (
        "Sovet godt.\n\nIngen klager."
    )


def test_what_no_reader_sees_is_not_read() -> None:
    assert plain_text("<style>p {}</style><script>alert(1)</script>Æbler &amp; pærer") == "Æbler & pærer"


@pytest.mark.parametrize("sign", ["<a ", "<!--", "<?", "</a ", "&amp;"])
def test_marks_without_an_end_are_read_in_one_go(sign: str) -> None:
    """In bounds that tell once through the text from once for each sign, which takes minutes."""
    begun = time.monotonic()
    plain_text(sign * 50_000)
    assert time.monotonic() - begun < 10


def test_a_picture_is_not_shown_as_text() -> None:
    found = notes_of(chart(document("x", "image/png"))).notes[0]
    assert (found.body, found.media_type) == (None, "image/png")


def test_a_replaced_note_is_not_shown() -> None:
    assert notes_of(chart(document("x", status="superseded"))).notes == ()


def test_the_newest_note_comes_first() -> None:
    old, new = document("gammel", date="2026-11-16T08:00:00Z"), document("ny", date="2026-11-17T08:00:00Z")
    assert [note.body for note in notes_of(chart(old, new)).notes] == ["ny", "gammel"]


def test_a_report_speaks_by_its_conclusion() -> None:
    report = {"resourceType": "DiagnosticReport", "status": "final", "conclusion": "Intet infiltrat."}
    silent = {"resourceType": "DiagnosticReport", "status": "final"}
    assert [note.body for note in notes_of(chart(report, silent)).notes] == ["Intet infiltrat."]


def request(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "status": "active", "intent": "order", **elements}


def test_the_most_urgent_requisition_comes_first() -> None:
    found = requisitions_of(chart(request(), request(priority="stat"), request(priority="urgent")))
    assert [each.priority for each in found.pending] == ["stat", "urgent", "routine"]


def test_a_finished_requisition_only_counts() -> None:
    found = requisitions_of(chart(request(status="completed"), request(status="entered-in-error")))
    assert (found.pending, found.done_count) == ((), 1)


def test_a_request_not_to_do_says_so() -> None:
    assert requisitions_of(chart(request(doNotPerform=True))).pending[0].is_forbidden


def appointment(start: str | None, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": start,
        "description": start,
        **elements,
    }


def test_appointments_ahead_come_soonest_first() -> None:
    later, sooner = appointment("2026-12-01T08:00:00Z"), appointment("2026-11-18T08:00:00Z")
    past, nowhere = appointment("2026-11-01T08:00:00Z"), appointment(None, status="waitlist")
    found = appointments_of(chart(later, past, nowhere, sooner))
    assert [each.what for each in found.ahead] == ["2026-11-18T08:00:00Z", "2026-12-01T08:00:00Z", None]
    assert found.past_count == 1


def test_an_appointment_is_with_others_than_the_patient() -> None:
    actors = [{"reference": "Patient/p", "display": "Anna"}, {"display": "KOL-klinikken"}]
    with_them = appointment("2026-12-01T08:00:00Z", participant=[{"actor": actor} for actor in actors])
    assert appointments_of(chart(with_them)).ahead[0].places == ("KOL-klinikken",)


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (admission_of, "Encounter"),
        (flags_of, "Flag"),
        (problems_of, "Condition"),
        (notes_of, "DocumentReference"),
        (requisitions_of, "ServiceRequest"),
        (appointments_of, "Appointment"),
    ],
)
def test_what_could_not_be_read_is_not_empty(view: Any, kind: str) -> None:
    assert not view(chart(unread=(kind,))).is_known
