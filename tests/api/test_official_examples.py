"""Every valid official example goes in and comes out the same, digit by digit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.fhir import json
from altid.record.postgres import Cluster
from official_examples import INVALID, official_examples
from running import make_database, running_worker

CHUNK = 50
BODY_BYTES_MAX = 128 * 1024 * 1024


def exact(value: Any) -> Any:
    """Comparable to the digit: a decimal as the text it was written with."""
    if isinstance(value, dict):
        return {name: exact(child) for name, child in value.items()}
    if isinstance(value, list):
        return [exact(child) for child in value]
    return value.text if isinstance(value, json.Decimal) else value


def without_server_facts(resource: dict[str, Any]) -> Any:
    """The server sets version and time; a meta that held nothing else is gone."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {name: value for name, value in resource.items() if name not in ("meta", "id")}
    return exact({**rest, "meta": meta} if meta else rest)


@pytest.fixture
def fhir(postgres: Cluster) -> Iterator[httpx.Client]:
    """A server that takes bodies as large as the largest example."""
    with (
        running_worker(make_database(postgres), FhirSettings(body_bytes_max=BODY_BYTES_MAX)) as address,
        httpx.Client(base_url=f"{address}/fhir", timeout=120) as client,
    ):
        yield client


def test_every_valid_official_example_goes_in_and_comes_out_the_same(fhir: httpx.Client) -> None:
    examples = {name: json.loads(data) for name, data in official_examples().items() if name not in INVALID}
    names = list(examples)
    headers = {"content-type": "application/fhir+json", "prefer": "return=representation"}
    different: list[str] = []
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        bundle = {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [_post(examples[name]) for name in chunk],
        }
        answer = json.loads(fhir.post("", content=json.dumps(bundle), headers=headers).content)
        assert "entry" in answer, answer
        for name, entry in zip(chunk, answer["entry"], strict=True):
            place = entry["response"].get("location")
            stored = json.loads(fhir.get(place).content) if place else {}
            if without_server_facts(stored) != without_server_facts(examples[name]):
                different.append(f"{name}: {entry['response']}")
    assert different == []


def _post(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
