"""FHIRPath Patch: R4 fhirpatch, and what JSON keeps beside primitives."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.outcome import FhirError
from altid.fhir.patch import apply_fhirpath_patch
from altid.fhir.patch.operation import OPERATIONS_MAX


def operation(type_: str, path: str, **parts: Any) -> dict[str, Any]:
    """An operation; `name` and the indexes are plain, `value` is the content of the part in JSON."""
    part: list[dict[str, Any]] = [
        {"name": "type", "valueCode": type_},
        {"name": "path", "valueString": path},
    ]
    for name, content in parts.items():
        if name == "value":
            part.append({"name": "value", **content})
        else:
            part.append({"name": name, "valueString" if name == "name" else "valueInteger": content})
    return {"name": "operation", "part": part}


def parameters(*operations: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(resource: dict[str, Any], *operations: Any) -> dict[str, Any]:
    return apply_fhirpath_patch(resource, parameters(*operations))


def refusal(resource: dict[str, Any], *operations: Any) -> FhirError:
    with pytest.raises(FhirError) as caught:
        patched(resource, *operations)
    return caught.value


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def identifiers(*values: str) -> list[dict[str, Any]]:
    return [{"system": "http://example.org", "value": value} for value in values]


class Case(NamedTuple):
    """What HL7's own list of cases tries, one row each."""

    before: dict[str, Any]
    operations: list[dict[str, Any]]
    after: dict[str, Any]


NAMED_CONTACT = {"name": {"text": "a name"}}
FOUR = patient(identifier=identifiers("1", "2", "3", "4"))
THIRD = {"valueIdentifier": identifiers("3")[0]}


def move(source: int, destination: int) -> dict[str, Any]:
    return operation("move", "Patient.identifier", source=source, destination=destination)


