"""Idempotency-Key: the same request sent again is the same write, whichever server gets it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

MALE = {"resourceType": "Patient", "gender": "male"}
PATCH = {"content-type": "application/json-patch+json"}


def key(unique: str, **headers: str) -> dict[str, str]:
    return {"idempotency-key": f"key-{unique}", **headers}


def facts(response: httpx.Response) -> tuple[int, Any, Any, bytes]:
    headers = response.headers
    return response.status_code, headers.get("etag"), headers.get("location"), response.content


def history(fhir: httpx.Client, reference: str) -> int:
    return len(fhir.get(f"/{reference}/_history").json()["entry"])


def test_a_create_sent_again_makes_one_resource_and_gets_the_same_answer(
    fhir: httpx.Client, unique: str
) -> None:
    first = fhir.post("/Patient", json=MALE, headers=key(unique))
    second = fhir.post("/Patient", json=MALE, headers=key(unique))
    assert first.status_code == 201
    assert facts(first) == facts(second)
    assert history(fhir, f"Patient/{first.json()['id']}") == 1


def test_a_create_sent_again_after_the_resource_has_changed_gets_its_own_answer(
    fhir: httpx.Client, unique: str
) -> None:
    first = fhir.post("/Patient", json=MALE, headers=key(unique))
    made = first.json()
    fhir.put(f"/Patient/{made['id']}", json={**made, "gender": "other"})
    assert facts(fhir.post("/Patient", json=MALE, headers=key(unique))) == facts(first)


def test_many_at_once_with_one_key_make_one_resource(fhir: httpx.Client, unique: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: fhir.post("/Patient", json=MALE, headers=key(unique)), range(16))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_an_update_with_if_match_sent_again_gets_its_first_answer_and_no_conflict(
    fhir: httpx.Client, unique: str
) -> None:
    url = f"/Patient/{unique}"
    fhir.put(url, json={**MALE, "id": unique})
    change = {**MALE, "id": unique, "active": True}
    first = fhir.put(url, json=change, headers=key(unique, **{"if-match": 'W/"1"'}))
    second = fhir.put(url, json=change, headers=key(unique, **{"if-match": 'W/"1"'}))
    assert first.status_code == 200
    assert facts(first) == facts(second)
    assert history(fhir, f"Patient/{unique}") == 2


def test_a_patch_sent_again_is_applied_once(fhir: httpx.Client, unique: str) -> None:
    url = f"/Patient/{unique}"
    fhir.put(url, json={**MALE, "id": unique, "name": [{"text": "A"}]})
    add = [{"op": "add", "path": "/name/-", "value": {"text": "B"}}]
    first = fhir.patch(url, json=add, headers=key(unique, **PATCH))
    second = fhir.patch(url, json=add, headers=key(unique, **PATCH))
    assert first.status_code == 200
    assert facts(first) == facts(second)
    assert [name["text"] for name in fhir.get(url).json()["name"]] == ["A", "B"]


def test_a_deletion_sent_again_spares_what_was_made_meanwhile(fhir: httpx.Client, unique: str) -> None:
    url = f"/Patient/{unique}"
    fhir.put(url, json={**MALE, "id": unique})
    first = fhir.delete(url, headers=key(unique))
    fhir.put(url, json={**MALE, "id": unique})
    assert facts(fhir.delete(url, headers=key(unique))) == facts(first)
    assert fhir.get(url).status_code == 200


def test_a_conditional_create_sent_again_is_answered_as_created(fhir: httpx.Client, unique: str) -> None:
    resource = {**MALE, "identifier": [{"system": "s", "value": unique}]}
    headers = key(unique, **{"if-none-exist": f"identifier=s|{unique}"})
    first = fhir.post("/Patient", json=resource, headers=headers)
    assert first.status_code == 201
    assert facts(fhir.post("/Patient", json=resource, headers=headers)) == facts(first)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_key_that_comes_with_another_content_is_refused(
    fhir: httpx.Client, unique: str, method: str
) -> None:
    fhir.put(f"/Patient/{unique}", json={**MALE, "id": unique})
    url = "/Patient" if method == "POST" else f"/Patient/{unique}"
    headers = key(unique, **(PATCH if method == "PATCH" else {}))
    contents: list[Any] = [{**MALE, "id": unique, "gender": gender} for gender in ("female", "other")]
    if method == "PATCH":
        contents = [[{"op": "replace", "path": "/gender", "value": gender}] for gender in ("female", "other")]
    assert fhir.request(method, url, json=contents[0], headers=headers).is_success
    refused = fhir.request(method, url, json=contents[1], headers=headers)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["code"] == "duplicate"


def test_a_key_that_comes_with_another_condition_is_refused(fhir: httpx.Client, unique: str) -> None:
    url, resource = f"/Patient/{unique}", {**MALE, "id": unique}
    for version in (1, 2):
        fhir.put(url, json={**resource, "multipleBirthInteger": version})
    assert fhir.put(url, json=resource, headers=key(unique, **{"if-match": 'W/"2"'})).status_code == 200
    for condition in ({"if-match": 'W/"9"'}, {}):
        assert fhir.put(url, json=resource, headers=key(unique, **condition)).status_code == 422


def test_a_create_whose_key_comes_with_another_condition_is_refused(fhir: httpx.Client, unique: str) -> None:
    assert fhir.post("/Patient", json=MALE, headers=key(unique)).status_code == 201
    headers = key(unique, **{"if-none-exist": f"identifier=s|{unique}"})
    assert fhir.post("/Patient", json=MALE, headers=headers).status_code == 422


def test_a_key_belongs_to_its_interaction(fhir: httpx.Client, unique: str) -> None:
    patient = fhir.post("/Patient", json=MALE, headers=key(unique))
    group = fhir.post("/Basic", json={"resourceType": "Basic", "code": {"text": "t"}}, headers=key(unique))
    assert (patient.status_code, group.status_code) == (201, 201)
    assert patient.json()["id"] != group.json()["id"]


@pytest.mark.parametrize("text", ["", "two words", "x" * 256, "æ".encode()])
def test_a_key_that_is_none_is_refused(fhir: httpx.Client, text: str | bytes) -> None:
    response = fhir.post("/Patient", json=MALE, headers={"idempotency-key": text})
    assert response.status_code == 400


def test_where_a_key_cannot_be_kept_it_is_refused(fhir: httpx.Client, unique: str) -> None:
    search = f"/Patient?identifier=s|{unique}"
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    refused = [
        fhir.put(search, json=MALE, headers=key(unique)),
        fhir.patch(search, json=[], headers=key(unique, **PATCH)),
        fhir.delete(search, headers=key(unique)),
        fhir.post("", json=bundle, headers=key(unique)),
    ]
    assert {response.status_code for response in refused} == {400}
