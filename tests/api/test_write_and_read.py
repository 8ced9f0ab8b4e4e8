"""Create, read, update, delete, and the versions that they leave."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

Create = Callable[..., dict[str, Any]]

PATIENT = {"resourceType": "Patient", "name": [{"family": "Testesen"}], "active": True}


def ids(response: httpx.Response) -> list[str]:
    return [entry["resource"]["id"] for entry in response.json().get("entry", ())]


def test_a_created_resource_is_answered_with_its_place_and_version(fhir: httpx.Client) -> None:
    response = fhir.post("/Patient", json=PATIENT)
    assert response.status_code == 201
    stored = response.json()
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["location"] == f"{fhir.base_url}Patient/{stored['id']}/_history/1".replace(
        "fhir//", "fhir/"
    )
    assert stored["meta"]["versionId"] == "1"
    assert stored["name"] == PATIENT["name"]


def test_what_was_created_is_read_again(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", name=[{"family": "Læsøe"}])
    response = fhir.get(f"/Patient/{stored['id']}")
    assert response.status_code == 200
    assert response.json() == stored
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"


def test_decimals_keep_their_digits(fhir: httpx.Client) -> None:
    text = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'
    for digits in (
        "1.00",
        "0.0",
        "1e3",
        "-0.0",
        "3.14159265358979323846264338327950288",
        "100000000000000000000",
    ):
        created = fhir.post(
            "/Observation", content=text % digits, headers={"content-type": "application/fhir+json"}
        )
        assert created.status_code == 201, created.text
        read = fhir.get(f"/Observation/{created.json()['id']}").text
        assert f'"value":{digits}}}' in read


def test_an_update_makes_a_new_version_and_keeps_the_old(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    updated = fhir.put(f"/Patient/{stored['id']}", json={**stored, "active": False})
    assert updated.status_code == 200
    assert updated.json()["meta"]["versionId"] == "2"
    assert fhir.get(f"/Patient/{stored['id']}").json()["active"] is False
    assert fhir.get(f"/Patient/{stored['id']}/_history/1").json() == stored


def test_an_update_may_create_under_the_clients_id(fhir: httpx.Client, unique: str) -> None:
    response = fhir.put(f"/Patient/{unique}", json={**PATIENT, "id": unique})
    assert response.status_code == 201
    assert fhir.get(f"/Patient/{unique}").json()["id"] == unique


def test_an_update_needs_the_id_of_its_url(fhir: httpx.Client, unique: str) -> None:
    assert fhir.put(f"/Patient/{unique}", json=PATIENT).status_code == 400
    assert fhir.put(f"/Patient/{unique}", json={**PATIENT, "id": "other"}).status_code == 400


def test_an_update_with_the_wrong_version_is_refused(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"
    assert fhir.put(url, json=stored, headers={"if-match": 'W/"1"'}).status_code == 200
    refused = fhir.put(url, json=stored, headers={"if-match": 'W/"1"'})
    assert refused.status_code == 412
    assert refused.json()["issue"][0]["code"] == "conflict"
    assert fhir.get(url).json()["meta"]["versionId"] == "2"


@pytest.mark.parametrize("tag", ["1", "W/1", '"x"', 'W/"0"', 'W/"99999999999999999999"'])
def test_an_unreadable_if_match_is_an_error_and_not_ignored(
    fhir: httpx.Client, create: Create, tag: str
) -> None:
    stored = create("Patient", active=True)
    assert fhir.put(f"/Patient/{stored['id']}", json=stored, headers={"if-match": tag}).status_code == 400


def test_a_deleted_resource_is_gone_but_its_versions_stay(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"
    deleted = fhir.delete(url)
    assert (deleted.status_code, deleted.headers["etag"]) == (204, 'W/"2"')
    assert fhir.get(url).status_code == 410
    assert fhir.get(f"{url}/_history/2").status_code == 410
    assert fhir.get(f"{url}/_history/1").json() == stored
    assert fhir.get("/Patient", params={"_id": stored["id"]}).json()["total"] == 0


def test_deleting_twice_or_what_never_was_is_no_error(
    fhir: httpx.Client, create: Create, unique: str
) -> None:
    stored = create("Patient", active=True)
    for _ in range(2):
        assert fhir.delete(f"/Patient/{stored['id']}").status_code == 204
    assert fhir.delete(f"/Patient/{unique}").status_code == 204


def test_a_deleted_resource_can_come_back(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"
    fhir.delete(url)
    back = fhir.put(url, json=stored)
    assert (back.status_code, back.json()["meta"]["versionId"]) == (201, "3")
    assert fhir.get("/Patient", params={"_id": stored["id"]}).json()["total"] == 1


@pytest.mark.parametrize(
    "path", ["/Patient/nowhere", "/Patient/a%20b", "/Patient/x/_history/1", "/Patient/x/_history"]
)
def test_what_is_not_there_is_not_found(fhir: httpx.Client, path: str) -> None:
    response = fhir.get(path)
    assert response.status_code == 404
    assert response.json()["resourceType"] == "OperationOutcome"


def test_a_type_that_fhir_does_not_have_is_named(fhir: httpx.Client) -> None:
    response = fhir.get("/Patent/1")
    assert response.status_code == 404
    assert "Patent" in response.json()["issue"][0]["diagnostics"]


def test_an_unchanged_resource_is_not_sent_again(fhir: httpx.Client, create: Create) -> None:
    url = f"/Patient/{create('Patient', active=True)['id']}"
    first = fhir.get(url)
    assert fhir.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert fhir.get(url, headers={"if-none-match": 'W/"7"'}).status_code == 200
    since = {"if-modified-since": first.headers["last-modified"]}
    assert fhir.get(url, headers=since).status_code == 304
    assert fhir.get(url, headers={"if-modified-since": "Mon, 01 Jan 2024 00:00:00 GMT"}).status_code == 200


def test_head_answers_without_a_body(fhir: httpx.Client, create: Create) -> None:
    url = f"/Patient/{create('Patient', active=True)['id']}"
    response = fhir.head(url)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(fhir.get(url).content)


def test_prefer_decides_what_a_write_sends_back(fhir: httpx.Client) -> None:
    minimal = fhir.post("/Patient", json=PATIENT, headers={"prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = fhir.post("/Patient", json=PATIENT, headers={"prefer": "return=OperationOutcome"})
    assert outcome.json()["resourceType"] == "OperationOutcome"
    whole = fhir.post("/Patient", json=PATIENT, headers={"prefer": "return=representation"})
    assert whole.json()["resourceType"] == "Patient"


def test_history_tells_every_version_newest_first(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"
    fhir.put(url, json={**stored, "active": False})
    fhir.delete(url)
    entries = fhir.get(f"{url}/_history").json()["entry"]
    assert [entry["request"]["method"] for entry in entries] == ["DELETE", "PUT", "POST"]
    assert [entry["response"]["etag"] for entry in entries] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert "resource" not in entries[0]
    assert entries[2]["resource"] == stored


def test_history_in_pages_repeats_and_hides_nothing_while_others_write(
    fhir: httpx.Client, create: Create
) -> None:
    stored = create("Basic", code={"text": "0"})
    url = f"/Basic/{stored['id']}"
    for number in range(1, 7):
        fhir.put(url, json={**stored, "code": {"text": str(number)}})
    seen: list[str] = []
    page = fhir.get(f"{url}/_history", params={"_count": 3})
    while True:
        bundle = page.json()
        seen += [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]]
        fhir.put(url, json=stored)
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            break
        page = fhir.get(following[0])
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]


def test_the_history_of_a_type_and_of_everything_begins_with_the_newest(
    fhir: httpx.Client, create: Create
) -> None:
    stored = create("Flag", status="active", code={"text": "x"}, subject={"reference": "Patient/1"})
    for path in ("/Flag/_history", "/_history"):
        newest = fhir.get(path, params={"_count": 1}).json()["entry"][0]
        assert newest["resource"] == stored


def test_concurrent_updates_lose_none(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"

    def put(number: int) -> int:
        return fhir.put(url, json={**stored, "multipleBirthInteger": number}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(put, range(40))) == {200}
    versions = fhir.get(f"{url}/_history", params={"_count": 100}).json()["entry"]
    numbers = {v["resource"].get("multipleBirthInteger") for v in versions}
    assert len(versions) == 41
    assert numbers == {None, *range(40)}


def test_of_concurrent_updates_with_the_same_if_match_one_wins(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"

    def put(_: int) -> int:
        return fhir.put(url, json=stored, headers={"if-match": 'W/"1"'}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] + [412] * 7


def test_answers_are_compressed_for_who_wants_it(fhir: httpx.Client, create: Create) -> None:
    note = "Patienten har det efter omstændighederne godt. " * 100
    stored = create("Basic", code={"text": note})
    response = fhir.get(f"/Basic/{stored['id']}", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json() == stored
    plain = fhir.get(f"/Basic/{stored['id']}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