CASES = {
    "nothing to do": Case(patient(birthDate="1920-01-01"), [], patient(birthDate="1920-01-01")),
    "replace a primitive": Case(
        patient(birthDate="1920-01-01"),
        [operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    "delete a primitive": Case(
        patient(birthDate="1920-01-01"), [operation("delete", "Patient.birthDate")], patient()
    ),
    "add a primitive": Case(
        patient(),
        [operation("add", "Patient", name="birthDate", value={"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    "replace a nested primitive": Case(
        patient(contact=[{**NAMED_CONTACT, "gender": "male"}]),
        [operation("replace", "Patient.contact[0].gender", value={"valueCode": "female"})],
        patient(contact=[{**NAMED_CONTACT, "gender": "female"}]),
    ),
    "replace two levels down": Case(
        patient(contact=[NAMED_CONTACT]),
        [operation("replace", "Patient.contact[0].name.text", value={"valueString": "the name"})],
        patient(contact=[{"name": {"text": "the name"}}]),
    ),
    "delete a nested primitive": Case(
        patient(contact=[{**NAMED_CONTACT, "gender": "male"}]),
        [operation("delete", "Patient.contact[0].gender")],
        patient(contact=[NAMED_CONTACT]),
    ),
    "a container that is emptied goes too": Case(
        patient(contact=[{**NAMED_CONTACT, "gender": "male"}]),
        [operation("delete", "Patient.contact[0].name.text")],
        patient(contact=[{"gender": "male"}]),
    ),
    "add a nested primitive": Case(
        patient(contact=[NAMED_CONTACT]),
        [operation("add", "Patient.contact[0]", name="gender", value={"valueCode": "male"})],
        patient(contact=[{**NAMED_CONTACT, "gender": "male"}]),
    ),
    "add a complex value": Case(
        patient(),
        [
            operation(
                "add", "Patient", name="maritalStatus", value={"valueCodeableConcept": {"text": "married"}}
            )
        ],
        patient(maritalStatus={"text": "married"}),
    ),
    "replace a complex value": Case(
        patient(maritalStatus={"id": "1", "text": "married"}),
        [
            operation(
                "replace",
                "Patient.maritalStatus",
                value={"valueCodeableConcept": {"id": "2", "text": "not married"}},
            )
        ],
        patient(maritalStatus={"id": "2", "text": "not married"}),
    ),
    "delete a complex value": Case(
        patient(maritalStatus={"text": "married"}), [operation("delete", "Patient.maritalStatus")], patient()
    ),
    "add a backbone by parts": Case(
        patient(),
        [
            operation(
                "add",
                "Patient",
                name="contact",
                value={"part": [{"name": "name", "valueHumanName": {"text": "a name"}}]},
            )
        ],
        patient(contact=[NAMED_CONTACT]),
    ),
    "delete a backbone": Case(
        patient(contact=[NAMED_CONTACT]), [operation("delete", "Patient.contact[0]")], patient()
    ),
    "change the contents of a list": Case(
        patient(identifier=identifiers("1", "2")),
        [
            operation("replace", "Patient.identifier[0].value", value={"valueString": "2"}),
            operation("replace", "Patient.identifier[1].value", value={"valueString": "1"}),
        ],
        patient(identifier=identifiers("2", "1")),
    ),
    "insert at the end": Case(
        patient(identifier=identifiers("1", "2")),
        [operation("insert", "Patient.identifier", index=2, value=THIRD)],
        patient(identifier=identifiers("1", "2", "3")),
    ),
    "insert in between": Case(
        patient(identifier=identifiers("1", "2")),
        [operation("insert", "Patient.identifier", index=1, value=THIRD)],
        patient(identifier=identifiers("1", "3", "2")),
    ),
    "insert at the front": Case(
        patient(identifier=identifiers("1", "2")),
        [operation("insert", "Patient.identifier", index=0, value=THIRD)],
        patient(identifier=identifiers("3", "1", "2")),
    ),
    "insert into a list that is not there yet": Case(
        patient(),
        [operation("insert", "Patient.identifier", index=0, value=THIRD)],
        patient(identifier=identifiers("3")),
    ),
    "add to a list that is not there yet": Case(
        patient(),
        [operation("add", "Patient", name="identifier", value=THIRD)],
        patient(identifier=identifiers("3")),
    ),
    "delete the first": Case(
        FOUR, [operation("delete", "Patient.identifier[0]")], patient(identifier=identifiers("2", "3", "4"))
    ),
    "delete one in between": Case(
        FOUR, [operation("delete", "Patient.identifier[1]")], patient(identifier=identifiers("1", "3", "4"))
    ),
    "delete the last": Case(
        FOUR, [operation("delete", "Patient.identifier[3]")], patient(identifier=identifiers("1", "2", "3"))
    ),
    "move forward": Case(FOUR, [move(3, 1)], patient(identifier=identifiers("1", "4", "2", "3"))),
    "move to the front": Case(FOUR, [move(3, 0)], patient(identifier=identifiers("4", "1", "2", "3"))),
    "move by one": Case(FOUR, [move(3, 2)], patient(identifier=identifiers("1", "2", "4", "3"))),
    "move to the end": Case(FOUR, [move(0, 3)], patient(identifier=identifiers("2", "3", "4", "1"))),
    "move twice": Case(FOUR, [move(1, 0), move(2, 1)], patient(identifier=identifiers("2", "3", "1", "4"))),
    "turn a list round": Case(
        FOUR, [move(3, 0), move(3, 1), move(3, 2)], patient(identifier=identifiers("4", "3", "2", "1"))
    ),
    "a text as a string": Case(
        patient(text={"status": "generated", "div": "<div>a</div>"}),
        [operation("replace", "Patient.text.div", value={"valueString": "<div>b</div>"})],
        patient(text={"status": "generated", "div": "<div>b</div>"}),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_operation_does_what_the_standard_says(case: Case) -> None:
    assert patched(case.before, *case.operations) == case.after


def test_a_place_may_be_named_by_a_condition() -> None:
    before = patient(name=[{"use": "usual", "text": "Jim"}, {"use": "official", "text": "James"}])
    path = "Patient.name.where(use = 'official')"
    after = patched(before, operation("add", path, name="family", value={"valueString": "Dam"}))
    assert after["name"][1] == {"use": "official", "text": "James", "family": "Dam"}


def test_deleting_what_is_not_there_changes_nothing() -> None:
    assert patched(patient(active=True), operation("delete", "Patient.birthDate")) == patient(active=True)


def test_a_choice_gets_its_type_in_its_name() -> None:
    add = operation("add", "Patient", name="deceased", value={"valueBoolean": True})
    assert patched(patient(), add) == patient(deceasedBoolean=True)


@pytest.mark.parametrize("name", ["deceased[x]", "deceasedDateTime"])
def test_a_choice_may_be_named_as_in_the_definitions_or_as_in_json(name: str) -> None:
    add = operation("add", "Patient", name=name, value={"valueDateTime": "2026-01-02"})
    assert patched(patient(), add) == patient(deceasedDateTime="2026-01-02")


def test_a_choice_of_another_type_is_replaced_not_doubled() -> None:
    replace = operation("replace", "Patient.deceased", value={"valueDateTime": "2026-01-02"})
    assert patched(patient(deceasedBoolean=True), replace) == patient(deceasedDateTime="2026-01-02")


@pytest.mark.parametrize("name", ["deceased", "deceasedDateTime"])
def test_a_choice_is_not_added_beside_another_type(name: str) -> None:
    add = operation("add", "Patient", name=name, value={"valueDateTime": "2026-01-02"})
    assert refusal(patient(deceasedBoolean=True), add).issues[0].code == "duplicate"


def test_parts_may_nest_and_repeat() -> None:
    component = {
        "part": [
            {"name": "code", "valueCodeableConcept": {"text": "systolic"}},
            {"name": "value", "valueQuantity": {"value": 120}},
            {"name": "referenceRange", "part": [{"name": "text", "valueString": "below 130"}]},
            {"name": "referenceRange", "part": [{"name": "text", "valueString": "above 90"}]},
        ]
    }
    add = operation("add", "Observation", name="component", value=component)
    assert patched({"resourceType": "Observation"}, add)["component"] == [
        {
            "code": {"text": "systolic"},
            "valueQuantity": {"value": 120},
            "referenceRange": [{"text": "below 130"}, {"text": "above 90"}],
        }
    ]


def test_a_resource_can_be_contained() -> None:
    organization = {"resourceType": "Organization", "id": "o", "name": "Ward"}
    add = operation("add", "Patient", name="contained", value={"resource": organization})
    rename = operation(
        "replace", "Patient.contained[0].ofType(Organization).name", value={"valueString": "W"}
    )
    assert patched(patient(), add, rename)["contained"] == [{**organization, "name": "W"}]


EXTENSION = {"url": "http://example.org/x", "valueString": "VV"}


def test_an_extension_of_a_primitive_goes_beside_it() -> None:
    add = operation("add", "Patient.birthDate", name="extension", value={"valueExtension": EXTENSION})
    after = patched(patient(birthDate="1974-12-25"), add)
    assert after == patient(birthDate="1974-12-25", _birthDate={"extension": [EXTENSION]})


def test_an_extension_of_an_item_goes_beside_that_item() -> None:
    before = patient(name=[{"given": ["Peter", "James"]}])
    add = operation("add", "Patient.name[0].given[1]", name="extension", value={"valueExtension": EXTENSION})
    assert patched(before, add)["name"][0]["_given"] == [None, {"extension": [EXTENSION]}]


def test_extensions_move_and_go_with_their_primitives() -> None:
    name = {"given": ["A", "B", "C"], "_given": [None, {"id": "b"}, None]}
    path = "Patient.name[0].given"
    moved = patched(patient(name=[name]), operation("move", path, source=1, destination=2))["name"][0]
    assert moved == {"given": ["A", "C", "B"], "_given": [None, None, {"id": "b"}]}
    assert patched(patient(name=[moved]), operation("delete", path + "[2]"))["name"] == [
        {"given": ["A", "C"]}
    ]


def test_an_inserted_primitive_brings_its_extensions() -> None:
    name = {"given": ["A", "B"], "_given": [None, {"id": "b"}]}
    plain, extended = {"valueString": "C"}, {"valueString": "D", "_valueString": {"id": "d"}}
    after = patched(
        patient(name=[name]),
        operation("insert", "Patient.name.given", index=1, value=plain),
        operation("insert", "Patient.name.given", index=0, value=extended),
    )
    assert after["name"] == [
        {"given": ["D", "A", "C", "B"], "_given": [{"id": "d"}, None, None, {"id": "b"}]}
    ]


def test_a_replaced_primitive_has_the_extensions_that_were_sent() -> None:
    before = patient(birthDate="1974-12-25", _birthDate={"id": "old"})
    value = {"valueDate": "1975-01-01", "_valueDate": {"id": "new"}}
    after = patched(before, operation("replace", "Patient.birthDate", value=value))
    assert after == patient(birthDate="1975-01-01", _birthDate={"id": "new"})


def test_deleting_a_primitive_deletes_its_extensions() -> None:
    before = patient(birthDate="1974-12-25", _birthDate={"id": "old"})
    assert patched(before, operation("delete", "Patient.birthDate")) == patient()


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (
            operation(
                "add", "Patient.identifier.where(use = 'x').period", name="end", value={"valueDate": "2021"}
            ),
            "not-found",
        ),
        (operation("replace", "Patient.birthDate", value={"valueDate": "2021"}), "not-found"),
        (operation("replace", "Patient.identifier", value=THIRD), "multiple-matches"),
        (operation("delete", "Patient.identifier"), "multiple-matches"),
        (operation("delete", "Patient"), "business-rule"),
        (operation("delete", "Patient.nothing"), "invalid"),
        (operation("delete", "Patient.identifier.exists()"), "invalid"),
        (operation("delete", "Patient..identifier"), "invalid"),
        (operation("delete", "Observation.status"), "invalid"),
        (operation("add", "Patient", name="nothing", value={"valueString": "x"}), "not-found"),
        (operation("add", "Patient", name="resourceType", value={"valueString": "x"}), "not-found"),
        (operation("add", "Patient", name="active", value={"valueBoolean": True}), "duplicate"),
        (operation("add", "Patient", name="birthDate", value={"valueBoolean": True}), "value"),
        (operation("add", "Patient", name="birthDate", value={"valuePeriod": {}}), "value"),
        (operation("add", "Patient", name="deceased", value={"valueString": "x"}), "value"),
        (operation("add", "Patient", name="contained", value={"valueString": "x"}), "value"),
        (operation("add", "Patient", name="maritalStatus", value={"resource": {}}), "value"),
        (operation("add", "Patient", name="contact", value={"part": []}), "value"),
        (operation("insert", "Patient.identifier", index=5, value=THIRD), "value"),
        (operation("insert", "Patient.identifier[0]", index=0, value=THIRD), "invalid"),
        (operation("insert", "Patient.birthDate", index=0, value=THIRD), "invalid"),
        (operation("move", "Patient.identifier", source=4, destination=0), "value"),
        (operation("move", "Patient.identifier", source=0, destination=4), "value"),
    ],
)
def test_what_can_not_be_applied_is_refused_as_unprocessable(step: dict[str, Any], code: str) -> None:
    error = refusal({**FOUR, "active": True}, operation("delete", "Patient.language"), step)
    assert (error.status, error.issues[0].code) == (422, code)
    assert error.issues[0].expression == "Parameters.parameter[1]"
    assert "operation 1" in str(error)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": {}},
        parameters(7),
        parameters({"name": "other"}),
        parameters({"name": "operation"}),
        parameters({"name": "operation", "part": "x"}),
        parameters({"name": "operation", "part": [{"valueString": "x"}]}),
        parameters(operation("change", "Patient.active")),
        parameters(operation("add", "Patient", value={"valueString": "x"})),
        parameters(operation("add", "Patient", name="gender")),
        parameters(operation("add", "Patient", name=7, value={"valueCode": "male"})),
        parameters(operation("add", "Patient", name="gender", value={})),
        parameters(operation("add", "Patient", name="gender", value={"valueCode": "male", "part": []})),
        parameters(operation("add", "Patient", name="gender", value={"valueCode": ["male"]})),
        parameters(operation("add", "Patient", name="maritalStatus", value={"valueCodeableConcept": "x"})),
        parameters(
            operation(
                "add",
                "Patient",
                name="maritalStatus",
                value={"valueCodeableConcept": {"text": "x"}, "_valueCodeableConcept": {"id": "x"}},
            )
        ),
        parameters({"name": "operation", "part": operation("delete", "Patient.active")["part"] * 2}),
        parameters(operation("insert", "Patient.identifier", value=THIRD)),
        parameters(operation("insert", "Patient.identifier", index=-1, value=THIRD)),
        parameters(operation("insert", "Patient.identifier", index=True, value=THIRD)),
        parameters(operation("delete", "Patient.active", unheard=1)),
    ],
)
def test_what_is_no_fhirpath_patch_is_a_bad_request(sent: Any) -> None:
    with pytest.raises(FhirError) as caught:
        apply_fhirpath_patch(patient(), sent)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "step", [operation("delete", "Patient.id"), operation("replace", "Patient.id", value={"valueId": "b"})]
)
def test_the_id_can_not_be_changed(step: dict[str, Any]) -> None:
    assert str(refusal(patient(id="a"), step)) == "A patch can't change id."


def test_too_many_operations_are_refused() -> None:
    many = [operation("delete", "Patient.active")] * (OPERATIONS_MAX + 1)
    assert refusal(patient(), *many).issues[0].code == "too-costly"


def test_a_resource_can_not_be_nested_deeper_and_deeper() -> None:
    nested: dict[str, Any] = {"url": "u"}
    for _ in range(20):
        nested = {"url": "u", "extension": [nested]}
    add = operation("add", "Patient", name="extension", value={"valueExtension": nested})
    again = operation(
        "add", "Patient" + ".extension[0]" * 10, name="extension", value={"valueExtension": nested}
    )
    deeper = operation(
        "add", "Patient" + ".extension[0]" * 20, name="extension", value={"valueExtension": nested}
    )
    assert patched(patient(), add, again)
    assert refusal(patient(), add, deeper).issues[0].code == "too-costly"


def test_errors_never_repeat_a_value_that_was_sent() -> None:
    secret = "0101011234"
    path = f"Patient.identifier.where(value = '{secret}').use"
    for step in (
        operation("replace", path, value={"valueCode": "usual"}),
        operation("delete", f"Patient.'{secret}'"),
        operation("add", "Patient", name="birthDate", value={"valueInteger": int(secret)}),
        operation("add", "Patient", name="maritalStatus", value={"valueCodeableConcept": secret}),
    ):
        assert secret not in str(refusal(patient(), step))


BEFORE = patient(
    id="p",
    active=True,
    name=[{"family": "Dam", "given": ["Ib", "Bo"], "_given": [{"id": "g"}, None]}, {"text": "Ib"}],
    identifier=identifiers("1", "2"),
    deceasedBoolean=False,
)
PATHS = st.sampled_from(
    [
        "Patient",
        "Patient.id",
        "Patient.active",
        "Patient.name",
        "Patient.name[0]",
        "Patient.name[1].text",
        "Patient.name[0].given",
        "Patient.name[0].given[1]",
        "Patient.identifier",
        "Patient.identifier.where(value = '1')",
        "Patient.deceased",
        "Patient.contact.name",
    ]
) | st.text(alphabet="Patient.name[0]|()'= ", max_size=20)
NAMES = st.sampled_from(["active", "name", "given", "deceased", "extension", "contact", "id", "text", "x"])
VALUES = st.one_of(
    st.text(alphabet="ab", max_size=3).map(lambda text: {"valueString": text}),
    st.booleans().map(lambda flag: {"valueBoolean": flag}),
    st.just({"valueHumanName": {"family": "Holm"}}),
    st.just({"part": [{"name": "name", "valueHumanName": {"family": "Holm"}}]}),
    st.just({"_valueString": {"id": "x"}}),
)
INDEXES = st.integers(0, 3)
STEPS = st.one_of(
    st.builds(lambda path, name, value: operation("add", path, name=name, value=value), PATHS, NAMES, VALUES),
    st.builds(lambda path, value: operation("replace", path, value=value), PATHS, VALUES),
    st.builds(lambda path: operation("delete", path), PATHS),
    st.builds(
        lambda path, index, value: operation("insert", path, index=index, value=value), PATHS, INDEXES, VALUES
    ),
    st.builds(lambda path, a, b: operation("move", path, source=a, destination=b), PATHS, INDEXES, INDEXES),
)


def outcome(resource: dict[str, Any], sent: Any) -> dict[str, Any] | int:
    """The patched resource, or the status of the refusal."""
    try:
        return apply_fhirpath_patch(resource, sent)
    except FhirError as error:
        return error.status


@given(st.lists(STEPS, max_size=5))
def test_operations_work_or_are_refused_and_the_original_stays(steps: list[dict[str, Any]]) -> None:
    original, sent = copy.deepcopy(BEFORE), copy.deepcopy(steps)
    result = outcome(BEFORE, parameters(*steps))
    assert result in (400, 422) or (isinstance(result, dict) and result["id"] == "p")
    assert original == BEFORE
    assert steps == sent


TEXTS = st.sampled_from(["name", "part", "operation", "type", "path", "value", "valueString", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=12,
)


@given(JSON, st.lists(JSON, max_size=3))
def test_no_json_breaks_the_patch(content: Any, entries: list[Any]) -> None:
    result = outcome({"resourceType": "Patient", "name": content}, parameters(*entries))
    assert isinstance(result, dict) or result in (400, 422)


@given(JSON)
def test_no_resource_breaks_the_patch(content: Any) -> None:
    resource = {
        "resourceType": "Patient",
        "name": content,
        "identifier": [content],
        "deceasedBoolean": content,
    }
    for path in (
        "Patient.name",
        "Patient.name[0].given",
        "Patient.identifier.where(value = 'a')",
        "Patient.deceased",
    ):
        for step in (
            operation("delete", path),
            operation("add", path, name="id", value={"valueString": "x"}),
            operation("insert", path, index=0, value={"valueString": "x"}),
            operation("move", path, source=0, destination=0),
        ):
            result = outcome(resource, parameters(step))
            assert isinstance(result, dict) or result in (400, 422)


@given(st.permutations(range(4)), st.integers(0, 3), st.integers(0, 3))
def test_a_move_keeps_every_item(order: list[int], source: int, destination: int) -> None:
    before = patient(identifier=identifiers(*map(str, order)))
    after = patched(before, move(source, destination))["identifier"]
    assert after[destination] == before["identifier"][source]
    assert sorted(item["value"] for item in after) == ["0", "1", "2", "3"]
