"""Validation of resources: what is refused, where, and that what is valid is not."""

from __future__ import annotations

from typing import Any

import pytest
from valid_resources import Resource, observation, patient, prescription, questionnaire, transaction

from altid.fhir.outcome import Issue
from altid.fhir.validation import FAULTS_MAX, validate


def found(resource: Any, **options: Any) -> list[tuple[str | None, str]]:
    return [(issue.expression, issue.code) for issue in validate(resource, **options)]


def only(resource: Any, **options: Any) -> Issue:
    (issue,) = validate(resource, **options)
    return issue


@pytest.mark.parametrize(
    "resource",
    [observation(), patient(), prescription(), questionnaire(), transaction(observation(), patient(id=None))],
    ids=lambda resource: resource["resourceType"],
)
def test_a_valid_resource_has_no_issues(resource: Resource) -> None:
    assert validate(resource) == []


# Resources


@pytest.mark.parametrize("body", [None, [], "Patient", 7, True])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert found(body) == [(None, "structure")]


@pytest.mark.parametrize(
    "name", ["Patients", "patient", "Resource", "HumanName", "Patient.contact", 7, None, ["Patient"]]
)
def test_an_unknown_type_of_resource_is_refused(name: Any) -> None:
    assert found({"resourceType": name}) == [(None, "structure")]


def test_a_resource_without_a_type_is_refused() -> None:
    assert found({"id": "p1"}) == [(None, "structure")]


def test_a_resource_of_another_type_than_expected_is_refused() -> None:
    issue = only(patient(), expected_type="Observation")
    assert (issue.code, issue.text("en")) == ("invalid", "The resource must be of type Observation.")


# Elements


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (observation(statuss="final"), ("Observation.statuss", "structure")),
        (observation(_code={"id": "a"}), ("Observation.code", "structure")),
        (observation(effective="2024"), ("Observation.effective", "structure")),
        (observation(valueMoney={"value": 1}), ("Observation.valueMoney", "structure")),
        (patient(contact=[{"name": {"last": "a"}}]), ("Patient.contact[0].name.last", "structure")),
        (observation(status=None), ("Observation.status", "required")),
        (patient(link=[{"type": "seealso"}]), ("Patient.link[0].other", "required")),
        (prescription(medicationCodeableConcept=None), ("MedicationRequest.medication", "required")),
        (observation(valueString="a"), ("Observation.value", "structure")),
        (
            observation(_valueString={"extension": [{"url": "a:b", "valueCode": "c"}]}),
            ("Observation.value", "structure"),
        ),
        (observation(code=[{"text": "a"}]), ("Observation.code", "structure")),
        (observation(status=["final"]), ("Observation.status", "structure")),
        (patient(name={"family": "a"}), ("Patient.name", "structure")),
        (patient(name=[]), ("Patient.name", "structure")),
        (patient(name=[[{"family": "a"}]]), ("Patient.name[0]", "structure")),
        (patient(name=[{"family": "a"}, {}]), ("Patient.name[1]", "invariant")),
        (patient(maritalStatus={}), ("Patient.maritalStatus", "invariant")),
        (patient(maritalStatus={"id": "only"}), ("Patient.maritalStatus", "invariant")),
        (patient(maritalStatus="gift"), ("Patient.maritalStatus", "structure")),
        (patient(name=[None]), ("Patient.name[0]", "structure")),
        (patient(name=[{"given": ["a", None]}]), ("Patient.name[0].given[1]", "structure")),
        (patient(gender={"a": 1}), ("Patient.gender", "structure")),
        (patient(active="true"), ("Patient.active", "structure")),
        (patient(birthDate="2021-02-30", _birthDate=None), ("Patient.birthDate", "value")),
        (patient(birthDate="2021-02-30"), ("Patient.birthDate", "value")),
        (patient(id="a b"), ("Patient.id", "value")),
        (patient(contact=[{"telecom": [{"rank": 0}]}]), ("Patient.contact[0].telecom[0].rank", "value")),
        (
            prescription(dispenseRequest={"quantity": {"value": 1, "comparator": "<"}}),
            ("MedicationRequest.dispenseRequest.quantity.comparator", "structure"),
        ),
        (
            questionnaire(item=[{"linkId": "1", "type": "group", "item": [{"linkId": "2"}]}]),
            ("Questionnaire.item[0].item[0].type", "required"),
        ),
    ],
)
def test_a_broken_element_is_found_at_its_place(resource: Resource, expected: tuple[str, str]) -> None:
    assert found(resource) == [expected]


