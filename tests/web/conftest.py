"""A real server process with its pages, and people who ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from tests.running import make_database, running_worker
from tests.web.visiting import Browser, give_grounds, make_account

TREATED = ("anna", "child", "deleted", "longest")
"""Ids of patients whom the doctor has on their list before they are there: what is known of whom somebody
treats may be two seconds old."""


@pytest.fixture(scope="session")
def web_dsn(postgres: Cluster) -> str:
    """A database that only the tests of the pages use."""
    return make_database(postgres)


@pytest.fixture(scope="session")
def web_server(web_dsn: str) -> Iterator[str]:
    """Its address."""
    with running_worker(web_dsn, FhirSettings()) as address:
        yield address


@pytest.fixture(scope="session")
def plain_server(web_dsn: str) -> Iterator[str]:
    """The same without the tests' doorman, who puts a token on every request that has none."""
    with running_worker(web_dsn, FhirSettings(), doorman=False) as address:
        yield address


@pytest.fixture(scope="session")
def doctor(web_dsn: str) -> Account:
    """Whom the browser belongs to; treats the patients in `TREATED`."""
    made = make_account(web_dsn, "doctor")
    for patient in TREATED:
        give_grounds(web_dsn, made.id, patient)
    return made


@pytest.fixture(scope="session")
def doctors_cookies(web_server: str, doctor: Account) -> httpx.Cookies:
    """Of a doctor who has logged on."""
    with Browser(base_url=web_server, timeout=30) as client:
        assert client.log_on(doctor.username).status_code == 303
        return client.cookies


@pytest.fixture
def browser(web_server: str, doctors_cookies: httpx.Cookies) -> Iterator[Browser]:
    """Of the doctor."""
    with Browser(base_url=web_server, timeout=30) as client:
        client.cookies.update(doctors_cookies)
        client.take_token()
        yield client


@pytest.fixture
def stranger(web_server: str) -> Iterator[Browser]:
    """A browser in which nobody has logged on."""
    with Browser(base_url=web_server, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def store(web_server: str) -> Iterator[Callable[..., None]]:
    """Store a resource under an id: the tests' doorman lets a system do it."""
    with httpx.Client(base_url=web_server, timeout=30) as system:

        def store(kind: str, identity: str, **elements: Any) -> None:
            resource = {"resourceType": kind, "id": identity, **elements}
            answer = system.put(f"/fhir/{kind}/{identity}", json=resource)
            assert answer.status_code in (200, 201), answer.text

        yield store


@pytest.fixture
def put(store: Callable[..., None]) -> Callable[..., None]:
    """Store a resource. The browser's doctor has grounds for the patients in `TREATED`."""
    return store


@pytest.fixture
def postgres_superuser_dsn(postgres: Cluster) -> Callable[[str], str]:
    """The owner's way into the database of an application's DSN."""

    def owner(dsn: str) -> str:
        database = dsn.partition("@/")[2].partition("?")[0]
        return postgres.dsn_for(postgres.superuser, database)

    return owner
