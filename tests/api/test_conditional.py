"""Conditional create, update, patch and delete: one resource, whoever asks at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

Create = Callable[..., dict[str, Any]]

SYSTEM = "https://example.dk/numbers"


def patient(value: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], **elements}


def count(fhir: httpx.Client, value: str) -> int:
    total: int = fhir.get("/Patient", params={"identifier": f"{SYSTEM}|{value}"}).json()["total"]
    return total


def test_a_conditional_create_makes_one_and_then_finds_it(fhir: httpx.Client, unique: str) -> None:
    headers = {"if-none-exist": f"identifier={SYSTEM}|{unique}"}
    first = fhir.post("/Patient", json=patient(unique), headers=headers)
    second = fhir.post("/Patient", json=patient(unique), headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert count(fhir, unique) == 1


def test_concurrent_conditional_creates_make_one_resource(fhir: httpx.Client, unique: str) -> None:
    headers = {"if-none-exist": f"identifier={SYSTEM}|{unique}"}

    def post(_: int) -> int:
        return fhir.post("/Patient", json=patient(unique), headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(24))) == [200] * 23 + [201]
    assert count(fhir, unique) == 1


def test_concurrent_conditional_updates_make_one_resource(fhir: httpx.Client, unique: str) -> None:
    def put(_: int) -> int:
        return fhir.put(
            "/Patient", params={"identifier": f"{SYSTEM}|{unique}"}, json=patient(unique)
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(16))) == [200] * 15 + [201]
    assert count(fhir, unique) == 1


def test_concurrent_conditional_creates_in_transactions_make_one_resource(
    fhir: httpx.Client, unique: str
) -> None:
    request = {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier={SYSTEM}|{unique}"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient(unique), "request": request}],
    }

    def post(_: int) -> int:
        return fhir.post("", json=bundle).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post, range(16))) == {200}
    assert count(fhir, unique) == 1


def test_a_condition_that_matches_several_is_refused(fhir: httpx.Client, unique: str) -> None:
    for _ in range(2):
        fhir.post("/Patient", json=patient(unique))
    condition = f"identifier={SYSTEM}|{unique}"
    refused = [
        fhir.post("/Patient", json=patient(unique), headers={"if-none-exist": condition}),
        fhir.put(f"/Patient?{condition}", json=patient(unique)),
        fhir.delete(f"/Patient?{condition}"),
        fhir.patch(
            f"/Patient?{condition}",
            json=[{"op": "add", "path": "/active", "value": True}],
            headers={"content-type": "application/json-patch+json"},
        ),
    ]
    assert [response.status_code for response in refused] == [412] * 4
    assert count(fhir, unique) == 2


def test_a_conditional_update_updates_the_match(fhir: httpx.Client, unique: str) -> None:
    fhir.post("/Patient", json=patient(unique, active=True))
    updated = fhir.put(f"/Patient?identifier={SYSTEM}|{unique}", json=patient(unique, active=False))
    assert updated.status_code == 200
    assert updated.json()["meta"]["versionId"] == "2"
    assert updated.json()["active"] is False


def test_a_conditional_update_of_a_missing_resource_takes_its_id(fhir: httpx.Client, unique: str) -> None:
    created = fhir.put(f"/Patient?identifier={SYSTEM}|{unique}", json=patient(unique, id=unique))
    assert (created.status_code, created.json()["id"]) == (201, unique)


def test_a_conditional_update_with_another_id_is_refused(fhir: httpx.Client, unique: str) -> None:
    fhir.post("/Patient", json=patient(unique))
    refused = fhir.put(f"/Patient?identifier={SYSTEM}|{unique}", json=patient(unique, id="another"))
    assert refused.status_code == 400


def test_a_conditional_delete_deletes_the_match(fhir: httpx.Client, unique: str) -> None:
    fhir.post("/Patient", json=patient(unique))
    assert fhir.delete(f"/Patient?identifier={SYSTEM}|{unique}").status_code == 204
    assert count(fhir, unique) == 0


@pytest.mark.parametrize("query", ["", "?_format=json", "?nonsense=1"])
def test_a_conditional_delete_without_real_criteria_is_refused(fhir: httpx.Client, query: str) -> None:
    assert fhir.delete(f"/Patient{query}").status_code in (400, 412)


def test_a_condition_with_an_unknown_parameter_is_refused_and_nothing_stored(
    fhir: httpx.Client, unique: str
) -> None:
    headers = {"if-none-exist": f"identifer={SYSTEM}|{unique}"}
    assert fhir.post("/Patient", json=patient(unique), headers=headers).status_code == 412
    assert count(fhir, unique) == 0


def test_a_conditional_update_may_bring_back_a_deleted_resource(fhir: httpx.Client, unique: str) -> None:
    fhir.put(f"/Patient/{unique}", json=patient(unique, id=unique))
    fhir.delete(f"/Patient/{unique}")
    back = fhir.put(f"/Patient?identifier={SYSTEM}|{unique}", json=patient(unique, id=unique))
    assert (back.status_code, back.json()["meta"]["versionId"]) == (201, "3")
