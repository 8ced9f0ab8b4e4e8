from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_resources import (
    ALL,
    BLOOD_PRESSURE,
    CONDITION,
    OBSERVATION,
    PATIENT,
    SERVICE_REQUEST,
    TASK,
    VALUE_SET,
)

from altid.fhir.decimals import HIGHEST, LOWEST
from altid.fhir.definitions import resource_types
from altid.fhir.periods import EARLIEST
from altid.fhir.search.entries import STRING_LENGTH_MAX, Entries
from altid.fhir.search.extract import extract
from altid.fhir.search.normal import normalise

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def terms(resource, code):
    prefix = f"{resource['resourceType']}.{code}="
    return {term.removeprefix(prefix) for term in extract(resource).terms if term.startswith(prefix)}


def ranges(rows, key):
    return [row[1:] for row in rows if row[0] == key]


def strings(resource, key):
    return {value for name, value in extract(resource).strings if name == f"{resource['resourceType']}.{key}"}


def test_a_coding_is_found_with_and_without_its_system():
    assert terms(OBSERVATION, "code") == {f"{LOINC}|29463-7", "29463-7", f"{LOINC}|"}


def test_a_coding_without_a_system_is_found_as_such():
    assert terms(BLOOD_PRESSURE, "component-data-absent-reason") == {"unknown", "|unknown"}


def test_an_identifier_is_found_by_its_value():
    assert terms(PATIENT, "identifier") == {
        "2512489996",
        "urn:oid:1.2.208.176.1.2|2512489996",
        "urn:oid:1.2.208.176.1.2|",
    }


def test_an_identifier_is_found_by_its_type():
    assert terms(PATIENT, "identifier:of-type") == {
        "http://terminology.hl7.org/CodeSystem/v2-0203|NNDNK|2512489996"
    }


def test_a_plain_code_has_one_term():
    assert terms(PATIENT, "gender") == {"male"}


def test_a_truth_value_is_a_word():
    assert terms(PATIENT, "active") == {"true"}


def test_a_patient_who_died_at_a_time_is_deceased():
    assert terms(PATIENT, "deceased") == {"true"}


def test_a_patient_of_whose_death_nothing_is_said_is_not_deceased():
    assert terms({"resourceType": "Patient"}, "deceased") == {"false"}


def test_a_mail_address_is_found_whatever_its_case():
    assert terms(PATIENT, "email") == {"soren@example.org", "home|soren@example.org", "home|"}


def test_a_telephone_number_is_no_mail_address():
    assert "+45 35 35 35 35" not in terms(PATIENT, "email")


def test_the_texts_of_a_concept_are_strings():
    assert strings(OBSERVATION, "code:text") == {"body weight", "vægt"}


def test_a_local_reference_is_a_term_and_a_reference_entry():
    assert terms(OBSERVATION, "subject") == {"Patient/pat-1"}
    assert "subject=Patient/pat-1" in extract(OBSERVATION).refs


def test_a_reference_to_a_version_is_found_with_and_without_it():
    assert terms(PATIENT, "organization") == {"Organization/org-1", "Organization/org-1/_history/3"}


def test_a_reference_to_another_server_is_no_reference_entry():
    assert terms(OBSERVATION, "performer") == {"https://other.example.org/fhir/Practitioner/7"}
    assert not any(ref.startswith("performer=") for ref in extract(OBSERVATION).refs)


def test_a_reference_into_the_resource_has_no_term():
    assert terms(BLOOD_PRESSURE, "subject") == set()


def test_a_urn_is_a_term_as_it_is():
    assert terms(TASK, "owner") == {"urn:uuid:0b0a6f8e-6b1c-4e3b-8f6e-0a5d2a3f4c5d"}


def test_an_identifier_in_a_reference_is_found():
    assert "urn:oid:1.2.208.176.1.4|012345" in terms(PATIENT, "general-practitioner:identifier")


def test_a_canonical_is_found_with_and_without_its_version():
    assert terms(SERVICE_REQUEST, "instantiates-canonical") == {
        "http://example.org/PlanDefinition/p",
        "http://example.org/PlanDefinition/p|3",
    }


def test_an_alias_has_no_terms_of_its_own():
    assert terms(OBSERVATION, "patient") == set()


def test_an_alias_is_present_if_the_reference_is_to_its_type():
    assert {"subject", "patient"} <= set(extract(OBSERVATION).present)


def test_an_alias_is_missing_if_the_reference_is_to_another_type():
    assert "patient" not in extract(BLOOD_PRESSURE).present


def test_all_parts_of_a_name_are_strings():
    assert strings(PATIENT, "name") == {
        "agard jensen",
        "søren",
        "rene",
        "søren rene agard jensen",
        "sørens kælenavn",
    }


def test_an_exact_string_is_a_term_as_written():
    assert "Ågård Jensen" in terms(PATIENT, "family:exact")


def test_a_concept_can_stand_where_a_string_may():
    resource = {"resourceType": "Observation", "valueCodeableConcept": {"text": "Rød"}}
    assert strings(resource, "value-string") == {"rød"}


def test_a_long_string_is_cut():
    resource = {"resourceType": "Group", "name": "x" * 1000}
    patient = {"resourceType": "Patient", "name": [{"family": "x" * 1000}]}
    assert strings(patient, "family") == {"x" * STRING_LENGTH_MAX}
    assert extract(resource).terms == []


