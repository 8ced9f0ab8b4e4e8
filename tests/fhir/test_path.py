from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from fhirpathpy import evaluate as evaluate_elsewhere
from fhirpathpy.models import models
from hypothesis import given
from hypothesis import strategies as st
from search_resources import ALL, BLOOD_PRESSURE, OBSERVATION, PATIENT

from altid.fhir.definitions import resource_types
from altid.fhir.path import Location, PathError, evaluate, locate, parse, routes
from altid.fhir.path_syntax import DEPTH_MAX, LENGTH_MAX, STEPS_MAX
from altid.fhir.search.parameters import search_parameters

R4 = models["r4"]


def values(path: str, resource: dict[str, Any] = PATIENT) -> list[Any]:
    return evaluate(parse(path), resource, resource["resourceType"])


def places(path: str, resource: dict[str, Any] = PATIENT) -> list[Location]:
    return locate(parse(path), resource, resource["resourceType"])


def parameter_paths() -> list[tuple[dict[str, Any], str]]:
    """Expressions that need no other resource and no type that JSON does not tell."""
    return [
        (resource, parameter.expression)
        for resource in ALL
        for parameter in search_parameters(resource["resourceType"]).values()
        if "resolve()" not in parameter.expression
    ]


@pytest.mark.parametrize(("resource", "path"), parameter_paths())
def test_a_search_parameter_selects_what_another_implementation_selects(resource, path):
    ours = values(path, resource)
    theirs = evaluate_elsewhere(deepcopy(resource), in_todays_words(path), model=R4)
    assert sorted(map(as_json, ours)) == sorted(map(as_json, theirs))


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=float)


def in_todays_words(path: str) -> str:
    """`as` on several values, as the standard's expressions have it, is `ofType` since FHIRPath N1."""
    return re.sub(r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)", path).replace(".as(", ".ofType(")


@pytest.mark.parametrize(
    "path",
    [
        "Patient.name.given.first()",
        "Patient.name[1].text",
        "Patient.name.where(use = 'official').family",
        "Patient.name.where(use = 'official' or use = 'usual').use",
        "Patient.name.where(given.exists()).given.last()",
        "Patient.name.where(family.empty()).text",
        "Patient.name.where(use != 'official').use",
        "Patient.active.not()",
        "Patient.active = true and Patient.gender = 'male'",
        "Patient.deceased.ofType(dateTime)",
        "Patient.deceased is dateTime",
        "Patient.telecom.where(system = 'phone').value | Patient.gender",
        "Patient.identifier.where(type.coding.where(code = 'NNDNK').exists()).value",
        "Patient.identifier.exists(system = 'urn:oid:1.2.208.176.1.2')",
        "Patient.photo.exists()",
        "name.given",
        "Patient.name.given[7]",
    ],
)
def test_the_functions_mean_what_they_mean_elsewhere(path):
    assert values(path) == evaluate_elsewhere(deepcopy(PATIENT), path, model=R4)


def test_every_search_parameter_of_the_standard_fits_its_type():
    for type_name in resource_types():
        for parameter in search_parameters(type_name).values():
            assert routes(parse(parameter.expression), type_name)


def test_a_choice_falls_apart_into_one_route_per_type():
    found = routes(parse("Observation.value"), "Observation")
    assert {route.type for route in found} >= {"Quantity", "CodeableConcept", "string", "Period"}


def test_as_keeps_only_the_route_of_its_type():
    (route,) = routes(parse("(Observation.value as Quantity)"), "Observation")
    assert (route.type, route.steps[0].name) == ("Quantity", "valueQuantity")


def test_a_reference_resolves_to_its_type_by_its_text():
    assert values("Observation.subject.where(resolve() is Patient)", OBSERVATION) == [OBSERVATION["subject"]]


def test_a_reference_to_a_contained_resource_resolves_to_its_type():
    path = "Observation.subject.where(resolve() is Group)"
    assert values(path, BLOOD_PRESSURE) == [BLOOD_PRESSURE["subject"]]


def test_a_reference_to_another_type_is_left_out():
    assert values("Observation.subject.where(resolve() is Device)", OBSERVATION) == []


def test_a_gap_in_a_list_of_primitives_is_no_value():
    patient = {"resourceType": "Patient", "name": [{"given": [None, "Bo"], "_given": [{"id": "a"}, None]}]}
    assert values("Patient.name.given", patient) == ["Bo"]


def test_an_extension_is_chosen_by_its_url():
    extension = {"url": "http://example.org/e", "valueBoolean": True}
    patient = {"resourceType": "Patient", "extension": [{"url": "http://example.org/x"}, extension]}
    assert values("Patient.extension('http://example.org/e').value", patient) == [True]


def test_a_place_says_where_the_value_stands():
    (place,) = places("Patient.name[0].family")
    assert place == (PATIENT["name"][0], "family", "string")


def test_a_place_in_a_list_has_a_position():
    (place,) = places("Patient.name.where(use = 'usual')")
    assert (place.parent is PATIENT["name"], place.key, place.type) == (True, 1, "HumanName")


def test_the_place_of_a_choice_is_the_key_that_is_there():
    (place,) = places("Patient.deceased")
    assert place.key == "deceasedDateTime"


def test_the_resource_itself_stands_in_a_list_of_its_own():
    (place,) = places("Patient")
    assert place.value is PATIENT


def test_a_missing_element_has_no_place():
    assert places("Patient.photo") == []


def test_a_computed_value_has_no_place():
    with pytest.raises(PathError):
        places("Patient.name.exists()")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Patient.",
        "Patient..name",
        "Patient.name[",
        "Patient.name[-1]",
        "Patient.name['a']",
        "Patient.name.where(",
        "Patient.name.given.upper()",
        "Patient.name + 1",
        "%resource.name",
        "Patient.name as",
        "Patient name",
        "'open",
    ],
)
def test_what_is_no_path_of_ours_is_refused_with_a_place(path):
    with pytest.raises(PathError):
        parse(path)


@pytest.mark.parametrize(
    "path", ["Patient.nam", "Observation.value", "Patient.name as Nonsense", "Patient as Group"]
)
def test_a_path_that_does_not_fit_the_type_is_refused(path):
    with pytest.raises(PathError):
        values(path)


def test_an_error_does_not_repeat_a_value():
    with pytest.raises(PathError) as caught:
        parse("Patient.name.where(family = 'Jensen' &")
    assert "Jensen" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["a" * (LENGTH_MAX + 1), "(" * (DEPTH_MAX + 1) + "a" + ")" * (DEPTH_MAX + 1), "a" + ".a" * STEPS_MAX],
)
def test_a_path_beyond_the_limits_is_refused(path):
    with pytest.raises(PathError):
        parse(path)


@given(st.text())
def test_any_text_is_a_path_or_refused(text):
    try:
        parse(text)
    except PathError:
        return


@given(st.text(alphabet="Patient.name()[]|='0 whereisas$`\\", max_size=60))
def test_text_close_to_a_path_is_a_path_or_refused(text):
    try:
        values(text)
    except PathError:
        return
