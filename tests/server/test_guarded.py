"""A server as it is shipped: whoever brings no good token gets nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from altid.access.identity import Role
from altid.api.settings import FhirSettings
from altid.record.database import Limits
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


OPEN = (
    "/fhir/metadata",
    "/fhir/.well-known/smart-configuration",
    "/.well-known/smart-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/access/keys",
    "/health/live",
    "/health/ready",
    "/health/readable",
)
"""All that programs may read before they have a token. None of it is about a patient. The pages' ways in are
listed in `tests/web/test_gate.py`."""
CLOSED = (
    "/fhir",
    "/fhir/",
    "/fhir/Patient",
    "/fhir/Patient/metadata",
    "/fhir/metadata/x",
    "/fhir/_history",
    "/fhir/CapabilityStatement",
    "/fhir/Patient/x/$everything",
    "/access/me",
    "/access/list",
    "/access/follow-up",
    "/access/blocks?patient=x",
    "/access/blocks/consent?patient=x",
)


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("headers", [{}, bearer("x")])
def test_what_comes_before_a_token_needs_none(
    guarded: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    assert guarded.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("headers", [{}, bearer("x")])
def test_nothing_else_is_answered_without_one(
    guarded: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    answer = guarded.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_open(guarded: httpx.Client, method: str) -> None:
    assert guarded.request(method, "/fhir/metadata", json={}).status_code == 401


def test_health_is_told_to_everybody(guarded: httpx.Client) -> None:
    assert guarded.get("/health/live").status_code == 200
    assert guarded.get("/health/ready").status_code == 200


def test_a_token_made_for_a_test_is_good(guarded: httpx.Client, guarded_dsn: str) -> None:
    made = token(guarded_dsn, role=Role.SYSTEM, scopes=[EVERYTHING])
    assert guarded.get("/fhir/Patient", headers=bearer(made)).status_code == 200


def test_many_who_come_for_the_first_time_do_not_wait_for_each_other(
    guarded: httpx.Client, guarded_dsn: str
) -> None:
    # Each holds a connection to read with when it is asked whom they have grounds for.
    several = 4 * Limits().read_connections
    tokens = [token(guarded_dsn, role=Role.DOCTOR, organisation="w-1") for _ in range(several)]

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(base_url=guarded.base_url, timeout=20) as http:
            asked = (http.get("/fhir/Observation?patient=anna", headers=bearer(one)) for one in tokens)
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert asyncio.run(statuses()) == [403] * several


def test_one_that_has_ended_is_not(guarded: httpx.Client, guarded_dsn: str) -> None:
    made = token(guarded_dsn, role=Role.SYSTEM, scopes=[EVERYTHING], life_s=-600)
    assert guarded.get("/fhir/Patient", headers=bearer(made)).status_code == 401