def test_null_is_no_element() -> None:
    resource = observation()
    resource["note"] = None
    assert found(resource) == [("Observation.note", "structure")]


def test_every_fault_of_a_resource_is_told() -> None:
    resource = patient(
        gender="f", birthDate="1950", contact=[{"telecom": [{"system": "x"}, {"system": "y"}]}]
    )
    assert [place for place, _ in found(resource)] == [
        "Patient.gender",
        "Patient.contact[0].telecom[0].system",
        "Patient.contact[0].telecom[1].system",
    ]


def test_a_required_element_may_have_an_extension_instead_of_a_value() -> None:
    absent = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}
    assert validate(observation(status=None, _status=absent)) == []


def test_what_has_no_such_name_is_not_quoted() -> None:
    issue = only({"resourceType": "Patient", "010250-4321 Nancy": 1})
    assert issue.expression == "Patient"
    assert "Nancy" not in issue.text("en") + issue.text("da")


# Primitives with extensions


@pytest.mark.parametrize(
    "name",
    [
        {"_family": {"id": "a", "extension": [{"url": "a:b", "valueCode": "c"}]}},
        {"family": "a", "_family": {"id": "only"}},
        {"_given": [{"extension": [{"url": "a:b", "valueCode": "c"}]}]},
        {"given": [None, "a"], "_given": [{"extension": [{"url": "a:b", "valueCode": "c"}]}, None]},
    ],
)
def test_a_primitive_may_have_extensions(name: Resource) -> None:
    assert validate(patient(name=[name])) == []


EXTENSION = {"extension": [{"url": "a:b", "valueCode": "c"}]}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ({"_family": {}}, ".family"),
        ({"_family": {"id": "only"}}, ".family"),
        ({"_family": None}, ".family"),
        ({"_family": [EXTENSION]}, ".family"),
        ({"family": None, "_family": EXTENSION}, ".family"),
        ({"family": 1, "_family": EXTENSION}, ".family"),
        ({"family": "a", "_family": {"id": 1}}, ".family.id"),
        ({"family": "a", "_family": {"value": "b"}}, ".family.value"),
        ({"_family": {"extension": [{"url": "a:b"}]}}, ".family.extension[0]"),
        ({"given": ["a"], "_given": EXTENSION}, ".given"),
        ({"given": "a", "_given": [EXTENSION]}, ".given"),
        ({"given": ["a", "b"], "_given": [EXTENSION]}, ".given"),
        ({"given": ["a"], "_given": []}, ".given"),
        ({"_given": [None]}, ".given[0]"),
        ({"given": [None], "_given": [None]}, ".given[0]"),
        ({"given": [1], "_given": [None]}, ".given[0]"),
        ({"_period": {"id": "a"}, "family": "a"}, ".period"),
        ({"_id": {"id": "a"}, "family": "a"}, ".id"),
    ],
)
def test_a_fault_beside_a_primitive_is_found_at_its_place(name: Resource, place: str) -> None:
    assert only(patient(name=[name])).expression == "Patient.name[0]" + place


def test_null_beside_a_primitive_is_called_null() -> None:
    assert (
        only(patient(name=[{"family": "a", "_family": None}])).text("en").startswith("null is allowed only")
    )
    assert (
        only(patient(name=[{"family": None, "_family": EXTENSION}]))
        .text("en")
        .startswith("null is allowed only")
    )


