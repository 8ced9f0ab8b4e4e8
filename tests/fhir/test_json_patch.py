"""JSON Patch: RFC 6902 as a patient's record needs it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.json import Decimal, dumps, loads
from altid.fhir.outcome import FhirError
from altid.fhir.patch import apply_json_patch
from altid.fhir.patch.json_patch import COPIED_NODES_MAX, OPERATIONS_MAX

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "name": [{"family": "Berggren", "given": ["Nancy", "Ann"]}],
    "maritalStatus": {"text": "gift"},
}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = PATIENT) -> dict[str, Any]:
    return apply_json_patch(resource, list(operations))


def refusal(*operations: Any, resource: dict[str, Any] = PATIENT) -> FhirError:
    with pytest.raises(FhirError) as caught:
        apply_json_patch(resource, list(operations))
    return caught.value


def test_add_puts_a_member_into_an_object() -> None:
    result = patched({"op": "add", "path": "/birthDate", "value": "1948-12-25"})
    assert result == {**PATIENT, "birthDate": "1948-12-25"}


def test_add_inserts_into_an_array_before_the_index() -> None:
    result = patched({"op": "add", "path": "/name/0/given/1", "value": "Lis"})
    assert result["name"][0]["given"] == ["Nancy", "Lis", "Ann"]


def test_add_with_a_dash_appends_to_an_array() -> None:
    result = patched({"op": "add", "path": "/name/0/given/-", "value": "Lis"})
    assert result["name"][0]["given"] == ["Nancy", "Ann", "Lis"]


def test_remove_takes_a_member_away() -> None:
    assert "active" not in patched({"op": "remove", "path": "/active"})


def test_replace_changes_a_value() -> None:
    assert patched({"op": "replace", "path": "/active", "value": False})["active"] is False


def test_move_takes_the_value_along() -> None:
    result = patched({"op": "move", "from": "/name/0/given/0", "path": "/name/0/given/1"})
    assert result["name"][0]["given"] == ["Ann", "Nancy"]


def test_copy_leaves_the_source_in_place() -> None:
    result = patched({"op": "copy", "from": "/name/0", "path": "/name/-"})
    assert result["name"] == [PATIENT["name"][0], PATIENT["name"][0]]


def test_a_pointer_may_escape_slash_and_tilde() -> None:
    result = patched({"op": "add", "path": "/a~1b~0c", "value": 1})
    assert result["a/b~c"] == 1


def test_operations_see_what_the_earlier_ones_did() -> None:
    result = patched(
        {"op": "remove", "path": "/name/0/given/0"},
        {"op": "replace", "path": "/name/0/given/0", "value": "Lis"},
    )
    assert result["name"][0]["given"] == ["Lis"]


def test_a_test_that_holds_changes_nothing() -> None:
    assert patched({"op": "test", "path": "/name/0/family", "value": "Berggren"}) == PATIENT


def test_a_failing_test_is_refused_and_names_its_operation() -> None:
    error = refusal(
        {"op": "test", "path": "/active", "value": True}, {"op": "test", "path": "/active", "value": False}
    )
    assert (error.status, str(error)) == (422, "Patch operation 1: the test failed, so nothing is changed.")


def test_true_is_not_the_number_one() -> None:
    assert refusal({"op": "test", "path": "/active", "value": 1}).status == 422


def test_decimals_keep_their_digits() -> None:
    observation = loads(b'{"resourceType":"Observation","valueQuantity":{"value":1.00}}')
    operations = loads(b'[{"op":"add","path":"/referenceRange","value":[{"low":{"value":0.10}}]}]')
    result = apply_json_patch(observation, operations)
    assert dumps(result["valueQuantity"]) + dumps(result["referenceRange"]) == (
        b'{"value":1.00}[{"low":{"value":0.10}}]'
    )


def test_a_copied_decimal_keeps_its_digits() -> None:
    resource = {"resourceType": "Observation", "a": {"value": Decimal("6.10")}}
    assert (
        dumps(patched({"op": "copy", "from": "/a", "path": "/b"}, resource=resource)["b"])
        == b'{"value":6.10}'
    )


def test_numbers_are_tested_by_value() -> None:
    resource = {"resourceType": "Observation", "value": Decimal("1.00")}
    assert patched({"op": "test", "path": "/value", "value": Decimal("1.0")}, resource=resource) == resource


def test_what_a_remove_leaves_empty_is_dropped() -> None:
    result = patched(
        {"op": "remove", "path": "/name/0/family"},
        {"op": "remove", "path": "/name/0/given/0"},
        {"op": "remove", "path": "/name/0/given/0"},
    )
    assert "name" not in result


def test_an_emptied_array_can_be_filled_again() -> None:
    result = patched(
        {"op": "remove", "path": "/name/0"}, {"op": "add", "path": "/name/-", "value": {"text": "N"}}
    )
    assert result["name"] == [{"text": "N"}]


def test_an_empty_object_that_was_sent_is_left_for_the_validation_to_refuse() -> None:
    result = patched(
        {"op": "replace", "path": "/maritalStatus", "value": {}}, {"op": "remove", "path": "/name/0"}
    )
    assert result["maritalStatus"] == {}


@pytest.mark.parametrize("member", ["id", "resourceType"])
def test_id_and_type_can_not_be_changed(member: str) -> None:
    error = refusal({"op": "replace", "path": f"/{member}", "value": "other"})
    assert (error.status, str(error)) == (422, f"A patch can't change {member}.")


def test_the_id_can_not_be_moved_away() -> None:
    assert refusal({"op": "move", "from": "/id", "path": "/implicitRules"}).status == 422


def test_the_whole_can_be_replaced_if_it_stays_the_same_resource() -> None:
    whole = {"resourceType": "Patient", "id": "p1", "active": False}
    assert patched({"op": "replace", "path": "", "value": whole}) == whole


@pytest.mark.parametrize("value", [None, 1, "text", [], [{"id": "p1"}]])
def test_the_whole_can_not_be_replaced_by_something_else(value: Any) -> None:
    assert refusal({"op": "replace", "path": "", "value": value}).status == 422


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/birthDate"},
        {"op": "replace", "path": "/name/1", "value": {}},
        {"op": "replace", "path": "/name/-", "value": {}},
        {"op": "add", "path": "/name/2", "value": {}},
        {"op": "add", "path": "/name/x", "value": {}},
        {"op": "add", "path": "/contact/name", "value": {}},
        {"op": "add", "path": "/name/-/family", "value": "x"},
        {"op": "add", "path": "/active/deeper", "value": 1},
        {"op": "move", "from": "/name", "path": "/name/0/given"},
        {"op": "copy", "from": "/nothing", "path": "/name/0/given"},
        {"op": "remove", "path": ""},
        {"op": "test", "path": "/birthDate", "value": None},
    ],
)
def test_a_location_that_is_not_there_is_refused_as_unprocessable(operation: dict[str, Any]) -> None:
    error = refusal({"op": "test", "path": "/active", "value": True}, operation)
    assert error.status in (400, 422)
    assert "operation 1" in str(error)


@pytest.mark.parametrize(
    "patch",
    [
        {},
        "text",
        None,
        [1],
        [["op"]],
        [{}],
        [{"op": "append", "path": "/a", "value": "x"}],
        [{"op": ["add"], "path": "/a", "value": "x"}],
        [{"op": "add", "value": "x"}],
        [{"op": "add", "path": "a", "value": "x"}],
        [{"op": "add", "path": "/a~2", "value": "x"}],
        [{"op": "add", "path": 7, "value": "x"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "move", "path": "/a"}],
    ],
)
def test_what_is_no_json_patch_is_a_bad_request(patch: Any) -> None:
    with pytest.raises(FhirError) as caught:
        apply_json_patch(PATIENT, patch)
    assert caught.value.status == 400


def test_too_many_operations_are_refused() -> None:
    operations = [{"op": "test", "path": "/active", "value": True}] * (OPERATIONS_MAX + 1)
    assert refusal(*operations).issues[0].code == "too-costly"


def test_copies_can_not_grow_without_bound() -> None:
    doubling = [{"op": "copy", "from": "/name", "path": "/name/-"}] * OPERATIONS_MAX
    assert refusal(*doubling).issues[0].code == "too-costly"


def test_copies_are_limited_by_their_sum() -> None:
    resource = {"resourceType": "Basic", "list": [0] * (COPIED_NODES_MAX // 3)}
    one_copy = {"op": "copy", "from": "/list", "path": "/other"}
    assert patched(one_copy, one_copy, resource=resource)["other"] == resource["list"]
    assert refusal(one_copy, one_copy, one_copy, resource=resource).issues[0].code == "too-costly"


def test_a_patch_can_not_nest_deeper_than_json_is_read() -> None:
    deep: Any = 1
    for _ in range(62):
        deep = [deep]
    assert patched({"op": "add", "path": "/name/-", "value": deep})["name"][1] == deep
    assert refusal({"op": "add", "path": "/name/0/given/-", "value": deep}).issues[0].code == "too-costly"


def test_errors_never_repeat_a_value_that_was_sent() -> None:
    secret = "0101011234"
    for operation in (
        {"op": "test", "path": "/name/0/family", "value": secret},
        {"op": "replace", "path": f"/{secret}", "value": secret},
        {"op": secret, "path": "/a"},
    ):
        assert secret not in str(refusal(operation))


TEXTS = st.text(alphabet="ab/~é", max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.sampled_from(["0", "1.50"]).map(Decimal),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=12,
)
LOCATIONS = [
    "",
    "/",
    "/id",
    "/active",
    "/name",
    "/name/-",
    "/name/0",
    "/name/0/given",
    "/name/0/given/1",
    "/new",
]
POINTERS = st.sampled_from(LOCATIONS) | st.text(alphabet="/~-019an", max_size=8)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": JSON},
)


def outcome(resource: dict[str, Any], patch: Any) -> dict[str, Any] | int:
    """The patched resource, or the status of the refusal."""
    try:
        return apply_json_patch(resource, patch)
    except FhirError as error:
        return error.status


@given(st.lists(OPERATIONS, max_size=6))
def test_operations_work_or_are_refused_and_the_original_stays(operations: list[dict[str, Any]]) -> None:
    original, sent = copy.deepcopy(PATIENT), copy.deepcopy(operations)
    result = outcome(PATIENT, operations)
    assert result in (400, 422) or (isinstance(result, dict) and result["id"] == "p1")
    assert original == PATIENT
    assert operations == sent


@given(JSON, JSON)
def test_no_json_breaks_the_patch(content: Any, patch: Any) -> None:
    result = outcome({"resourceType": "Basic", "content": content}, patch)
    assert isinstance(result, dict) or result in (400, 422)


@given(JSON, st.sampled_from(["/active", "/name", "/name/0", "/name/0/given/1", "/maritalStatus/text"]))
def test_what_was_replaced_tests_equal(value: Any, path: str) -> None:
    result = patched({"op": "replace", "path": path, "value": value})
    assert patched({"op": "test", "path": path, "value": value}, resource=result) == result


@given(JSON)
def test_the_result_shares_nothing_with_the_patch(value: Any) -> None:
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "/new", "value": [value]},
        {"op": "add", "path": "/new/-", "value": 1},
    ]
    apply_json_patch(PATIENT, operations)
    assert operations[0]["value"] == [value]
