"""Corners that were wrong once, or nearly: each would lose, double or hide something."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson
import pytest

from altid.api.page import encode

Create = Callable[..., dict[str, Any]]

SYSTEM = "https://example.dk/numbers"
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def patient(value: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], **elements}


def transaction(*entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def entry(method: str, url: str, resource: Any = None, **others: Any) -> dict[str, Any]:
    extra = {"resource": resource} if resource is not None else {}
    full_url = {"fullUrl": others.pop("full_url")} if "full_url" in others else {}
    return {"request": {"method": method, "url": url, **others}, **extra, **full_url}


def count(fhir: httpx.Client, value: str) -> int:
    total: int = fhir.get("/Patient", params={"identifier": f"{SYSTEM}|{value}"}).json()["total"]
    return total


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_pages_sorted_by_date_show_what_has_no_end_or_no_beginning(
    fhir: httpx.Client, create: Create, unique: str, sort: str
) -> None:
    meta = {"tag": [{"code": unique}]}
    periods = [{"start": "2026-01-01"}] * 3 + [{"end": "2026-02-01"}] * 3 + [{"start": "2026", "end": "2027"}]
    for period in periods:
        create("Encounter", meta=meta, status="planned", period=period, **{"class": {"code": "IMP"}})
    seen: list[str] = []
    url: str | None = f"/Encounter?_tag={unique}&_sort={sort}&_count=1"
    while url:
        bundle = fhir.get(url).json()
        seen += [e["resource"]["id"] for e in bundle.get("entry", ())]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    assert len(seen) == len(set(seen)) == 7


def test_the_same_condition_twice_in_a_transaction_makes_no_twins(fhir: httpx.Client, unique: str) -> None:
    condition = f"identifier={SYSTEM}|{unique}"
    twice = [entry("POST", "Patient", patient(unique), ifNoneExist=condition)] * 2
    assert fhir.post("", json=transaction(*twice)).status_code == 400
    twice = [entry("PUT", f"Patient?{condition}", patient(unique))] * 2
    assert fhir.post("", json=transaction(*twice)).status_code == 400
    assert count(fhir, unique) == 0


def test_two_entries_with_the_same_full_url_are_refused(fhir: httpx.Client, unique: str) -> None:
    two = [entry("POST", "Patient", patient(unique + end), full_url=URN) for end in "ab"]
    assert fhir.post("", json=transaction(*two)).status_code == 400
    assert count(fhir, unique + "a") == 0


def test_one_condition_written_two_ways_makes_one_resource(fhir: httpx.Client, unique: str) -> None:
    def post(number: int) -> int:
        condition = f"identifier={SYSTEM}|{unique}" if number % 2 else f"identifier={unique}"
        return fhir.post("/Patient", json=patient(unique), headers={"if-none-exist": condition}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(16))) == [200] * 15 + [201]


def test_a_conditional_write_respects_if_match(fhir: httpx.Client, unique: str) -> None:
    url = f"/Patient?identifier={SYSTEM}|{unique}"
    stale = {"if-match": 'W/"7"'}
    assert fhir.put(url, json=patient(unique), headers=stale).status_code == 412
    fhir.put(url, json=patient(unique))
    assert fhir.delete(url, headers=stale).status_code == 412
    assert count(fhir, unique) == 1


def test_concurrent_patches_without_if_match_all_succeed(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True, name=[{"family": "x"}])

    def patch(number: int) -> int:
        operation = [{"op": "add", "path": "/name/-", "value": {"family": str(number)}}]
        headers = {"content-type": "application/json-patch+json"}
        return fhir.patch(f"/Patient/{stored['id']}", json=operation, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(patch, range(30))) == {200}
    assert len(fhir.get(f"/Patient/{stored['id']}").json()["name"]) == 31


def test_a_reference_by_our_full_address_is_a_reference_to_us(
    fhir: httpx.Client, server: str, create: Create
) -> None:
    who = create("Patient", active=True)
    subject = {"reference": f"{server}/fhir/Patient/{who['id']}"}
    create("Observation", status="final", code={"text": "x"}, subject=subject)
    for query in (f"subject=Patient/{who['id']}", f"subject={subject['reference']}", f"patient={who['id']}"):
        assert fhir.get(f"/Observation?{query}").json()["total"] == 1


def test_if_none_match_any_creates_only(fhir: httpx.Client, unique: str) -> None:
    headers = {"if-none-match": "*"}
    body = {"resourceType": "Patient", "id": unique}
    assert fhir.put(f"/Patient/{unique}", json=body, headers=headers).status_code == 201
    assert fhir.put(f"/Patient/{unique}", json=body, headers=headers).status_code == 412


def test_a_reference_to_no_entry_stops_the_transaction(fhir: httpx.Client, unique: str) -> None:
    lost = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": unique},
        "subject": {"reference": URN},
    }
    response = fhir.post("", json=transaction(entry("POST", "Observation", lost)))
    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[0]"]


def test_a_conditional_update_in_a_transaction_does_not_take_another_id(
    fhir: httpx.Client, unique: str
) -> None:
    fhir.post("/Patient", json=patient(unique))
    other = entry("PUT", f"Patient?identifier={SYSTEM}|{unique}", patient(unique, id="another"))
    assert fhir.post("", json=transaction(other)).status_code == 400


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize(
    "faulty",
    [
        "text",
        None,
        {"fullUrl": ["x"], "request": {"method": "POST", "url": "Patient"}},
        {"request": "x"},
        {"request": {"method": "DELETE", "url": "Foo?x=1"}},
        {"request": {"method": "PATCH", "url": "Foo?x=1"}},
        {"request": {"method": "DELETE", "url": "Foo/1"}},
    ],
)
def test_a_malformed_entry_is_a_clear_error(fhir: httpx.Client, kind: str, faulty: Any) -> None:
    response = fhir.post("", json={"resourceType": "Bundle", "type": kind, "entry": [faulty]})
    status = (
        response.json()["entry"][0]["response"]["status"] if kind == "batch" else str(response.status_code)
    )
    assert status[:3] in ("400", "404")


def test_a_batch_tells_what_each_entry_did_also_when_one_is_stuck(fhir: httpx.Client, unique: str) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            entry("PUT", f"Patient/{unique}", {"resourceType": "Patient", "id": unique}),
            entry("PUT", "Patient/a%20b", {"resourceType": "Patient", "id": "a b"}),
            entry("GET", "Patient?birthdate=never"),
        ],
    }
    statuses = [e["response"]["status"][:3] for e in fhir.post("", json=bundle).json()["entry"]]
    assert statuses == ["201", "422", "400"]


@pytest.mark.parametrize("parameters", [5, ["x"], [{"name": 7}], {}])
@pytest.mark.parametrize("path", ["/Patient/$validate", "/Patient/x/$everything"])
def test_malformed_parameters_are_a_clear_error(fhir: httpx.Client, path: str, parameters: Any) -> None:
    response = fhir.post(path, json={"resourceType": "Parameters", "parameter": parameters})
    assert response.status_code in (400, 404, 422)


def test_a_posted_everything_keeps_its_parameters_from_page_to_page(
    fhir: httpx.Client, create: Create
) -> None:
    who = create("Patient", active=True)
    for _ in range(2):
        subject = {"reference": f"Patient/{who['id']}"}
        create("Observation", status="final", code={"text": "x"}, subject=subject)
    parameters = [{"name": "_type", "valueString": "Observation"}, {"name": "_count", "valueInteger": 1}]
    first = fhir.post(
        f"/Patient/{who['id']}/$everything",
        json={"resourceType": "Parameters", "parameter": parameters},
    ).json()
    url = next(link["url"] for link in first["link"] if link["relation"] == "next")
    second = fhir.get(url).json()["entry"]
    assert [e["resource"]["resourceType"] for e in second] == ["Observation"]


@pytest.mark.parametrize(
    "date", ["Wed, 21 Oct 2015 07:28:00 -0000", "Wed, 21 Oct 2015 07:28:00 +99999999", "x"]
)
def test_an_odd_if_modified_since_is_no_failure(fhir: httpx.Client, create: Create, date: str) -> None:
    url = f"/Patient/{create('Patient', active=True)['id']}"
    assert fhir.get(url, headers={"if-modified-since": date}).status_code == 200


@pytest.mark.parametrize(
    "parts",
    [
        ("s", ["not a date"], "x", "Patient", 1),
        ("s", ["2026-01-01"], "a\0b", "Patient", 1),
        ("s", ["2026-01-01"], "x", "Patient", 2**70),
        ("s", ["2026-01-01"], "x", "Patient", True),
        ("s", [7], "x", "Patient", 1),
        ("s", [], "x", "Patient", 1),
        ("h", "2026-01-01", 1, 1),
    ],
)
def test_a_forged_page_token_is_a_clear_error(fhir: httpx.Client, parts: tuple[Any, ...]) -> None:
    try:
        token = encode(parts)
    except orjson.JSONEncodeError:
        token = "W10"
    assert fhir.get(f"/Patient?_sort=birthdate&_page={token}").status_code == 400


def test_a_list_restricts_searches_of_several_types(fhir: httpx.Client, create: Create, unique: str) -> None:
    for type_ in ("Patient", "Practitioner"):
        fhir.put(f"/{type_}/{unique}", json={"resourceType": type_, "id": unique})
    item = [{"item": {"reference": f"Patient/{unique}"}}]
    listed = create("List", status="current", mode="working", entry=item)["id"]
    for query in (f"?_list={listed}", f"?_type=Patient,Practitioner&_list={listed}"):
        found = [e["resource"]["resourceType"] for e in fhir.get(query).json()["entry"]]
        assert found == ["Patient"]


def test_a_pretty_answer_may_be_deeper_than_what_is_accepted(fhir: httpx.Client, unique: str) -> None:
    item: dict[str, Any] = {"linkId": "1", "type": "group"}
    for _ in range(27):
        item = {"linkId": "1", "type": "group", "item": [item]}
    body = {"resourceType": "Questionnaire", "id": unique, "status": "draft", "item": [item]}
    assert fhir.put(f"/Questionnaire/{unique}", json=body).status_code == 201
    search = entry("GET", f"Questionnaire?_id={unique}")
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [search]}
    assert fhir.post("?_pretty=true", json=bundle).status_code == 200


def test_small_matters_of_http(fhir: httpx.Client, create: Create) -> None:
    stored = create("Basic", code={"text": "x" * 2_000})
    url = f"/Basic/{stored['id']}"
    assert fhir.get(url, headers={"if-none-match": '"1"'}).status_code == 304
    assert "content-encoding" not in fhir.get(url, headers={"accept-encoding": "gzip;q=0"}).headers
    assert fhir.post(url, json=stored).status_code == 405
    assert fhir.post("/Basic/_search", json={"resourceType": "Basic"}).status_code == 415
    long_name = "x" * 80
    assert long_name not in fhir.get(f"/Basic?{long_name}=1&_count=1").json()["link"][0]["url"]


def test_a_condition_may_hold_a_question_mark(fhir: httpx.Client, unique: str) -> None:
    who = {"resourceType": "Patient", "identifier": [{"system": "http://x?y", "value": unique}]}
    headers = {"if-none-exist": f"identifier=http://x?y|{unique}"}
    assert [fhir.post("/Patient", json=who, headers=headers).status_code for _ in range(2)] == [201, 200]
    headers = {"if-none-exist": f"Patient?identifier=http://x?y|{unique}"}
    assert fhir.post("/Patient", json=who, headers=headers).status_code == 200
