"""A real server process with its pages, and a browser's way of asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker


@pytest.fixture(scope="session")
def web_dsn(postgres: Cluster) -> str:
    """A database that only the tests of the pages use."""
    return make_database(postgres)


@pytest.fixture(scope="session")
def web_server(web_dsn: str) -> Iterator[str]:
    """Its address."""
    with running_worker(web_dsn, FhirSettings()) as address:
        yield address


@pytest.fixture
def browser(web_server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web_server, timeout=30) as client:
        yield client


@pytest.fixture
def put(browser: httpx.Client) -> Callable[..., None]:
    """Store a resource under an id."""

    def put(kind: str, identity: str, **elements: Any) -> None:
        resource = {"resourceType": kind, "id": identity, **elements}
        answer = browser.put(f"/fhir/{kind}/{identity}", json=resource)
        assert answer.status_code in (200, 201), answer.text

    return put


@pytest.fixture
def postgres_superuser_dsn(postgres: Cluster) -> Callable[[str], str]:
    """The owner's way into the database of an application's DSN."""

    def owner(dsn: str) -> str:
        database = dsn.partition("@/")[2].partition("?")[0]
        return postgres.dsn_for(postgres.superuser, database)

    return owner