def test_a_date_is_a_period():
    assert ranges(extract(OBSERVATION).dates, "Observation.date") == [
        (datetime(2024, 3, 10, tzinfo=UTC), datetime(2024, 3, 11, tzinfo=UTC))
    ]


def test_a_timing_is_one_period():
    assert ranges(extract(SERVICE_REQUEST).dates, "ServiceRequest.occurrence") == [
        (EARLIEST, datetime(2024, 2, 2, tzinfo=UTC))
    ]


def test_a_text_in_the_place_of_a_date_is_present_but_no_period():
    entries = extract({"resourceType": "Procedure", "performedString": "i 1990'erne"})
    assert (entries.present, entries.dates) == (["date"], [])


def test_a_quantity_is_found_as_written_and_in_base_units():
    entries = extract(OBSERVATION)
    weight = Decimal("72.50")
    assert ranges(entries.quantities, "Observation.value-quantity") == [
        (weight, weight, UCUM, "kg"),
        (weight, weight, "", "kilogram"),
    ]
    assert ranges(entries.quantities, "Observation.value-quantity:canonical") == [
        (Decimal(72500), Decimal(72500), "", "g")
    ]


def test_the_digits_of_a_quantity_are_kept():
    assert str(extract(OBSERVATION).quantities[0][1]) == "72.50"


def test_an_age_is_a_quantity():
    assert ranges(extract(CONDITION).quantities, "Condition.onset-age")[0][0] == 52


@pytest.mark.parametrize(("comparator", "low", "high"), [("<", LOWEST, 5), (">=", 5, HIGHEST)])
def test_a_quantity_with_a_comparator_is_open_on_one_side(comparator, low, high):
    value = {"value": 5, "comparator": comparator}
    entries = extract({"resourceType": "Observation", "valueQuantity": value})
    assert ranges(entries.quantities, "Observation.value-quantity") == [(low, high, "", "")]


def test_a_range_may_have_one_end():
    ((low, high, _, _),) = ranges(extract(VALUE_SET).quantities, "ValueSet.context-quantity")
    assert low == 18 < high


def test_an_amount_of_money_has_its_currency_as_unit():
    entries = extract({"resourceType": "Invoice", "totalNet": {"value": 12, "currency": "DKK"}})
    assert ranges(entries.quantities, "Invoice.totalnet") == [(12, 12, "urn:iso:std:iso:4217", "DKK")]


def test_samples_reach_from_the_lowest_to_the_highest():
    samples = {
        "origin": {"value": 2, "unit": "mV"},
        "period": 10,
        "factor": 0.5,
        "dimensions": 1,
        "data": "E 4 -2 U",
    }
    entries = extract({"resourceType": "Observation", "valueSampledData": samples})
    assert ranges(entries.quantities, "Observation.value-quantity") == [(1, 4, "", "mV")]


def test_a_number_is_a_point():
    prediction = {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": 0.25}]}
    assert extract(prediction).numbers == [("RiskAssessment.probability", Decimal("0.25"), Decimal("0.25"))]


def test_a_uri_is_a_term_and_a_string_as_written():
    assert terms(VALUE_SET, "url") == {"http://example.org/fhir/ValueSet/drugs"}
    assert strings(VALUE_SET, "url") == {"http://example.org/fhir/ValueSet/drugs"}


def test_a_profile_has_no_string():
    assert terms(PATIENT, "_profile") == {
        "http://example.org/StructureDefinition/p",
        "http://example.org/StructureDefinition/p|2.1",
    }
    assert strings(PATIENT, "_profile") == set()


def test_a_composite_of_an_inner_element_keeps_its_two_values_together():
    entries = extract(BLOOD_PRESSURE)
    key = f"Observation.component-code-value-quantity={LOINC}|8462-4"
    assert ranges(entries.quantities, key) == [(85, 85, UCUM, "mm[Hg]")]


def test_a_composite_is_missing_where_one_of_its_values_is():
    component = {"code": {"coding": [{"code": "8478-0"}]}}
    entries = extract({"resourceType": "Observation", "component": [component]})
    assert entries.present == ["component-code"]


def test_a_composite_of_the_resource_itself_has_no_entries():
    assert not any("code-value-quantity" in key for key, *_ in extract(OBSERVATION).quantities)


def test_a_composite_of_two_tokens_is_a_term():
    assert "|focus$s|c" in terms(VALUE_SET, "context-type-value")


def test_the_id_is_no_entry():
    assert terms(PATIENT, "_id") == set()


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource["id"])
def test_no_entry_occurs_twice(resource):
    for entries in extract(resource):
        assert len(entries) == len(set(entries))


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource["id"])
def test_extraction_leaves_the_resource_as_it_is(resource):
    before = copy.deepcopy(resource)
    extract(resource)
    assert resource == before


def test_every_type_can_be_extracted():
    for name in resource_types():
        expected = ["deceased"] if name == "Patient" else []
        assert extract({"resourceType": name}).present == expected


def test_entries_of_an_empty_resource_are_empty():
    assert extract({"resourceType": "Basic"}) == Entries([], [], [], [], [], [], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ågård", "agard"),
        ("  RENÉ\t\n  Müller ", "rene muller"),
        ("Straße", "strasse"),
        ("søæ", "søæ"),
        ("", ""),
    ],
)
def test_strings_are_compared_without_case_accents_and_extra_space(text, expected):
    assert normalise(text) == expected


@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)
