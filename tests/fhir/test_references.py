from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_resources import ALL, PATIENT, TASK, written

from altid.fhir.references import conditional_references, references, rewrite, target_type

URN = "urn:uuid:0b0a6f8e-6b1c-4e3b-8f6e-0a5d2a3f4c5d"
NEW = {URN: "Patient/new"}


def test_every_reference_of_a_resource_is_found():
    assert list(references(PATIENT)) == ["Practitioner/gp-1", "Organization/org-1/_history/3"]


def test_references_in_extensions_and_contained_resources_are_found():
    resource = written("""
    {"resourceType": "Patient", "birthDate": "2024", "_birthDate":
      {"extension": [{"url": "u", "valueReference": {"reference": "Encounter/birth"}}]},
     "contained": [{"resourceType": "Group", "managingEntity": {"reference": "Organization/2"}}]}""")
    assert sorted(references(resource)) == ["Encounter/birth", "Organization/2"]


def test_a_reference_is_exchanged():
    assert rewrite(TASK, NEW)["owner"] == {"reference": "Patient/new"}


def test_the_given_resource_is_left_as_it_is():
    before = copy.deepcopy(TASK)
    rewrite(TASK, NEW)
    assert before == TASK


def test_a_resource_that_needs_no_change_is_not_copied():
    assert rewrite(PATIENT, NEW) is PATIENT


@pytest.mark.parametrize("element", ["valueUri", "valueUrl", "valueUuid", "valueOid"])
def test_an_address_in_an_element_of_its_type_is_exchanged(element):
    resource = {"resourceType": "Patient", "extension": [{"url": "u", element: URN}]}
    assert rewrite(resource, NEW)["extension"][0][element] == "Patient/new"


@pytest.mark.parametrize("element", ["valueString", "valueCanonical", "valueId"])
def test_the_same_text_in_an_element_of_another_type_stays(element):
    resource = {"resourceType": "Patient", "extension": [{"url": "u", element: URN}]}
    assert rewrite(resource, NEW) is resource


def test_an_identifier_that_looks_like_an_address_stays():
    resource = {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN}]}
    assert rewrite(resource, NEW) is resource


def test_links_and_pictures_in_a_narrative_are_exchanged():
    div = f'<div><a href="{URN}">her</a><img alt="x" src=\'{URN}\'/><a href="#top">op</a></div>'
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    expected = '<div><a href="Patient/new">her</a><img alt="x" src="Patient/new"/><a href="#top">op</a></div>'
    assert rewrite(resource, NEW)["text"]["div"] == expected


def test_references_to_this_server_become_relative():
    resource = {"resourceType": "Task", "for": {"reference": "https://ours.example.org/fhir/Patient/1"}}
    assert rewrite(resource, {}, "https://ours.example.org/fhir")["for"]["reference"] == "Patient/1"


def test_references_to_another_server_stay():
    resource = {"resourceType": "Task", "for": {"reference": "https://ours.example.org/fhir2/Patient/1"}}
    assert rewrite(resource, {}, "https://ours.example.org/fhir") is resource


def test_references_within_contained_resources_are_exchanged():
    resource = {
        "resourceType": "Task",
        "contained": [{"resourceType": "Group", "member": [{"entity": {"reference": URN}}]}],
    }
    assert list(references(rewrite(resource, NEW))) == ["Patient/new"]


def test_a_conditional_reference_says_its_type_and_its_parameters():
    text = "Practitioner?identifier=urn:oid:1.2%7C7&active=true"
    resource = {"resourceType": "Task", "owner": {"reference": text}}
    expected = ("Practitioner", (("identifier", "urn:oid:1.2|7"), ("active", "true")))
    assert conditional_references(resource) == {text: expected}


def test_a_literal_reference_is_not_conditional():
    assert conditional_references(PATIENT) == {}


def test_what_is_no_resource_has_no_references():
    assert conditional_references(None) == {}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Patient/1"}, "Patient"),
        ({"reference": "Patient/1/_history/2"}, "Patient"),
        ({"reference": "https://x.example.org/a/fhir/Device/1"}, "Device"),
        ({"reference": "Patient?identifier=1"}, "Patient"),
        ({"reference": "#p"}, "Person"),
        ({"reference": "#q", "type": "Group"}, "Group"),
        ({"reference": URN, "type": "Patient"}, "Patient"),
        ({"reference": URN}, None),
        ({"display": "Nogen"}, None),
        ("http://example.org/fhir/Questionnaire/1", "Questionnaire"),
    ],
)
def test_the_type_that_a_reference_points_to(reference, expected):
    root = {"resourceType": "Task", "contained": [{"resourceType": "Person", "id": "p"}]}
    assert target_type(reference, root) == expected


@given(
    st.sampled_from(ALL), st.dictionaries(st.sampled_from([r for x in ALL for r in references(x)]), st.text())
)
def test_rewriting_twice_with_the_way_back_changes_nothing(resource, mapping):
    there = {old: f"urn:new:{number}" for number, old in enumerate(mapping)}
    back = {new: old for old, new in there.items()}
    assert rewrite(rewrite(resource, there), back) == resource
