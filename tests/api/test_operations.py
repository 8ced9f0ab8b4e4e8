"""Patch, `$validate`, `Patient/$everything`, capabilities, health."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

Create = Callable[..., dict[str, Any]]

JSON_PATCH = {"content-type": "application/json-patch+json"}


def fhirpath_patch(type_: str, path: str, **value: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "type", "valueCode": type_},
        {"name": "path", "valueString": path},
    ]
    parts += [{"name": "value", name: content} for name, content in value.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


def test_a_json_patch_changes_just_what_it_names(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True, gender="female")
    patch = [{"op": "replace", "path": "/active", "value": False}]
    response = fhir.patch(f"/Patient/{stored['id']}", json=patch, headers=JSON_PATCH)
    assert response.status_code == 200
    assert (response.json()["active"], response.json()["gender"]) == (False, "female")
    assert response.json()["meta"]["versionId"] == "2"


def test_a_fhirpath_patch_changes_just_what_it_names(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True, name=[{"family": "A"}, {"family": "B"}])
    patch = fhirpath_patch("replace", "Patient.name[1].family", valueString="C")
    response = fhir.patch(f"/Patient/{stored['id']}", json=patch)
    assert response.status_code == 200, response.text
    assert [name["family"] for name in response.json()["name"]] == ["A", "C"]


def test_a_patch_keeps_the_digits_of_decimals(fhir: httpx.Client) -> None:
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}'
    )
    stored = fhir.post("/Observation", content=body, headers={"content-type": "application/fhir+json"}).json()
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    patched = fhir.patch(f"/Observation/{stored['id']}", json=patch, headers=JSON_PATCH)
    assert '"value":1.00}' in patched.text


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ([{"op": "replace", "path": "/gender", "value": "perhaps"}], 422),
        ([{"op": "test", "path": "/active", "value": False}], 422),
        ([{"op": "replace", "path": "/nothing/0", "value": 1}], 422),
        ([{"op": "replace", "path": "/id", "value": "x"}], 422),
        ([{"op": "fly"}], 400),
        ({"resourceType": "Patient"}, 400),
        ("text", 400),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(
    fhir: httpx.Client, create: Create, patch: Any, status: int
) -> None:
    stored = create("Patient", active=True)
    url = f"/Patient/{stored['id']}"
    assert fhir.patch(url, json=patch, headers=JSON_PATCH).status_code in (status, 400, 422)
    assert fhir.get(url).json() == stored


def test_a_patch_of_what_is_not_there_is_not_found(fhir: httpx.Client, create: Create) -> None:
    patch = [{"op": "add", "path": "/active", "value": True}]
    assert fhir.patch("/Patient/nowhere", json=patch, headers=JSON_PATCH).status_code == 404
    stored = create("Patient", active=True)
    fhir.delete(f"/Patient/{stored['id']}")
    assert fhir.patch(f"/Patient/{stored['id']}", json=patch, headers=JSON_PATCH).status_code == 410
    stale = {**JSON_PATCH, "if-match": 'W/"9"'}
    other = create("Patient", active=True)
    assert fhir.patch(f"/Patient/{other['id']}", json=patch, headers=stale).status_code == 412


def test_concurrent_patches_are_all_there_in_the_end(fhir: httpx.Client, create: Create) -> None:
    stored = create("Patient", active=True, name=[{"family": "x"}])

    def patch(number: int) -> int:
        operation = [{"op": "add", "path": "/name/-", "value": {"family": str(number)}}]
        response = fhir.patch(f"/Patient/{stored['id']}", json=operation, headers=JSON_PATCH)
        while response.status_code == 412:
            response = fhir.patch(f"/Patient/{stored['id']}", json=operation, headers=JSON_PATCH)
        return response.status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(patch, range(20))) == {200}
    names = {name["family"] for name in fhir.get(f"/Patient/{stored['id']}").json()["name"]}
    assert names == {"x", *map(str, range(20))}


def test_validate_says_what_is_wrong_and_stores_nothing(fhir: httpx.Client) -> None:
    good = fhir.post("/Patient/$validate", json={"resourceType": "Patient", "active": True})
    assert (good.status_code, good.json()["issue"][0]["severity"]) == (200, "information")
    bad = fhir.post("/Patient/$validate", json={"resourceType": "Patient", "active": "x", "nmae": 1})
    assert bad.status_code == 200
    assert {issue["expression"][0] for issue in bad.json()["issue"]} == {"Patient.active", "Patient.nmae"}


def test_validate_takes_the_resource_in_parameters_and_what_is_stored(
    fhir: httpx.Client, create: Create
) -> None:
    resource = {"resourceType": "Patient", "active": "x"}
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]}
    assert fhir.post("/Patient/$validate", json=wrapped).json()["issue"][0]["severity"] == "error"
    stored = create("Patient", active=True)
    assert fhir.get(f"/Patient/{stored['id']}/$validate").json()["issue"][0]["severity"] == "information"


def test_danish_profiles_ask_for_a_proper_cpr_number_and_never_for_modulus_11(postgres: Cluster) -> None:
    dsn = make_database(postgres)
    with running_worker(dsn, FhirSettings(danish_profiles=True)) as address:

        def post(cpr: str) -> int:
            identifier = [{"system": "urn:oid:1.2.208.176.1.2", "value": cpr}]
            name = [{"use": "official", "family": "Testesen", "given": ["Test"]}]
            patient = {"resourceType": "Patient", "identifier": identifier, "name": name}
            return httpx.post(f"{address}/fhir/Patient", json=patient, timeout=30).status_code

        assert post("0101010000") == 201
        assert post("01010100") == 422
        assert post("3213010000") == 422


def test_everything_about_a_patient_and_nothing_about_another(fhir: httpx.Client, create: Create) -> None:
    ward = create("Organization", name="Afdeling")
    doctor = create("Practitioner", active=True)
    other = create("Patient", active=True)
    link = [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
    ada = create("Patient", managingOrganization={"reference": f"Organization/{ward['id']}"}, link=link)
    for patient in (ada, other):
        create(
            "Observation",
            status="final",
            code={"text": "x"},
            subject={"reference": f"Patient/{patient['id']}"},
            performer=[{"reference": f"Practitioner/{doctor['id']}"}],
        )
    bundle = fhir.get(f"/Patient/{ada['id']}/$everything").json()
    found = [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]]
    assert sorted(ref.split("/")[0] for ref in found) == [
        "Observation",
        "Organization",
        "Patient",
        "Practitioner",
    ]
    assert f"Patient/{other['id']}" not in found
    assert bundle["total"] == 4
    paged = set()
    url: str | None = f"/Patient/{ada['id']}/$everything?_count=1"
    while url:
        page = fhir.get(url).json()
        paged |= {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in page["entry"]}
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert paged == set(found)
    only = fhir.get(f"/Patient/{ada['id']}/$everything?_type=Observation").json()
    assert [e["resource"]["resourceType"] for e in only["entry"]] == ["Observation"]
    assert fhir.get("/Patient/nowhere/$everything").status_code == 404


def test_the_capability_statement_is_valid_and_says_what_is_there(fhir: httpx.Client) -> None:
    statement = fhir.get("/metadata").json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    outcome = fhir.post("/CapabilityStatement/$validate", json=statement).json()
    assert outcome["issue"][0]["severity"] == "information", outcome
    types = {resource["type"] for resource in statement["rest"][0]["resource"]}
    assert len(types) >= 145
    patient = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    for parameter in patient["searchParam"]:
        response = fhir.get(f"/Patient?{parameter['name']}=1", headers={"prefer": "handling=strict"})
        assert response.status_code in (200, 400)
        assert "not known here" not in response.text, parameter["name"]


def test_health_tells_live_and_ready(server: str) -> None:
    assert httpx.get(f"{server}/health/live", timeout=30).json()["status"] == "live"
    assert httpx.get(f"{server}/health/ready", timeout=30).json()["status"] == "ready"