# Extensions


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ({"valueCode": "a"}, ("Patient.extension[0].url", "required")),
        ({"url": "a:b"}, ("Patient.extension[0]", "invariant")),
        (
            {"url": "a:b", "valueCode": "a", "extension": [EXTENSION["extension"][0]]},
            ("Patient.extension[0]", "invariant"),
        ),
        ({"url": "a:b", "valueCode": "a", "valueId": "a"}, ("Patient.extension[0].value", "structure")),
        (
            {"url": "a:b", "_valueCode": EXTENSION, "_valueId": EXTENSION},
            ("Patient.extension[0].value", "structure"),
        ),
        ({"url": "a:b", "valuePatient": "a"}, ("Patient.extension[0].valuePatient", "structure")),
        ({"url": "a b", "valueCode": "a"}, ("Patient.extension[0].url", "value")),
    ],
)
def test_an_extension_has_a_url_and_a_value_or_extensions(
    extension: Resource, expected: tuple[str, str]
) -> None:
    assert found(patient(extension=[extension])) == [expected]


# Required codes


def test_a_code_outside_its_required_value_set_is_refused() -> None:
    issue = only(observation(status="finished"))
    assert (issue.expression, issue.code) == ("Observation.status", "code-invalid")
    assert "finished" not in issue.text("en")


CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def condition(status: Resource) -> Resource:
    return {"resourceType": "Condition", "clinicalStatus": status, "subject": {"reference": "Patient/p1"}}


@pytest.mark.parametrize(
    "status",
    [
        {"coding": [{"system": CLINICAL, "code": "active"}]},
        {"coding": [{"system": "http://example.org", "code": "x"}, {"system": CLINICAL, "code": "resolved"}]},
        {"extension": [{"url": "a:b", "valueCode": "unknown"}]},
    ],
)
def test_a_concept_needs_one_coding_of_its_required_value_set(status: Resource) -> None:
    assert validate(condition(status)) == []


@pytest.mark.parametrize(
    "status",
    [
        {"coding": [{"system": CLINICAL, "code": "aktiv"}]},
        {"coding": [{"code": "active"}]},
        {"coding": [{"system": "http://example.org", "code": "active"}]},
        {"coding": [{"system": CLINICAL}]},
        {"text": "active"},
    ],
)
def test_a_concept_outside_its_required_value_set_is_refused(status: Resource) -> None:
    assert found(condition(status)) == [("Condition.clinicalStatus", "code-invalid")]


# References


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p1"},
        {"reference": "Patient/p1/_history/2"},
        {"reference": "https://example.org/fhir/Group/g"},
        {"reference": "https://example.org/fhir/Group/g/_history/7"},
        {"reference": "https://example.org/patients.php?id=7"},
        {"reference": "urn:uuid:C757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "urn:oid:1.2.3"},
        {"display": "Nancy"},
        {"identifier": {"value": "1"}},
    ],
)
def test_a_reference_may_have_any_form_of_r4(subject: Resource) -> None:
    assert validate(observation(subject=subject)) == []


@pytest.mark.parametrize(
    "reference",
    [
        "p1",
        "Patient",
        "Patient/",
        "/Patient/p1",
        "Patient/p 1",
        "Patient/" + "x" * 65,
        "Patient/p1/name",
        "Patients/p1",
        "Patient?identifier=1",
        "urn:uuid:1",
        "urn:oid:7.1",
        "urn:oid:1.2.",
    ],
)
def test_a_malformed_reference_is_refused(reference: str) -> None:
    assert found(observation(subject={"reference": reference})) == [
        ("Observation.subject.reference", "value")
    ]


@pytest.mark.parametrize(
    "reference", ["Observation/1", "Observation/1/_history/1", "http://example.org/fhir/Observation/1"]
)
def test_a_reference_to_a_wrong_type_is_refused(reference: str) -> None:
    issue = only(observation(subject={"reference": reference}))
    assert (issue.expression, issue.code) == ("Observation.subject.reference", "structure")
    assert issue.text("en") == "This reference may only point to: Device, Group, Location, Patient."


def test_a_conditional_reference_belongs_in_a_transaction() -> None:
    conditional = observation(subject={"reference": "Patient?identifier=urn:oid:1.2|3"})
    assert validate(conditional, in_transaction=True) == []
    assert validate(transaction(conditional)) == []


def test_a_conditional_reference_to_a_wrong_type_is_refused() -> None:
    wrong = observation(subject={"reference": "Medication?code=1"})
    assert only(wrong, in_transaction=True).expression == "Observation.subject.reference"


