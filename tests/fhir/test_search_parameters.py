from __future__ import annotations

import pytest

from altid.fhir.definitions import resource_types
from altid.fhir.search.parameters import (
    Source,
    compartments,
    is_alias,
    reference_codes,
    reference_terms,
    search_parameters,
    sources,
    unsupported,
)
from altid.fhir.search.summary import mandatory_elements, summary_elements


def test_every_type_has_the_parameters_of_all_resources():
    for name in resource_types():
        assert {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} <= set(
            search_parameters(name)
        )


def test_the_parameters_are_those_of_the_standard():
    canonicals = {p.url for name in resource_types() for p in search_parameters(name).values()}
    refused = {(name, code) for name in resource_types() for code in unsupported(name)}
    assert all(url.startswith("http://hl7.org/fhir/SearchParameter/") for url in canonicals)
    assert (len(canonicals), len(refused)) == (1364, 11)


def test_a_parameter_of_another_servers_own_is_not_there():
    assert "order-detail" not in search_parameters("ServiceRequest")


@pytest.mark.parametrize(
    ("type_name", "code", "expected"),
    [
        ("Observation", "patient", (Source("subject", "Patient"),)),
        ("Observation", "combo-code", (Source("code"), Source("component-code"))),
        ("Encounter", "practitioner", (Source("participant", "Practitioner"),)),
        ("Coverage", "patient", (Source("beneficiary"),)),
        ("AllergyIntolerance", "patient", (Source("patient"),)),
        ("EpisodeOfCare", "care-manager", (Source("care-manager"),)),
    ],
)
def test_a_parameter_is_answered_by_its_sources(type_name, code, expected):
    assert sources(type_name, code) == expected


def test_no_alias_is_answered_by_another_alias():
    for name in resource_types():
        for code in search_parameters(name):
            if is_alias(name, code):
                assert not any(is_alias(name, source.code) for source in sources(name, code))


def test_reference_entries_have_no_code_of_an_alias():
    assert "subject" in reference_codes("Observation")
    assert "patient" not in reference_codes("Observation")


def test_a_parameter_with_any_target_has_every_type():
    assert search_parameters("Provenance")["target"].targets == resource_types()


def test_a_reference_has_the_term_of_its_source():
    assert reference_terms("Observation", "patient", "Patient", "1") == ("Observation.subject=Patient/1",)


def test_a_reference_to_a_type_that_cannot_be_has_no_term():
    assert reference_terms("Observation", "patient", "Device", "1") == ()


def test_there_are_the_five_compartments_of_the_standard():
    assert set(compartments()) == {"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"}


def test_compartments_are_made_of_reference_parameters():
    for compartment, members in compartments().items():
        for name, codes in members.items():
            for code in set(codes) - {"{def}"}:
                assert reference_terms(name, code, compartment, "1"), (compartment, name, code)


def test_a_summary_has_the_elements_that_the_standard_marks():
    assert {"id", "status", "code", "valueQuantity"} <= summary_elements("Observation")
    assert not {"note", "text", "interpretation"} & summary_elements("Observation")


def test_what_a_resource_must_have_is_in_every_part_of_it():
    assert mandatory_elements("Observation") == {"status", "code"}
