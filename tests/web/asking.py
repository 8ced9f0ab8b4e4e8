"""An application that asks people for access, as the tests of the pages play it."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from altid.access import clients
from altid.access.clients import Client
from tests.access_api.launching import BACK, challenge_of
from tests.web.visiting import run

BEHIND = "57110000016001"
"""The SOR number of whom it is: no place that the record knows."""
CHART = Client(
    "page-chart", "Vækstkurven", BEHIND, ("patient/*.rs", "user/Observation.rs"), redirect_uris=(BACK,)
)
VERIFIER = secrets.token_urlsafe(48)


def register_chart(dsn: str) -> str:
    """Its id; it may be registered already."""

    async def work(connection: Any) -> None:
        if await clients.find(connection, CHART.id) is None:
            await clients.add(connection, CHART, time.time())

    run(dsn, work)
    return CHART.id


def question(**changed: str) -> str:
    """The query with which the application sends a browser."""
    asked = {
        "response_type": "code",
        "client_id": CHART.id,
        "redirect_uri": BACK,
        "scope": "launch/patient patient/Observation.rs patient/Condition.rs online_access",
        "state": "af0ifjsldkj",
        "aud": "http://localhost:8080/fhir",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return urlencode(asked | changed)


def redeemed(server: str, code: str) -> dict[str, Any]:
    """What the application gets for its code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": CHART.id,
        "code_verifier": VERIFIER,
    }
    answer = httpx.post(f"{server}/access/token", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens
