"""The token endpoint for systems (RFC 6749, SMART backend services), and what everybody may read."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from altid.access import clients
from altid.access.audit.event import NOBODY
from altid.access.clients import ASSERTION_TYPE, Client
from tests.access.test_system_clients import EC, LAB, RSA, assertion
from tests.access_api.served import Web, error, over_http


async def add(web: Web, client: Client = LAB) -> None:
    async with web.scene.desk.database.writing() as connection:
        await clients.add(connection, client, web.scene.clock())


async def ask(web: Web, content: str | None = None, **fields: Any) -> httpx.Response:
    """A form; `content` instead of fields."""
    if content is None:
        return await web.http.post("/access/token", data=fields)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await web.http.post("/access/token", content=content, headers=headers)


def of_system(web: Web, **changed: Any) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(web.scene, **changed),
        "scope": "system/Observation.rs",
    }


def test_a_system_gets_a_token_for_its_assertion(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        answer = await ask(web, **of_system(web))
        given = answer.json()
        assert answer.status_code == 200
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        assert given.keys() == {"access_token", "token_type", "expires_in", "scope"}
        assert (given["token_type"], given["scope"]) == ("Bearer", "system/Observation.rs")
        assert given["expires_in"] <= 300
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert web.told.last == ("logon", "done", "system")
        assert web.told.events[-1].who.subject == "lab-1"
        me = (await web.get("/access/me", given["access_token"])).json()
        assert (me["subject"], me["scope"]) == ("lab-1", "system/Observation.rs")

    over_http(fresh, work)


def test_a_replayed_assertion_gets_nothing(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        form = of_system(web)
        assert (await ask(web, **form)).status_code == 200
        assert error(await ask(web, **form)) == (401, "invalid_client")
        assert web.told.last == ("logon", "refused", "system (invalid_client)")
        assert web.told.events[-1].who == NOBODY

    over_http(fresh, work)


def test_keys_are_not_confused(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        for key, header in ((RSA, {"alg": "RS384", "kid": "ec"}), (EC, {"kid": "rsa"})):
            form = of_system(web) | {"client_assertion": assertion(web.scene, key, header)}
            assert error(await ask(web, **form)) == (401, "invalid_client")

    over_http(fresh, work)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"scope": "system/Patient.cruds"}, "invalid_scope"),
        ({"scope": "patient/Observation.rs"}, "invalid_scope"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_assertion_type": None}, "invalid_client"),
        ({"client_assertion": None}, "invalid_client"),
        ({"client_assertion": None, "client_id": "lab-1"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client"),
    ],
    ids=str,
)
def test_errors_are_those_of_the_standard(fresh: str, changed: dict[str, str | None], code: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        form = {name: value for name, value in (of_system(web) | changed).items() if value is not None}
        answer = await ask(web, **form)
        told = answer.json()
        assert told["error"] == code
        assert answer.status_code == (401 if code == "invalid_client" else 400)
        assert told["error_description"].isascii()

    over_http(fresh, work)


def test_a_name_that_stands_twice_is_refused(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        form = str(httpx.QueryParams(of_system(web)))
        assert error(await ask(web, f"{form}&scope=system/Patient.r")) == (400, "invalid_request")
        many = "&".join(f"x{number}=1" for number in range(40))
        assert error(await ask(web, many)) == (400, "invalid_request")

    over_http(fresh, work)


def test_who_comes_with_a_secret_or_with_json_is_refused(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        basic = await web.http.post("/access/token", data=of_system(web), auth=("lab-1", "secret"))
        assert error(basic) == (401, "invalid_client")
        as_json = await web.http.post("/access/token", json=of_system(web))
        assert error(as_json) == (415, "wrong-content-type")
        in_the_address = await web.http.post("/access/token", params=of_system(web), data={"x": "1"})
        assert error(in_the_address) == (401, "invalid_client")

    over_http(fresh, work)


def test_no_token_that_the_audit_does_not_know(fresh: str) -> None:
    async def work(web: Web) -> None:
        await add(web)
        web.told.is_broken = True
        answer = await ask(web, **of_system(web))
        assert error(answer) == (503, "audit-unavailable")
        assert "access_token" not in answer.text

    over_http(fresh, work)


def test_the_published_keys_verify_a_token_with_another_library_call(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        token = (await web.log_on())["access_token"]
        published = (await web.get("/access/keys")).json()
        assert not [key for key in published["keys"] if "d" in key]
        claims = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"]).claims
        assert claims["name"] == "Anne Holm"

    over_http(fresh, work)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/.well-known/smart-configuration",
        "/.well-known/smart-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ],
)
def test_everybody_may_know_how_one_comes_in(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        answer = await web.get(path)
        told = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert told["authorization_endpoint"] == "http://localhost:8080/access/authorize"
        assert told["revocation_endpoint"] == "http://localhost:8080/access/revoke"
        assert told["code_challenge_methods_supported"] == ["S256"]
        assert {"launch-standalone", "client-public", "permission-v2"} <= set(told["capabilities"])
        # RFC 8414 §3.3: the issuer is the address that it was read from.
        assert told["issuer"] == "http://localhost:8080"
        assert told["jwks_uri"].startswith(told["issuer"])

    over_http(fresh, work)
