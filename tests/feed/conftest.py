"""A real server, a ward with a patient, one elsewhere, and copies that read the feed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker
from tests.feed.reading import Reader, reader_of, register
from tests.feed.ward import WARD_SOR, fill


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings()) as address:
        fill(address)
        yield address


@pytest.fixture(scope="module")
def fhir(server: str) -> Iterator[httpx.Client]:
    """The doorman lets it write."""
    with httpx.Client(base_url=f"{server}/fhir", timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def site(server: str, dsn: str) -> Iterator[Reader]:
    """A copy of everything."""
    register(dsn, "site-copy", "system/feed")
    with reader_of(server, dsn, "site-copy", "system/feed") as reader:
        yield reader


@pytest.fixture(scope="module")
def ward(server: str, dsn: str) -> Iterator[Reader]:
    """A copy of one ward."""
    register(dsn, "ward-copy", "system/feed-ward", WARD_SOR)
    with reader_of(server, dsn, "ward-copy", "system/feed-ward") as reader:
        yield reader
