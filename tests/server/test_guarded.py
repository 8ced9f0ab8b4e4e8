"""A server as it is shipped: whoever brings no good token gets nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from altid.access.identity import Role
from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from tests.guards import EVERYTHING, bearer, token
from tests.running import make_database, running_worker


@pytest.fixture(scope="module")
def guarded_dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def guarded(guarded_dsn: str) -> Iterator[httpx.Client]:
    """A server without the tests' doorman."""
    with (
        running_worker(guarded_dsn, FhirSettings(), doorman=False) as address,
        httpx.Client(base_url=address, timeout=20) as http,
    ):
        yield http


@pytest.mark.parametrize("headers", [{}, bearer("x"), bearer("a.b.c"), {"Authorization": "Basic YTpi"}])
def test_without_a_good_token_nothing_is_answered(guarded: httpx.Client, headers: dict[str, str]) -> None:
    answer = guarded.get("/fhir/Patient", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_health_is_told_to_everybody(guarded: httpx.Client) -> None:
    assert guarded.get("/health/live").status_code == 200
    assert guarded.get("/health/ready").status_code == 200


def test_a_token_made_for_a_test_is_good(guarded: httpx.Client, guarded_dsn: str) -> None:
    made = token(guarded_dsn, role=Role.SYSTEM, scopes=[EVERYTHING])
    assert guarded.get("/fhir/Patient", headers=bearer(made)).status_code == 200


def test_one_that_has_ended_is_not(guarded: httpx.Client, guarded_dsn: str) -> None:
    made = token(guarded_dsn, role=Role.SYSTEM, scopes=[EVERYTHING], life_s=-600)
    assert guarded.get("/fhir/Patient", headers=bearer(made)).status_code == 401
