"""What nobody honest sends: other content types, bodies without end, other sites' pages, forged tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from altid.access import keys
from altid.access.keys import PUBLISHED_BEFORE_S
from altid.api.access import asking
from altid.api.access.asking import RefusedError, fields_of, single
from altid.api.access.limits import BODY_BYTES_MAX
from altid.api.access.routes import _JSON, _READ
from tests.access.desks import PASSWORD, SECRET, SETTINGS, Hands, Scene
from tests.access_api.served import Web, error, over_http

JSON_PATHS = [path for path, _ in _JSON]
BEARER_PATHS = [
    "/access/passkey/register/begin",
    "/access/passkey/register/finish",
    "/access/reentry",
    "/access/logoff",
    "/access/authorize/describe",
    "/access/authorize/yes",
    "/access/authorize/no",
]
LOGON = json.dumps({"username": "anne", "password": PASSWORD})


@pytest.mark.parametrize("path", JSON_PATHS)
def test_a_form_of_another_site_does_nothing(fresh: str, path: str) -> None:
    """A page can make a browser send these three types anywhere, and no other without asking first."""

    async def work(web: Web) -> None:
        for media_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
        ):
            headers = {"content-type": media_type} if media_type else {}
            answer = await web.http.post(path, content=LOGON, headers=headers)
            assert error(answer) == (415, "wrong-content-type")
        assert web.told.events == []

    over_http(fresh, work)


@pytest.mark.parametrize("path", JSON_PATHS)
def test_another_sites_script_is_not_allowed_to_ask(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        asked = await web.http.options(path, headers=headers)
        sent = await web.http.post(path, json={}, headers=headers)
        for answer in (asked, sent):
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert asked.status_code == 405

    over_http(fresh, work)


@pytest.mark.parametrize("path", BEARER_PATHS)
def test_a_cookie_is_nobody(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        given = await web.log_on()
        token = given["access_token"]
        answer = await web.http.post(
            path, json={}, headers={"cookie": f"access_token={token}; session={token}; token={token}"}
        )
        assert error(answer) == (401, "not-logged-on")
        assert answer.headers["www-authenticate"].startswith("Bearer")

    over_http(fresh, work)


@pytest.mark.parametrize("path", ["/access/logon", "/access/token"])
def test_a_body_has_an_end(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        kind = "application/x-www-form-urlencoded" if path.endswith("token") else "application/json"
        headers = {"content-type": kind}
        declared = await web.http.post(path, content=b"x" * (BODY_BYTES_MAX + 1), headers=headers)
        assert error(declared)[0] == 413

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 4_096

        assert error(await web.http.post(path, content=endless(), headers=headers))[0] == 413
        lying = await web.http.post(path, content=LOGON, headers=headers | {"content-length": "1" * 40})
        assert error(lying)[0] == 413

    over_http(fresh, work)


def test_a_body_that_does_not_come_is_not_waited_for(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BODY_S_MAX", 0.05)

    async def work(web: Web) -> None:
        async def stuck() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.Event().wait()

        answer = await web.http.post(
            "/access/logon", content=stuck(), headers={"content-type": "application/json"}
        )
        assert error(answer) == (408, "unfinished")

    over_http(fresh, work)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"x"',
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"username": 1, "password": "x"}',
        b'{"username": ["a"], "password": {"$ne": ""}}',
        b'{"username": "a"}',
        b'{"username": "a", "password": "x", "role": "king"}',
        b'{"username": "a", "password": "x", "role": "system", "organisation": 7}',
    ],
)
def test_what_is_no_question_is_refused_in_words(fresh: str, content: bytes) -> None:
    async def work(web: Web) -> None:
        answer = await web.http.post(
            "/access/logon", content=content, headers={"content-type": "application/json"}
        )
        assert error(answer) == (400, "invalid_request")

    over_http(fresh, work)


@pytest.mark.parametrize("path", JSON_PATHS)
def test_strange_texts_make_no_fault(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        bearer = (await web.log_on())["access_token"]
        names = (
            "username", "password", "new_password", "organisation", "appointment", "secret", "name", "state",
            "answer", "workplace_key", "badge", "pin", "query", "patient", "refresh_token",
        )  # fmt: skip
        for text in ("\x00", "æ" * 3_000, "%00", "' OR 1=1 --", "{}", "[1]", "٣" * 6):
            fields = dict.fromkeys(names, text)
            if path != "/access/logoff":
                answer = await web.post(path, bearer, **fields)
                assert answer.status_code < 500, (text, answer.text)

    over_http(fresh, work)


@pytest.mark.parametrize("path", [path for path, _ in _READ if path not in dict(_JSON)])
def test_reading_changes_nothing_and_posting_to_it_is_not_possible(fresh: str, path: str) -> None:
    async def work(web: Web) -> None:
        assert (await web.http.post(path, json={})).status_code == 405

    over_http(fresh, work)


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_refusal(content: bytes) -> None:
    try:
        named = single(fields_of(content))
    except RefusedError:
        return
    assert all(isinstance(value, str) for value in named.values())


def _part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _forged(web: Web, good: str) -> dict[str, str]:
    """Tokens that say the same as a good one, and were not made here."""
    head, body, signature = good.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    public = web.scene.desk.keys.verifying(header["kid"])
    assert public is not None
    confused = _part(header | {"alg": "HS256"})
    mac = hmac.digest(public.as_pem(private=False), f"{confused}.{body}".encode(), hashlib.sha256)
    other = ECKey.generate_key("P-256")
    signed = jwt.encode(header, claims, other, algorithms=["ES256"])
    embedded = jwt.encode(header | {"jwk": other.as_dict(private=False)}, claims, other, algorithms=["ES256"])
    return {
        "none": f"{_part(header | {'alg': 'none'})}.{body}.",
        "NONE with a signature": f"{_part(header | {'alg': 'NONE'})}.{body}.{signature}",
        "key confusion": f"{confused}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        "another's key": signed,
        "a key that it brings": embedded,
        "raised role": f"{head}.{_part(claims | {'role': 'administrator'})}.{signature}",
        "cut": good[:-8],
        "another type": f"{_part(header | {'typ': 'JWT'})}.{body}.{signature}",
        "nothing": "",
        "long": good + "A" * 9_000,
    }


def test_forged_tokens_are_nobody(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        good = (await web.log_on())["access_token"]
        assert (await web.get("/access/me", good)).status_code == 200
        for kind, token in _forged(web, good).items():
            assert (await web.get("/access/me", token)).status_code == 401, kind
            assert (await web.post("/access/reentry", token)).status_code == 401, kind

    over_http(fresh, work)


def test_a_token_ends(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        given = await web.log_on()
        web.scene.clock.forward(given["expires_in"] + 31)
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        refreshed = await web.post("/access/refresh", refresh_token=given["refresh_token"])
        assert refreshed.status_code == 200

    over_http(fresh, work)


def test_the_other_sites_token_is_good_after_the_keys_were_rotated_and_not_after_they_were_withdrawn(
    fresh: str,
) -> None:
    clock = Hands()
    site_b = replace(SETTINGS, site="B")
    made: dict[str, str] = {}

    async def at_b(scene: Scene) -> None:
        """Rotates, waits until the new key signs, and signs with it."""
        async with scene.desk.database.writing() as connection:
            await keys.rotate(connection, site_b, SECRET, clock())
        clock.forward(PUBLISHED_BEFORE_S + 1)
        async with scene.desk.database.reading() as connection:
            await scene.desk.keys.refresh(connection)

    async def log_on_at_b(web: Web) -> None:
        await web.scene.account()
        made["old"] = (await web.log_on())["access_token"]
        await at_b(web.scene)
        made["new"] = (await web.log_on())["access_token"]
        made["kid"] = web.scene.desk.keys.signing().kid

    over_http(fresh, log_on_at_b, settings=site_b, clock=clock)

    async def at_a(web: Web) -> None:
        assert (await web.get("/access/me", made["new"])).json()["site"] == "B"
        async with web.scene.desk.database.writing() as connection:
            await keys.withdraw(connection, made["kid"], clock())
            await web.scene.desk.keys.refresh(connection)
        assert (await web.get("/access/me", made["new"])).status_code == 401

    over_http(fresh, at_a, clock=clock)


def test_no_answer_and_no_log_holds_what_was_secret(fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def work(web: Web) -> None:
        await web.scene.account()
        secret = "hemmelig-adgangskode-4711"
        answers: list[httpx.Response] = [
            await web.post(path, secret, **dict.fromkeys(("username", "password", "pin", "query"), secret))
            for path in JSON_PATHS
        ]
        answers.append(await web.http.post("/access/token", data={"client_id": secret, "code": secret}))
        assert not [one for one in answers if secret in one.text]
        # The client's own library logs addresses; no address here holds a secret.
        assert secret not in caplog.text
        assert secret not in repr(web.told.events)

    over_http(fresh, work)


def test_more_at_once_than_a_process_works_on_are_sent_away(
    fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("altid.api.access.routes.IN_FLIGHT_MAX", 1)

    async def work(web: Web) -> None:
        is_in, may_end = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            is_in.set()
            await may_end.wait()
            yield b"{}"

        headers = {"content-type": "application/json"}
        first = asyncio.create_task(web.http.post("/access/logon", content=slow(), headers=headers))
        async with asyncio.timeout(30):
            await is_in.wait()
        away = await web.post("/access/logon", username="anne", password=PASSWORD)
        assert error(away) == (503, "busy")
        assert away.headers["retry-after"] == "1"
        may_end.set()
        assert error(await first) == (400, "invalid_request")
        assert (await web.post("/access/passkey/begin")).status_code == 200

    over_http(fresh, work)


def test_a_fault_of_ours_says_nothing_about_itself(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(web: Web) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError("patient 4711")

        monkeypatch.setattr("altid.access.logon.with_password", broken)
        answer = await web.post("/access/logon", username="anne", password=PASSWORD)
        assert error(answer) == (500, "server_error")
        assert "4711" not in answer.text

    over_http(fresh, work)
