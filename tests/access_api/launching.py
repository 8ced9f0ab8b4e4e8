"""An application that people use, as a browser and its server play it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from altid.access import clients
from altid.access.clients import Client
from tests.access_api.served import Web

BACK = "https://chart.example/back"
CHART = Client(
    "growth-chart", "Growth chart", "0815", ("patient/*.rs", "user/Observation.rs"), redirect_uris=(BACK,)
)
PATIENT = "p-4711"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Launch:
    """One run of the application against the endpoints, on behalf of somebody who is in."""

    web: Web
    bearer: str
    """Of the person's own session."""
    refresh: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def question(self, **changed: str | None) -> dict[str, str]:
        asked = {
            "response_type": "code",
            "client_id": CHART.id,
            "redirect_uri": BACK,
            "scope": "launch/patient patient/Observation.rs patient/Condition.rs online_access",
            "state": "af0ifjsldkj",
            "aud": "http://localhost:8080/fhir",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | changed).items() if value is not None}

    async def begin(self, query: str | None = None, **changed: str | None) -> httpx.Response:
        """What the browser is answered that the application sends to us."""
        return await self.web.http.get(
            f"/access/authorize?{query if query is not None else urlencode(self.question(**changed))}"
        )

    async def answer(self, yes: bool = True, bearer: str | None = None, **more: Any) -> httpx.Response:
        question = more.pop("question", None) or self.question()
        path = "/access/authorize/yes" if yes else "/access/authorize/no"
        return await self.web.post(path, bearer or self.bearer, query=urlencode(question), **more)

    async def code(self, patient: str | None = PATIENT, **more: Any) -> str:
        """The person says yes; the code that the browser carries."""
        answer = await self.answer(patient=patient, **more)
        assert answer.status_code == 200, answer.text
        return told_at(answer.json()["location"])["code"]

    async def redeem(self, code: str, **changed: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "client_id": CHART.id,
            "code_verifier": self.verifier,
        }
        sent = {name: value for name, value in (form | changed).items() if value is not None}
        return await self.web.http.post("/access/token", data=sent)

    async def tokens(self, **more: Any) -> dict[str, Any]:
        answer = await self.redeem(await self.code(**more))
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    async def go_on(self, token: str, client: str = CHART.id) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client}
        return await self.web.http.post("/access/token", data=form)

    async def give_up(self, token: str, client: str = CHART.id) -> httpx.Response:
        form = {"token": token, "client_id": client}
        return await self.web.http.post("/access/revoke", data=form)


def told_at(location: str) -> dict[str, str]:
    """What a browser carries back to the application."""
    return dict(parse_qsl(urlsplit(location).query))


async def launch(web: Web, client: Client = CHART, username: str = "anne") -> Launch:
    """The application is registered, and somebody is in."""
    await web.scene.account(username)
    async with web.scene.desk.database.writing() as connection:
        await clients.add(connection, client, web.scene.clock())
    given = await web.log_on(username)
    return Launch(web, given["access_token"], given["refresh_token"])
