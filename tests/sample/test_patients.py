"""What a ward doctor would object to."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest

from altid.fhir.json import Decimal
from altid.sample.allergies import Cave, state
from altid.sample.analytes import ANALYTES, Analyte
from altid.sample.drugs import DRUGS
from altid.sample.laboratory import egfr
from altid.sample.moments import REFERENCE

Resource = dict[str, Any]
Groups = list[list[Resource]]

_BY_NPU = {analyte.npu: analyte for analyte in ANALYTES.values()}


def _of(group: list[Resource], kind: str) -> list[Resource]:
    return [resource for resource in group if resource["resourceType"] == kind]


def _atc(order: Resource) -> str:
    return DRUGS[order["medicationReference"]["reference"].split("-", 1)[1]].atc


def _results(group: list[Resource]) -> list[tuple[Analyte, Resource]]:
    return [
        (_BY_NPU[observation["code"]["coding"][0]["code"]], observation)
        for observation in _of(group, "Observation")
        if observation["category"][0]["coding"][0]["code"] == "laboratory"
    ]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_every_state_of_cave_is_among_the_first_seven() -> None:
    assert {state(index) for index in range(7)} == set(Cave)


def test_cave_is_recorded_as_its_state_says(patients: Groups) -> None:
    for index, group in enumerate(patients):
        codes = [allergy["code"]["text"] for allergy in _of(group, "AllergyIntolerance")]
        if state(index) is Cave.NOT_RECORDED:
            assert codes == []
        elif state(index) is Cave.NONE_KNOWN:
            assert codes == ["Ingen kendt allergi eller intolerans"]
        else:
            assert codes
            assert "Ingen kendt allergi eller intolerans" not in codes


def test_nobody_is_ordered_what_their_cave_forbids(patients: Groups) -> None:
    forbidden = {"J01C", "J01DC", "J01FA", "M01A", "C10AA", "C09AA", "N02AA01"}
    checked = 0
    for group in patients:
        agents = {
            coding["code"]
            for allergy in _of(group, "AllergyIntolerance")
            for coding in allergy["code"].get("coding", [])
        } & forbidden
        ordered = [_atc(order) for order in _of(group, "MedicationRequest")]
        assert not [atc for atc in ordered if atc.startswith(tuple(agents))]
        checked += bool(agents)
    assert checked > 5


def test_nobody_takes_two_drugs_against_clotting_of_the_same_kind(patients: Groups) -> None:
    for group in patients:
        active = [_atc(order) for order in _of(group, "MedicationRequest") if order["status"] == "active"]
        thinners = [atc for atc in active if atc.startswith(("B01AA", "B01AB", "B01AF", "B01AX"))]
        assert len(thinners) <= 1


def test_nobody_takes_the_same_substance_twice(patients: Groups) -> None:
    for group in patients:
        active = [_atc(order) for order in _of(group, "MedicationRequest") if order["status"] == "active"]
        assert len(active) == len(set(active))


def test_the_dead_have_nothing_ahead_of_them(patients: Groups) -> None:
    dead = [group for group in patients if "deceasedDateTime" in group[0]]
    assert dead
    for group in dead:
        died = _at(group[0]["deceasedDateTime"])
        assert _of(group, "Appointment") == []
        assert _of(group, "ServiceRequest") == []
        assert {order["status"] for order in _of(group, "MedicationRequest")} <= {"stopped", "completed"}
        assert all(_at(each["effectiveDateTime"]) < died for each in _of(group, "Observation"))
        assert {encounter["status"] for encounter in _of(group, "Encounter")} == {"finished"}


def test_orders_of_a_stay_that_is_over_are_over_too(patients: Groups) -> None:
    for group in patients:
        ended = {
            f"Encounter/{encounter['id']}"
            for encounter in _of(group, "Encounter")
            if encounter["status"] == "finished"
        }
        left = [
            order
            for order in _of(group, "MedicationRequest")
            if order["status"] == "active"
            and order["category"][0]["coding"][0]["code"] == "inpatient"
            and order["encounter"]["reference"] in ended
        ]
        assert left == []


def test_an_active_order_has_not_ended(patients: Groups) -> None:
    for group in patients:
        for order in _of(group, "MedicationRequest"):
            end = order["dosageInstruction"][-1]["timing"]["repeat"]["boundsPeriod"].get("end")
            if order["status"] == "active" and end:
                assert _at(end) > REFERENCE


def test_doses_were_given_in_the_stay_under_an_order_of_the_same_patient(patients: Groups) -> None:
    given = 0
    for group in patients:
        orders = {f"MedicationRequest/{order['id']}": order for order in _of(group, "MedicationRequest")}
        for dose in _of(group, "MedicationAdministration"):
            order = orders[dose["request"]["reference"]]
            assert dose["medicationReference"] == order["medicationReference"]
            assert _at(order["authoredOn"]) <= _at(dose["effectiveDateTime"]) <= REFERENCE
            given += 1
    assert given > 100


def test_an_encounter_ends_after_it_began(patients: Groups) -> None:
    for group in patients:
        for encounter in _of(group, "Encounter"):
            period = encounter["period"]
            assert "end" not in period or _at(period["start"]) < _at(period["end"])


def test_what_is_measured_in_a_stay_lies_within_it(patients: Groups) -> None:
    for group in patients:
        periods = {
            f"Encounter/{encounter['id']}": encounter["period"] for encounter in _of(group, "Encounter")
        }
        for observation in _of(group, "Observation"):
            if "encounter" in observation:
                period = periods[observation["encounter"]["reference"]]
                end = _at(period["end"]) if "end" in period else REFERENCE
                assert _at(period["start"]) <= _at(observation["effectiveDateTime"]) <= end


def test_a_result_has_the_decimals_that_the_laboratory_reports(patients: Groups) -> None:
    zeros = 0
    for group in patients:
        for analyte, observation in _results(group):
            value = observation["valueQuantity"]["value"]
            text = value.text if isinstance(value, Decimal) else str(value)
            assert len(text.partition(".")[2]) == analyte.digits
            zeros += text.endswith("0") and "." in text
    assert zeros > 50


def test_a_result_is_possible_in_a_living_person(patients: Groups) -> None:
    for group in patients:
        for analyte, observation in _results(group):
            assert analyte.possible[0] <= observation["valueQuantity"]["value"] <= analyte.possible[1]


def test_a_result_is_marked_as_its_reference_range_says(patients: Groups) -> None:
    for group in patients:
        for _, observation in _results(group):
            meaning = observation["interpretation"][0]["coding"][0]["code"]
            value, limits = observation["valueQuantity"]["value"], observation["referenceRange"][0]
            low = "low" in limits and value < limits["low"]["value"]
            high = "high" in limits and value > limits["high"]["value"]
            assert (meaning[0] == "L", meaning[0] == "H") == (low, high)


def test_what_is_too_little_to_measure_says_less_than(patients: Groups) -> None:
    comparators = {
        observation["valueQuantity"].get("comparator")
        for group in patients
        for _, observation in _results(group)
    }
    assert comparators == {None, "<", ">"}


def test_the_kidney_function_follows_from_the_creatinine(patients: Groups) -> None:
    compared = 0
    for group in patients:
        patient = group[0]
        results = {
            (analyte.key, observation["effectiveDateTime"]): observation["valueQuantity"]["value"]
            for analyte, observation in _results(group)
        }
        for (key, at), creatinine in results.items():
            if key == "creatinine":
                age = _age(patient["birthDate"], REFERENCE)
                expected = min(90, egfr(creatinine, patient["gender"], age))
                assert results["egfr", at] == pytest.approx(expected, abs=0.51)
                compared += 1
    assert compared > 100


def _age(born: str, at: datetime) -> int:
    day = datetime.fromisoformat(born)
    return at.year - day.year - ((at.month, at.day) < (day.month, day.day))


def test_an_infection_gets_better_in_those_who_went_home(patients: Groups) -> None:
    courses = [
        [
            observation["valueQuantity"]["value"]
            for analyte, observation in _results(group)
            if analyte.key == "crp"
        ]
        for group in patients
        if any(condition["code"]["text"].startswith("Sepsis") for condition in _of(group, "Condition"))
        and "deceasedDateTime" not in group[0]
        and not any(each["status"] == "in-progress" for each in _of(group, "Encounter"))
    ]
    assert courses
    assert all(course[-1] < max(course) for course in courses)


def test_the_note_says_what_was_measured(patients: Groups) -> None:
    [note] = [
        note for note in _of(patients[0], "DocumentReference") if note["type"]["text"] == "Indlæggelsesnotat"
    ]
    text = base64.b64decode(note["content"][0]["attachment"]["data"]).decode()
    hb = next(observation for analyte, observation in _results(patients[0]) if analyte.key == "hb")
    assert f"Hb {hb['valueQuantity']['value'].text}".replace(".", ",") in text


def test_one_patient_is_protected(patients: Groups) -> None:
    protected = [group[0]["id"] for group in patients if "security" in group[0]["meta"]]
    assert protected == ["r1-p7", "r1-p104"]


def test_no_phone_number_can_be_called(patients: Groups) -> None:
    for group in patients:
        for point in (*group[0]["telecom"], *group[0]["contact"][0]["telecom"]):
            assert point["value"].startswith("+45 00 ")


def test_letters_and_pictures_are_what_they_say(patients: Groups) -> None:
    """A browser shows them, and pdf readers other than browsers open the letters, too."""
    beginnings = {"application/pdf": b"%PDF-1.4\n", "image/png": b"\x89PNG\r\n\x1a\n"}
    found = [
        document["content"][0]["attachment"]
        for group in patients
        for document in _of(group, "DocumentReference")
        if not document["content"][0]["attachment"]["contentType"].startswith("text/")
    ]
    assert {each["contentType"] for each in found} == set(beginnings)
    for each in found:
        content = base64.b64decode(each["data"], validate=True)
        assert content.startswith(beginnings[each["contentType"]])
        assert len(content) == each["size"]
