"""A real server process on the shared PostgreSQL, and a client that speaks to it over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

_numbers = itertools.count()

Resource = dict[str, Any]


@pytest.fixture(scope="session")
def server(postgres: Cluster) -> Iterator[str]:
    """The address of a server that all API tests share."""
    with running_worker(make_database(postgres), FhirSettings()) as address:
        yield address


@pytest.fixture(scope="session")
def fhir(server: str) -> Iterator[httpx.Client]:
    """A client at the FHIR base."""
    with httpx.Client(base_url=f"{server}/fhir", timeout=30) as client:
        yield client


@pytest.fixture
def unique() -> str:
    """A code that no other test uses."""
    return f"t{next(_numbers)}"


@pytest.fixture
def create(fhir: httpx.Client) -> Callable[..., Resource]:
    """Create a resource of a type with these elements; gives it as it is stored."""

    def create(type_: str, /, **elements: Any) -> Resource:
        response = fhir.post(f"/{type_}", json={"resourceType": type_, **elements})
        assert response.status_code == 201, response.text
        stored: Resource = response.json()
        return stored

    return create
