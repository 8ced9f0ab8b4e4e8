"""Whatever is valid FHIR is examined to an answer: findings, never a failure."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from altid.fhir import json
from altid.fhir.validation import validate
from altid.orders.catalogue import Catalogue
from altid.orders.dosage import write
from altid.orders.signing import examine
from tests.official_examples import INVALID, official_examples
from tests.orders.dosages import dosages
from tests.orders.orders import CATALOGUE, Resource, context, order, requisition

ALLERGY: Resource = {
    "resourceType": "AllergyIntolerance",
    "id": "a",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}], "text": "Paracetamol"},
    "patient": {"reference": "Patient/1"},
    "reaction": [{"substance": {"text": "x"}, "manifestation": [{"text": "y"}]}],
}
RESULT: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://npu-terminology.org", "code": "NPU18016"}]},
    "effectivePeriod": {"start": "2026-11"},
    "valueQuantity": {"value": 80},
}
KINDS = ("MedicationRequest", "ServiceRequest")


def places(content: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside."""
    inside = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in inside:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from places(value, (*before, key))


def gone(content: Resource, place: tuple[Any, ...]) -> Resource:
    """Without what is there; a primitive in a list becomes null, as FHIR has it for one with an extension."""
    left = copy.deepcopy(content)
    holder: Any = left
    for key in place[:-1]:
        holder = holder[key]
    if isinstance(holder, list) and not isinstance(holder[place[-1]], dict):
        holder[place[-1]] = None
    else:
        del holder[place[-1]]
    return left


WHOLE = {
    "order": order(
        "metformin",
        contained=[CATALOGUE.medications["Medication/mixtur"]],
        dispenseRequest={"validityPeriod": {"start": "2026-11-17", "end": "2026-11-18"}},
    ),
    "asked": requisition(),
    "allergy": ALLERGY,
    "result": RESULT,
    "other": order("metformin", id="other", status="active"),
    "drug": CATALOGUE.medications["Medication/metformin"],
}


@given(
    st.sampled_from(
        [
            (name, place)
            for name, content in WHOLE.items()
            for place in places(content)
            if place[-1] != "resourceType"
        ]
    )
)
def test_anything_may_be_missing(cut: tuple[str, tuple[Any, ...]]) -> None:
    name, place = cut
    known = {**WHOLE, name: gone(WHOLE[name], place)}
    around = context(
        allergies=[known["allergy"]],
        results=[known["result"]],
        current=[known["other"]],
        catalogue=Catalogue.of([known["drug"]]),
    )
    for kind in ("order", "asked", "other"):
        examine(known[kind], around)


@given(dosages)
def test_any_dosage_is_examined(made: Any) -> None:
    examined = examine(order(dosageInstruction=write(made, route={"text": "oral"})), context())
    texts = [instruction["text"] for instruction in examined.resource["dosageInstruction"]]
    assert all(texts)
    assert {finding.code for finding in examined.findings} <= {
        "required",
        "dose-unit",
        "dose-above-maximum",
    }


def test_the_official_examples_are_examined_and_stay_valid() -> None:
    seen = set[str]()
    for name, data in official_examples().items():
        if name in INVALID or not name.startswith(KINDS):
            continue
        content = json.loads(data)
        if content["resourceType"] not in KINDS:
            continue
        examined = examine(content, context())
        assert examined.findings, "none of them is a Danish order"
        assert validate(examined.resource) == []
        seen.add(content["resourceType"])
    assert seen == set(KINDS)
