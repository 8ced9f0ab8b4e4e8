"""Batch and transaction."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

Create = Callable[..., dict[str, Any]]

SYSTEM = "https://example.dk/numbers"


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None, **request: str) -> Any:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def bundle(*entries: Any, type_: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def patient(value: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], **elements}


def observation(subject: str, code: str = "x") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": code}]},
        "subject": {"reference": subject},
    }


def statuses(response: httpx.Response) -> list[str]:
    return [part["response"]["status"][:3] for part in response.json()["entry"]]


def found(fhir: httpx.Client, type_: str, **parameters: str) -> int:
    total: int = fhir.get(f"/{type_}", params=parameters).json()["total"]
    return total


PATIENT_URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
OBSERVATION_URN = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"


def test_references_inside_a_transaction_lead_to_the_new_resources(fhir: httpx.Client, unique: str) -> None:
    response = fhir.post(
        "",
        json=bundle(
            entry("POST", "Observation", observation(PATIENT_URN, unique), OBSERVATION_URN),
            entry("POST", "Patient", patient(unique), PATIENT_URN),
        ),
    )
    assert response.status_code == 200, response.text
    assert response.json()["type"] == "transaction-response"
    assert statuses(response) == ["201", "201"]
    places = [part["response"]["location"] for part in response.json()["entry"]]
    made = fhir.get(places[0]).json()
    assert f"/fhir/{made['subject']['reference']}/" in places[1]
    assert found(fhir, "Observation", subject=made["subject"]["reference"]) == 1


def test_resources_of_a_transaction_may_refer_to_each_other_in_a_circle(fhir: httpx.Client) -> None:
    first, second = (
        {"resourceType": "Patient", "link": [{"other": {"reference": other}, "type": "seealso"}]}
        for other in (OBSERVATION_URN, PATIENT_URN)
    )
    response = fhir.post(
        "",
        json=bundle(
            entry("POST", "Patient", first, PATIENT_URN), entry("POST", "Patient", second, OBSERVATION_URN)
        ),
    )
    stored = [fhir.get(part["response"]["location"]).json() for part in response.json()["entry"]]
    assert stored[0]["link"][0]["other"]["reference"] == f"Patient/{stored[1]['id']}"
    assert stored[1]["link"][0]["other"]["reference"] == f"Patient/{stored[0]['id']}"


def test_a_resource_of_a_transaction_may_refer_to_itself(fhir: httpx.Client) -> None:
    me = {"resourceType": "Patient", "link": [{"other": {"reference": PATIENT_URN}, "type": "seealso"}]}
    response = fhir.post("", json=bundle(entry("POST", "Patient", me, PATIENT_URN)))
    stored = fhir.get(response.json()["entry"][0]["response"]["location"]).json()
    assert stored["link"][0]["other"]["reference"] == f"Patient/{stored['id']}"


def test_nothing_of_a_transaction_with_one_bad_entry_is_stored(fhir: httpx.Client, unique: str) -> None:
    bad = {**observation("Patient/1", unique), "status": "perhaps"}
    response = fhir.post(
        "", json=bundle(entry("POST", "Patient", patient(unique)), entry("POST", "Observation", bad))
    )
    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]
    assert found(fhir, "Patient", identifier=f"{SYSTEM}|{unique}") == 0


def test_nothing_of_a_transaction_with_a_version_conflict_is_stored(
    fhir: httpx.Client, create: Create, unique: str
) -> None:
    old = create("Patient", active=True)
    response = fhir.post(
        "",
        json=bundle(
            entry("POST", "Patient", patient(unique)),
            entry("PUT", f"Patient/{old['id']}", old, ifMatch='W/"7"'),
        ),
    )
    assert response.status_code == 412
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert found(fhir, "Patient", identifier=f"{SYSTEM}|{unique}") == 0


def test_entries_are_processed_in_fhirs_order_and_answered_in_the_bundles(
    fhir: httpx.Client, create: Create, unique: str
) -> None:
    old, doomed = create("Patient", active=True), create("Patient", active=True)
    response = fhir.post(
        "",
        json=bundle(
            entry("GET", f"Patient?identifier={SYSTEM}|{unique}"),
            entry("PUT", f"Patient/{old['id']}", {**old, "active": False}),
            entry("POST", "Patient", patient(unique)),
            entry("DELETE", f"Patient/{doomed['id']}"),
            entry("GET", f"Patient/{old['id']}"),
        ),
    )
    assert statuses(response) == ["200", "200", "201", "204", "200"]
    entries = response.json()["entry"]
    assert entries[0]["resource"]["total"] == 1
    assert entries[4]["resource"]["active"] is False
    assert fhir.get(f"/Patient/{doomed['id']}").status_code == 410


def test_the_same_resource_twice_in_a_transaction_is_refused(fhir: httpx.Client, create: Create) -> None:
    old = create("Patient", active=True)
    twice = entry("PUT", f"Patient/{old['id']}", old)
    assert fhir.post("", json=bundle(twice, twice)).status_code == 400
    assert fhir.get(f"/Patient/{old['id']}").json()["meta"]["versionId"] == "1"


def test_conditional_references_find_what_is_stored(fhir: httpx.Client, unique: str) -> None:
    stored = fhir.post("/Patient", json=patient(unique)).json()
    reference = f"Patient?identifier={SYSTEM}|{unique}"
    response = fhir.post("", json=bundle(entry("POST", "Observation", observation(reference, unique))))
    assert statuses(response) == ["201"]
    assert found(fhir, "Observation", subject=f"Patient/{stored['id']}") == 1


def test_a_conditional_reference_that_finds_nothing_stops_the_transaction(
    fhir: httpx.Client, unique: str
) -> None:
    reference = f"Patient?identifier={SYSTEM}|{unique}"
    response = fhir.post("", json=bundle(entry("POST", "Observation", observation(reference, unique))))
    assert response.status_code == 412
    assert found(fhir, "Observation", code=f"{SYSTEM}|{unique}") == 0


def test_references_follow_a_conditional_create_to_what_was_there(fhir: httpx.Client, unique: str) -> None:
    stored = fhir.post("/Patient", json=patient(unique)).json()
    response = fhir.post(
        "",
        json=bundle(
            entry(
                "POST", "Patient", patient(unique), PATIENT_URN, ifNoneExist=f"identifier={SYSTEM}|{unique}"
            ),
            entry("POST", "Observation", observation(PATIENT_URN, unique)),
        ),
    )
    assert statuses(response) == ["200", "201"]
    assert found(fhir, "Observation", subject=f"Patient/{stored['id']}") == 1


def test_conditional_update_delete_and_patch_work_inside_a_transaction(
    fhir: httpx.Client, create: Create, unique: str
) -> None:
    for suffix in "abc":
        fhir.post("/Patient", json=patient(unique + suffix, active=True))
    condition = f"Patient?identifier={SYSTEM}|{unique}"
    patch = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "Patient.active"},
                    {"name": "value", "valueBoolean": False},
                ],
            }
        ],
    }
    response = fhir.post(
        "",
        json=bundle(
            entry("PUT", condition + "a", patient(unique + "a", active=False)),
            entry("DELETE", condition + "b"),
            entry("PATCH", condition + "c", patch),
        ),
    )
    assert statuses(response) == ["200", "204", "200"], response.text
    for suffix, left in (("a", 1), ("b", 0), ("c", 1)):
        assert found(fhir, "Patient", identifier=f"{SYSTEM}|{unique}{suffix}") == left
    assert found(fhir, "Patient", identifier=f"{SYSTEM}|{unique}c", active="false") == 1


def test_a_batch_does_what_it_can(fhir: httpx.Client, create: Create, unique: str) -> None:
    old = create("Patient", active=True)
    response = fhir.post(
        "",
        json=bundle(
            entry("POST", "Patient", patient(unique)),
            entry("POST", "Patient", {"resourceType": "Patient", "active": "yes"}),
            entry("GET", "Patient/nowhere"),
            entry("PUT", f"Patient/{old['id']}", old, ifMatch='W/"9"'),
            entry("PUT", f"Patient/{old['id']}", {**old, "active": False}),
            entry("GET", f"Patient/{old['id']}"),
            entry("BREW", "Patient"),
            entry("GET", "https://elsewhere.example/fhir/Patient/1"),
            type_="batch",
        ),
    )
    assert response.json()["type"] == "batch-response"
    assert statuses(response) == ["201", "422", "404", "412", "200", "200", "400", "400"]
    outcome = response.json()["entry"][1]["response"]["outcome"]
    assert outcome["issue"][0]["expression"] == ["Patient.active"]
    assert found(fhir, "Patient", identifier=f"{SYSTEM}|{unique}") == 1


def test_a_bundle_that_is_neither_is_refused(fhir: httpx.Client) -> None:
    assert fhir.post("", json=bundle(type_="collection")).status_code == 400
    assert fhir.post("", json={"resourceType": "Patient"}).status_code == 400
    assert fhir.post("", json={"resourceType": "Bundle", "type": "batch", "entry": {}}).status_code == 400


def test_transactions_that_cross_each_other_all_succeed(fhir: httpx.Client, unique: str) -> None:
    """Two that write the same resources in opposite order must not wait for each other for ever."""
    ids = [f"{unique}-{number}" for number in range(6)]

    def post(turn: int) -> int:
        order = ids if turn % 2 else ids[::-1]
        entries = [entry("PUT", f"Patient/{id_}", {"resourceType": "Patient", "id": id_}) for id_ in order]
        return fhir.post("", json=bundle(*entries)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post, range(40))) == {200}
    assert fhir.get(f"/Patient/{ids[0]}").json()["meta"]["versionId"] == "40"


def test_an_entry_that_must_be_new_and_is_not_takes_the_others_along(fhir: httpx.Client, unique: str) -> None:
    taken = {"resourceType": "Patient", "id": f"{unique}-taken"}
    fhir.put(f"/Patient/{taken['id']}", json=taken)
    other = {"resourceType": "Patient", "id": f"{unique}-a"}
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"Patient/{one['id']}", "ifNoneMatch": "*"}}
        for one in (other, taken)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert fhir.post("", json=bundle).status_code == 412
    assert fhir.get(f"/Patient/{other['id']}").status_code == 404
