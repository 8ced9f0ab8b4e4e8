"""The tables of R4: what HL7 published, nothing more and nothing less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from altid.fhir import definitions
from tools.definitions.__main__ import EXIT_UNREACHABLE

ROOT = Path(__file__).resolve().parents[2]


def element(type_name: str, name: str) -> definitions.ElementDefinition:
    return definitions.type_definition(type_name).elements[name]


def test_definitions_are_regenerated_alike() -> None:
    command = [sys.executable, "-m", "tools.definitions", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    if run.returncode == EXIT_UNREACHABLE:
        pytest.skip(f"the package registry cannot be reached: {run.stderr.strip()}")
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_are_146_types_of_resources_to_store() -> None:
    assert len(definitions.resource_types()) == 146


def test_abstract_types_cannot_be_stored() -> None:
    assert {"Resource", "DomainResource"}.isdisjoint(definitions.resource_types())


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("Meta", "project"),
        ("Binary", "url"),
        ("ResearchStudy", "label"),
        ("ObservationDefinition", "publisher"),
    ],
)
def test_elements_that_are_not_of_r4_are_absent(type_name: str, name: str) -> None:
    assert name not in definitions.type_definition(type_name).elements


def test_what_the_source_had_loosened_is_as_in_r4() -> None:
    assert element("EvidenceVariable", "characteristic").minimum == 1
    assert element("Bundle.entry.response", "outcome").types == ("Resource",)
    assert element("MeasureReport", "subject").targets == frozenset(
        {"Patient", "Practitioner", "PractitionerRole", "Location", "Device", "RelatedPerson", "Group"}
    )


def test_inherited_elements_are_written_out() -> None:
    assert {"id", "meta", "text", "contained", "extension"} <= set(
        definitions.type_definition("Observation").elements
    )


def test_a_backbone_is_a_type_named_by_its_path() -> None:
    assert element("Patient", "contact").types == ("Patient.contact",)
    assert definitions.type_definition("Patient.contact").kind == "backbone"


def test_a_content_reference_names_the_backbone_that_it_repeats() -> None:
    assert element("Observation.component", "referenceRange").types == ("Observation.referenceRange",)


def test_a_choice_has_one_json_name_for_each_type() -> None:
    assert element("Observation", "effective").json_names() == {
        "effectiveDateTime": "dateTime",
        "effectivePeriod": "Period",
        "effectiveTiming": "Timing",
        "effectiveInstant": "instant",
    }


def test_the_id_of_a_resource_is_an_id_and_that_of_an_element_a_string() -> None:
    assert element("Patient", "id").types == ("id",)
    assert element("HumanName", "id").types == ("string",)


def test_a_reference_to_any_type_has_no_targets() -> None:
    assert element("Observation", "focus").targets is None


def test_only_required_bindings_are_kept() -> None:
    assert element("Observation", "status").binding == "http://hl7.org/fhir/ValueSet/observation-status"
    assert element("Observation", "interpretation").binding is None


def test_a_required_value_set_lists_its_codes() -> None:
    codes = definitions.value_set("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert codes == {
        "http://hl7.org/fhir/administrative-gender": frozenset({"male", "female", "other", "unknown"})
    }


def test_a_value_set_without_an_end_has_no_list() -> None:
    assert definitions.value_set("http://hl7.org/fhir/ValueSet/mimetypes") is None


def test_every_type_of_an_element_is_defined() -> None:
    waiting, seen = sorted(definitions.resource_types()), set[str]()
    while waiting:
        definition = definitions.type_definition(waiting.pop())
        seen.add(definition.name)
        for part in definition.elements.values():
            waiting += [kind for kind in part.types if kind not in seen and kind not in waiting]
    assert "Timing.repeat" in seen


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(KeyError):
        definitions.type_definition("Patients")
