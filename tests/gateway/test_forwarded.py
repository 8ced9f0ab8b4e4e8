"""A real server: whom it believes when it is told how a client came."""

from __future__ import annotations

import json

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from tests.running import make_database, running_worker

_GATEWAY, _SOMEBODY = "127.0.0.3", "127.0.0.2"


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


def _self_link(address: str, asked_from: str) -> str:
    transport = httpx.HTTPTransport(local_address=asked_from)
    headers = {"Host": "epj.region.dk", "X-Forwarded-Proto": "https"}
    with httpx.Client(transport=transport) as client:
        answer = client.get(f"{address}/fhir/Patient", headers=headers)
    [link] = [one["url"] for one in json.loads(answer.content)["link"] if one["relation"] == "self"]
    return str(link)


def test_the_gateway_is_believed_and_nobody_else(dsn: str) -> None:
    with running_worker(dsn, FhirSettings(), gateway_host=_GATEWAY) as address:
        assert _self_link(address, _GATEWAY) == "https://epj.region.dk/fhir/Patient"
        assert _self_link(address, _SOMEBODY) == "http://epj.region.dk/fhir/Patient"


def test_without_a_gateway_nobody_is_believed(dsn: str) -> None:
    with running_worker(dsn, FhirSettings()) as address:
        assert _self_link(address, _GATEWAY) == "http://epj.region.dk/fhir/Patient"