# Contained resources


def with_contained(*contained: Resource, practitioner: str = "#a", **changed: Any) -> Resource:
    return patient(contained=list(contained), generalPractitioner=[{"reference": practitioner}], **changed)


A = {"resourceType": "Organization", "id": "a", "name": "A"}


def test_contained_resources_may_refer_to_each_other_and_to_their_container() -> None:
    b = {"resourceType": "Organization", "id": "b", "partOf": {"reference": "#a"}}
    practice = {"resourceType": "PractitionerRole", "id": "c", "organization": {"reference": "#b"}}
    owner = {"resourceType": "RelatedPerson", "id": "r", "patient": {"reference": "#"}}
    assert validate(with_contained(A, b, practice, owner, practitioner="#c")) == []


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (with_contained(A, practitioner="#b"), ("Patient.generalPractitioner[0].reference", "invariant")),
        (patient(contained=None), ("Patient.generalPractitioner[0].reference", "invariant")),
        (with_contained(A, practitioner="Practitioner/1"), ("Patient.contained[0]", "invariant")),
        (with_contained(A | {"id": None} | {"name": "x"}), ("Patient.contained[0].id", "structure")),
        (with_contained(A, A), ("Patient.contained[1].id", "structure")),
        (with_contained(A | {"contained": [A]}), ("Patient.contained[0].contained", "invariant")),
        (with_contained(A | {"meta": {"versionId": "1"}}), ("Patient.contained[0].meta", "invariant")),
        (
            with_contained(A | {"meta": {"security": [{"code": "R"}]}}),
            ("Patient.contained[0].meta.security", "invariant"),
        ),
        (with_contained(A | {"nam": "A"}), ("Patient.contained[0].nam", "structure")),
        (with_contained({"id": "a"}), ("Patient.contained[0]", "structure")),
        (with_contained(A | {"resourceType": "Device"}), ("Patient.contained[0].name", "structure")),
        (
            with_contained({"resourceType": "Device", "id": "a"}),
            ("Patient.generalPractitioner[0].reference", "structure"),
        ),
    ],
)
def test_a_fault_of_a_contained_resource_is_found_at_its_place(
    resource: Resource, expected: tuple[str, str]
) -> None:
    assert expected in found(resource)


# Resources inside resources


def test_a_fault_in_an_entry_of_a_bundle_has_its_path() -> None:
    bundle = transaction(patient(), observation(), observation(status="finished"))
    assert found(bundle) == [("Bundle.entry[2].resource.status", "code-invalid")]


def test_a_resource_in_a_bundle_has_its_own_contained_resources() -> None:
    other = patient(contained=None)
    assert found(transaction(patient(), other)) == [
        ("Bundle.entry[1].resource.generalPractitioner[0].reference", "invariant")
    ]


def test_a_parameter_may_be_a_resource() -> None:
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "a", "resource": observation(status="x")}],
    }
    assert found(parameters) == [("Parameters.parameter[0].resource.status", "code-invalid")]


# Limits


def test_only_so_many_faults_are_told_and_the_last_says_so() -> None:
    issues = validate(patient(name=[{"use": "x"}] * (FAULTS_MAX + 1)))
    assert len(issues) == FAULTS_MAX + 1
    assert issues[-1].code == "too-costly"


def test_a_flood_of_unknown_elements_is_cut_off() -> None:
    assert len(validate(patient(**{f"x{number}": 1 for number in range(10_000)}))) == FAULTS_MAX + 1


def test_faults_of_contained_resources_are_cut_off_too() -> None:
    contained = [{"resourceType": "Organization", "id": f"o{number}", "name": "A"} for number in range(200)]
    assert len(validate(patient(contained=contained, generalPractitioner=None))) == FAULTS_MAX + 1


def test_deep_extensions_are_followed() -> None:
    extension: Resource = {"url": "a:b", "valueCode": " "}
    for _ in range(28):
        extension = {"url": "a:b", "extension": [extension]}
    place = "Patient" + ".extension[0]" * 29 + ".value"
    assert found(patient(extension=[extension])) == [(place, "value")]
