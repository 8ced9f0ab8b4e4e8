"""Orders as HL7 messages: what a receiver reads of them, and what is not sent rather than said wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from altid.fhir.json import Decimal
from altid.hl7.text import Message, parse
from altid.orders.downstream.destinations import Destination
from altid.orders.downstream.hl7.orders import UnencodableError, control_id, encode
from altid.orders.downstream.leaving import Order, leaves
from altid.record.stored import Stored
from tests.orders.posts import medication, patient, requisition

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
WHERE = Destination("pharmacy", "127.0.0.1", 1, ("MedicationRequest", "ServiceRequest"), application="APO")


def order(resource: dict[str, Any], before: str | None = None, version: int = 1) -> Order:
    stored = Stored(resource["resourceType"], resource["id"], version, AT, b"}")
    return Order(stored, resource, before, patient("p1"))


def said(resource: dict[str, Any], before: str | None = None) -> Message:
    return parse(encode(order(resource, before), WHERE))


def segment(message: Message, name: str) -> Any:
    found = message.first(name)
    assert found is not None
    return found


def test_the_header_names_both_ends_the_charset_and_a_control_id() -> None:
    header = said(medication("m", "p1")).header
    assert header.raw(9) == "OMP^O09^OMP_O09"
    assert (header.text(3), header.text(5), header.text(12)) == ("ALTID", "APO", "2.5.1")
    assert header.text(18) == "UNICODE UTF-8"
    assert header.text(10) == control_id("MedicationRequest", "m", 1)
    assert len(header.text(10)) == 20


def test_a_patient_has_the_cpr_number_from_the_authority_of_cpr_numbers() -> None:
    person = segment(said(medication("m", "p1")), "PID")
    number = patient("p1")["identifier"][0]["value"]
    assert person.repetitions(3) == [f"{number}^^^CPR&1.2.208.176.1.2&ISO^NNDNK", "p1^^^ALTID^PI"]
    assert [person.text(5, part) for part in (1, 2, 3)] == ["Sørensen|^~\\&", "Åse", "Ærø"]
    assert (person.text(7), person.text(8)) == ("19560229", "F")


def test_a_dose_is_said_as_exactly_as_it_was_written() -> None:
    dose = {
        "text": "1,50 mg kl. 8 og 20 ved smerter",
        "asNeededBoolean": True,
        "timing": {
            "repeat": {
                "timeOfDay": ["08:00:00", "20:00:00"],
                "boundsPeriod": {"start": "2026-11-28T08:00:00+01:00", "end": "2026-12-05"},
            }
        },
        "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006", "display": "Oral"}]},
        "doseAndRate": [
            {
                "doseQuantity": {
                    "value": Decimal("1.50"),
                    "unit": "mg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mg",
                }
            }
        ],
    }
    message = said(medication("m", "p1", dosageInstruction=[dose]))
    ordered, timing = segment(message, "RXO"), segment(message, "TQ1")
    assert ordered.raw(1) == "N02BE01^Paracetamol^WHOATC"
    assert (ordered.text(2), ordered.raw(4)) == ("1.50", "mg^mg^UCUM")
    assert ordered.text(6) == "1,50 mg kl. 8 og 20 ved smerter"
    assert timing.repetitions(4) == ["0800", "2000"]
    assert (timing.text(7), timing.text(8), timing.text(9)) == ("20261128080000+0100", "20261205", "PRN")
    assert segment(message, "RXR").raw(1) == "26643006^Oral^SCT"


def test_several_doses_are_said_by_their_text_and_not_by_the_first_number() -> None:
    doses = [
        {"text": f"{amount} mg", "doseAndRate": [{"doseQuantity": {"value": amount, "unit": "mg"}}]}
        for amount in (40, 20, 10)
    ]
    ordered = segment(said(medication("m", "p1", dosageInstruction=doses)), "RXO")
    assert (ordered.text(2), ordered.text(6)) == ("", "40 mg / 20 mg / 10 mg")


def test_a_choice_is_said_by_its_least_and_its_most() -> None:
    span = {
        "low": {"value": 5, "unit": "mg", "code": "mg"},
        "high": {"value": 10, "unit": "mg", "code": "mg"},
    }
    dose = {"text": "5–10 mg efter behov", "doseAndRate": [{"doseRange": span}]}
    ordered = segment(said(medication("m", "p1", dosageInstruction=[dose])), "RXO")
    assert (ordered.text(2), ordered.text(3), ordered.raw(4)) == ("5", "10", "mg^mg")


def test_a_requisition_says_what_how_urgently_and_why() -> None:
    message = said(requisition("s", "p1", priority="stat", reasonCode=[{"text": "Hjertebanken & svimmel"}]))
    assert message.kind == "OML^O21"
    request = segment(message, "OBR")
    assert (request.text(2), request.raw(4)) == ("s", "NPU03230^Kalium^NPU")
    assert request.text(13) == "Hjertebanken & svimmel"
    assert segment(message, "TQ1").text(9) == "S"


@pytest.mark.parametrize(
    ("status", "before", "control"),
    [
        ("active", None, "NW"),
        ("active", "draft", "NW"),
        ("active", "active", "XO"),
        ("active", "on-hold", "RL"),
        ("on-hold", "active", "HD"),
        ("stopped", "active", "DC"),
        ("cancelled", "active", "CA"),
        ("entered-in-error", "active", "CA"),
        ("completed", "active", "SC"),
    ],
)
def test_a_status_becomes_an_order_control_code(status: str, before: str | None, control: str) -> None:
    assert segment(said(medication("m", "p1", status), before), "ORC").text(1) == control


def test_a_privacy_flag_does_not_stop_anything() -> None:
    flag = {"extension": [{"url": "https://altid.dk/fhir/privatmarkering", "valueBoolean": True}]}
    assert segment(said(medication("m", "p1", **flag)), "ORC").text(1) == "NW"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"doNotPerform": True}, "doNotPerform"),
        ({"modifierExtension": [{"url": "https://x", "valueBoolean": True}]}, "modifierExtension"),
        ({"dosageInstruction": []}, "dosageInstruction.text"),
        ({"dosageInstruction": [{"doseAndRate": []}]}, "dosageInstruction.text"),
        ({"medicationCodeableConcept": {}}, "medication"),
    ],
)
def test_what_can_not_be_said_is_not_sent(change: dict[str, Any], code: str) -> None:
    with pytest.raises(UnencodableError) as caught:
        encode(order(medication("m", "p1", **change)), WHERE)
    assert caught.value.code == code


def test_the_same_version_is_the_same_bytes() -> None:
    assert encode(order(medication("m", "p1")), WHERE) == encode(order(medication("m", "p1")), WHERE)


def test_each_version_has_a_control_id_of_its_own() -> None:
    ids = {
        control_id(type_, f"o{number}", version)
        for type_ in ("MedicationRequest", "ServiceRequest")
        for number in range(200)
        for version in range(1, 6)
    }
    assert len(ids) == 2_000


def test_a_destination_takes_only_its_categories() -> None:
    lab = Destination("lab", "127.0.0.1", 1, ("ServiceRequest",), categories=("http://snomed.info/sct|1",))
    category = [{"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}]
    assert leaves(requisition("s", "p1", category=category), None, lab)
    assert not leaves(requisition("s", "p1"), None, lab)
    assert not leaves(medication("m", "p1", category=category), None, lab)
