"""The endpoints on a server process as it is shipped, with its real audit."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from joserfc import jwt

from altid.access import accounts, clients
from altid.access.clients import Client
from altid.access.identity import Role
from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from tests.access.desks import PASSWORD, WARD, hashed
from tests.access.test_system_clients import EC, JWKS
from tests.access_api.launching import BACK, CHART, PATIENT, challenge_of, told_at
from tests.guards import bearer
from tests.running import make_database, running_worker

_AUDIT_S_MAX = 30.0
PEER = Client(
    "peer",
    "A client that others wrote",
    "0815",
    ("patient/Observation.rs", "user/Practitioner.rs", "system/Practitioner.rs"),
    JWKS,
    (BACK,),
)
PUBLIC_PEER = replace(PEER, id="public-peer", jwks={}, scopes=PEER.scopes[:2])


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    """With a doctor and an application."""
    made, password = make_database(postgres), hashed(PASSWORD)

    async def fill() -> None:
        connection = await asyncpg.connect(made)
        try:
            await accounts.add(
                connection,
                username="anne",
                name="Anne Holm",
                roles=[Role.DOCTOR],
                organisations=[WARD],
                password_hash=password,
                now_s=time.time(),
                rng=random.SystemRandom(),
            )
            await clients.add(connection, CHART, time.time())
            await clients.add(connection, PEER, time.time())
            await clients.add(connection, PUBLIC_PEER, time.time())
        finally:
            await connection.close()

    asyncio.run(fill())
    return made


@pytest.fixture(scope="module")
def http(dsn: str) -> Iterator[httpx.Client]:
    with (
        running_worker(dsn, FhirSettings(), doorman=False) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        yield client


def test_what_is_well_known_is_told_without_a_token_and_nothing_else_of_fhir(http: httpx.Client) -> None:
    known = http.get("/fhir/.well-known/smart-configuration")
    assert known.status_code == 200
    assert known.json()["token_endpoint"].endswith("/access/token")
    for path in (
        "/fhir/.well-known/../Patient",
        "/fhir/Patient/.well-known/smart-configuration",
    ):
        assert http.get(path).status_code in (401, 404)


def test_an_unknown_address_below_well_known_shows_no_record(http: httpx.Client) -> None:
    assert http.get("/fhir/.well-known/Patient").status_code == 404
    assert http.get("/fhir/.well-known/%2e%2e/Patient").status_code in (401, 404)


def test_a_person_and_their_application_read_as_themselves(http: httpx.Client, dsn: str) -> None:
    given = http.post("/access/logon", json={"username": "anne", "password": PASSWORD})
    assert given.status_code == 200, given.text
    own = bearer(given.json()["access_token"])
    assert http.get("/fhir/Practitioner", headers=own).status_code == 200
    statement = http.get("/fhir/metadata", headers=own).json()
    assert statement["rest"][0]["security"]["extension"][0]["extension"][1] == {
        "url": "token",
        "valueUri": f"{http.base_url}/access/token",
    }
    verifier = "v" * 43
    question = httpx.QueryParams(
        response_type="code",
        client_id=CHART.id,
        redirect_uri=BACK,
        scope="launch/patient patient/Observation.rs",
        state="s",
        aud="http://localhost:8080/fhir",
        code_challenge=challenge_of(verifier),
        code_challenge_method="S256",
    )
    yes = http.post("/access/authorize/yes", json={"query": str(question), "patient": PATIENT}, headers=own)
    form = {
        "grant_type": "authorization_code",
        "code": told_at(yes.json()["location"])["code"],
        "redirect_uri": BACK,
        "client_id": CHART.id,
        "code_verifier": verifier,
    }
    tokens = http.post("/access/token", data=form).json()
    narrowed = bearer(tokens["access_token"])
    assert http.get("/fhir/Practitioner", headers=narrowed).status_code == 403
    assert http.post("/access/logoff", json={}, headers=own).status_code == 204
    assert http.get("/fhir/Practitioner", headers=own).status_code == 401
    assert events(dsn, 4) >= {"logon", "administer", "logoff"}


def events(dsn: str, at_least: int) -> set[str]:
    """Actions that have reached the table, waited for: the journal ships every half second."""

    async def look() -> set[str]:
        connection = await asyncpg.connect(dsn)
        try:
            async with asyncio.timeout(_AUDIT_S_MAX):
                while True:
                    rows = await connection.fetch("SELECT action FROM audit WHERE action <> 'checkpoint'")
                    if "logoff" in {row["action"] for row in rows} and len(rows) >= at_least:
                        return {row["action"] for row in rows}
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    return asyncio.run(look())


def test_a_server_takes_no_body_without_end(http: httpx.Client) -> None:
    answer = http.post("/access/logon", content=b"x" * 100_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def smart_client(http: httpx.Client, client: Client, **auth: str) -> Any:
    """SMART's own client for Python, told where things are by the configuration that it would look up."""
    from fhirclient.auth import FHIRAuth
    from fhirclient.client import FHIRClient

    told = http.get("/fhir/.well-known/smart-configuration").json()

    def here(address: str) -> str:
        return str(http.base_url) + address.removeprefix(told["issuer"])

    smart = FHIRClient(
        settings={
            "app_id": client.id,
            "api_base": f"{http.base_url}/fhir",
            "redirect_uri": BACK,
            "scope": "patient/Observation.rs user/Practitioner.rs online_access",
        }
    )
    smart.server.auth = FHIRAuth.create(
        "oauth2",
        {
            "app_id": client.id,
            "aud": f"{told['issuer']}/fhir",
            "authorize_uri": here(told["authorization_endpoint"]),
            "token_uri": here(told["token_endpoint"]),
            "redirect_uri": BACK,
            **auth,
        },
    )
    return smart


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_smarts_own_client_is_launched_reads_and_goes_on(http: httpx.Client) -> None:
    own = http.post("/access/logon", json={"username": "anne", "password": PASSWORD}).json()
    smart = smart_client(http, PUBLIC_PEER)
    begun = http.get(smart.authorize_url.removeprefix(str(http.base_url)))
    assert begun.status_code == 303
    query = begun.headers["location"].partition("?")[2]
    yes = http.post(
        "/access/authorize/yes",
        json={"query": query, "patient": PATIENT},
        headers=bearer(own["access_token"]),
    )
    smart.handle_callback(yes.json()["location"])
    assert smart.ready
    assert smart.patient_id == PATIENT
    assert smart.server.request_json("Practitioner")["resourceType"] == "Bundle"
    before = smart.server.auth.access_token
    assert smart.reauthorize()
    assert smart.server.auth.access_token != before
    assert smart.server.request_json("Practitioner")["resourceType"] == "Bundle"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_smarts_own_client_comes_in_as_a_system(http: httpx.Client) -> None:
    told = http.get("/.well-known/oauth-authorization-server").json()
    claims = {
        "iss": PEER.id,
        "sub": PEER.id,
        "aud": told["token_endpoint"],
        "exp": int(time.time()) + 200,
        "jti": "peer-0000000001",
    }
    made = jwt.encode({"alg": "ES384", "kid": "ec", "typ": "JWT"}, claims, EC, algorithms=["ES384"])
    smart = smart_client(http, PEER, jwt_token=made)
    smart.scope, smart.wants_patient = "system/Practitioner.rs", False
    smart.server.authorize()
    assert smart.server.request_json("Practitioner")["resourceType"] == "Bundle"
