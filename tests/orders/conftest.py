"""A real server process, and what orders need around them: a patient, a ward, tokens of whoever asks."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

from .ordering import DRUG, PATIENT, drug, medication, patient

Send = Callable[..., httpx.Response]
_numbers = itertools.count()


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings()) as address:
        httpx.put(f"{address}/fhir/Patient/{PATIENT}", json=patient(), timeout=30).raise_for_status()
        httpx.put(f"{address}/fhir/Medication/{DRUG}", json=drug(), timeout=30).raise_for_status()
        yield address


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def send(client: httpx.Client, key: str) -> Send:
    """POST below /orders with a key."""

    def send(path: str = "", body: Any = None, /, *, key: str = key, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = medication(next(_numbers)) if body is None else body
        return client.post(f"/orders{path}", json=content, headers={"idempotency-key": key, **named})

    return send
