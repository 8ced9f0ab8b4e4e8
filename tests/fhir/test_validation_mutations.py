"""Break one thing anywhere in a valid resource: it is found, at its place, and nothing sent is quoted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valid_resources import Resource, observation, patient, prescription, questionnaire, transaction

from altid.fhir.definitions import ElementDefinition, type_definition
from altid.fhir.json import Decimal
from altid.fhir.validation import FAULTS_MAX, validate

Steps = tuple[str | int, ...]

VALID = [
    observation(),
    patient(),
    prescription(),
    questionnaire(),
    transaction(observation(), patient(), prescription()),
]

_TYPES_WITH_CHOICES = """
    Observation Observation.component Patient MedicationRequest Extension Dosage Timing.repeat
    Dosage.doseAndRate Questionnaire.item.answerOption Questionnaire.item.enableWhen
"""
_CHOICES = {
    name: element.name
    for type_name in _TYPES_WITH_CHOICES.split()
    for element in type_definition(type_name).elements.values()
    if element.is_choice
    for name in element.json_names()
}

resources = st.sampled_from(VALID)


def places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Every place below `value`, primitives' extensions included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in items:
        yield (*steps, step)
        yield from places(child, (*steps, step))


def at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def fhirpath(resource: Resource, steps: Steps) -> str:
    path = str(resource["resourceType"])
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            name = step.removeprefix("_")
            path += "." + _CHOICES.get(name, name)
    return path


def is_in_pair(resource: Resource, steps: Steps) -> bool:
    """Whether a place is, or has beside it, a primitive's `_name`; those have tests of their own."""
    for length, step in enumerate(steps):
        around = at(resource, steps[:length])
        if isinstance(step, str) and (step.startswith("_") or "_" + step in around):
            return True
    return False


def is_plain(resource: Resource, steps: Steps) -> bool:
    return "resourceType" not in steps and "div" not in steps and not is_in_pair(resource, steps)


def broken(resource: Resource, steps: Steps, value: Any) -> Resource:
    changed = copy.deepcopy(resource)
    at(changed, steps[:-1])[steps[-1]] = value
    return changed


def expressions(resource: Resource) -> list[str | None]:
    return [issue.expression for issue in validate(resource)]


def of_another_json_type(value: Any) -> Any:
    match value:
        case bool():
            return "true"
        case int() | float():
            return "12"
        case str():
            return 12
        case list():
            return {"id": "a"}
        case _:
            return "text"


@st.composite
def places_in_resources(draw: st.DrawFn) -> tuple[Resource, Steps]:
    resource = draw(resources)
    return resource, draw(st.sampled_from([steps for steps in places(resource) if is_plain(resource, steps)]))


@given(places_in_resources())
def test_a_value_of_another_json_type_is_found_at_its_place(case: tuple[Resource, Steps]) -> None:
    resource, steps = case
    changed = broken(resource, steps, of_another_json_type(at(resource, steps)))
    assert fhirpath(resource, steps) in expressions(changed)


@given(places_in_resources(), st.sampled_from([None, {}, []]))
def test_an_empty_value_is_found_at_its_place(case: tuple[Resource, Steps], empty: Any) -> None:
    resource, steps = case
    assert fhirpath(resource, steps) in expressions(broken(resource, steps, empty))


@given(places_in_resources())
def test_an_unknown_element_is_found_at_its_place(case: tuple[Resource, Steps]) -> None:
    resource, steps = case
    if not isinstance(at(resource, steps), dict):
        steps = next(
            steps[:end] for end in range(len(steps), -1, -1) if isinstance(at(resource, steps[:end]), dict)
        )
    changed = broken(resource, (*steps, "unheardOf"), 1)
    assert fhirpath(resource, (*steps, "unheardOf")) in expressions(changed)


def required_places(resource: Resource) -> Iterator[Steps]:
    """Places of elements without which what is around them is not valid."""
    yield from _required(resource, resource["resourceType"], ())


def _required(value: Any, type_name: str, steps: Steps) -> Iterator[Steps]:
    definition = type_definition(type_name)
    known: dict[str, tuple[ElementDefinition, str]] = {
        name: (element, kind)
        for element in definition.elements.values()
        for name, kind in element.json_names().items()
    }
    for name, child in value.items():
        if name not in known:
            continue
        element, kind = known[name]
        if element.minimum > 0:
            yield (*steps, name)
        for index, item in enumerate(child) if isinstance(child, list) else [(None, child)]:
            here = (*steps, name) if index is None else (*steps, name, index)
            if isinstance(item, dict):
                yield from _required(item, item.get("resourceType", kind), here)


@given(st.data())
def test_a_missing_required_element_is_found_at_its_place(data: st.DataObject) -> None:
    resource = data.draw(resources)
    steps = data.draw(st.sampled_from(list(required_places(resource))))
    changed = copy.deepcopy(resource)
    del at(changed, steps[:-1])[steps[-1]]
    assert fhirpath(resource, steps) in expressions(changed)


SECRET = "Nancy 010250-4321"


@given(st.data())
def test_no_issue_quotes_what_was_sent(data: st.DataObject) -> None:
    resource = data.draw(resources)
    texts = [steps for steps in places(resource) if isinstance(at(resource, steps), str)]
    changed = copy.deepcopy(resource)
    for steps in data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=5)):
        if steps[-1] != "resourceType":
            at(changed, steps[:-1])[steps[-1]] = f"{SECRET}\x00"
    for issue in validate(changed):
        assert SECRET not in issue.text("en") + issue.text("da") + str(issue.expression)


NAMES = sorted({str(step) for resource in VALID for steps in places(resource) for step in steps})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(Decimal("1.0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.sampled_from(["Patient", "Observation", "Bundle", "Questionnaire"]), json_values)
def test_whatever_the_body_the_answer_is_issues_with_text(type_name: str, body: Any) -> None:
    resource = {**body, "resourceType": type_name} if isinstance(body, dict) else body
    issues = validate(resource)
    assert len(issues) <= FAULTS_MAX + 1
    assert all(issue.text("en") and issue.text("da") for issue in issues)


@given(places_in_resources(), json_values)
def test_whatever_stands_anywhere_the_answer_is_issues(case: tuple[Resource, Steps], value: Any) -> None:
    resource, steps = case
    for issue in validate(broken(resource, steps, value)):
        assert issue.expression is not None
        assert issue.expression.startswith(resource["resourceType"])


@pytest.mark.parametrize("resource", VALID, ids=lambda resource: resource["resourceType"])
def test_validation_changes_nothing(resource: Resource) -> None:
    before = copy.deepcopy(resource)
    validate(resource)
    assert resource == before
