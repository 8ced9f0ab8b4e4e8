"""Logon through providers that others wrote: a certified OpenID provider, and a SAML library."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from altid.access.door import Answer
from altid.access.federation.back import Posted, Returned, with_oidc, with_saml
from altid.access.federation.keyfiles import key_id
from altid.access.federation.out import Departure, depart
from altid.access.federation.provider import OidcProvider
from altid.access.federation.providers import OidcPeer, SamlPeer
from altid.access.federation.saml.metadata import our_metadata
from altid.access.identity import Level, Role
from tests.access.desks import WARD, Hands, Scene, at_desk, granted
from tests.access.federating import ORIGIN, code_of
from tests.access.openid_provider import CLIENT, CLIENT_SECRET, READING, provider_at
from tests.access.saml_provider import CONSUMER, OURS, idp_metadata, pair, saml_provider
from tests.ports import free_port

CALLBACK = f"{ORIGIN}/logon/oidc/region"
_STEPS_MAX = 20


@contextmanager
def openid(folder: Path, settings: dict[str, Any]) -> Iterator[None]:
    process = subprocess.Popen(
        ["node", "openid.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


async def as_a_person(url: str) -> dict[str, str]:
    """A browser that types a name, agrees, and is sent back: what it brings."""
    async with httpx.AsyncClient(timeout=10) as browser:
        for _ in range(_STEPS_MAX):
            if url.startswith(ORIGIN):
                return {name: found[0] for name, found in parse_qs(urlsplit(url).query).items()}
            page = await browser.get(url)
            if "<form" in page.text:
                prompt = "login" if 'value="login"' in page.text else "consent"
                form = {"prompt": prompt, "login": "anne-1", "password": "x"}
                action = page.text.partition('action="')[2].partition('"')[0]
                page = await browser.post(urljoin(url, action), data=form)
            assert page.is_redirect, (page.status_code, page.text[:500])
            url = urljoin(str(page.url), page.headers["location"])
    raise AssertionError("it goes round in circles")


def client(**others: Any) -> dict[str, Any]:
    return {
        "client_id": CLIENT,
        "redirect_uris": [CALLBACK],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "ES256",
    } | others


def log_on(dsn: str, folder: Path, registered: dict[str, Any], **provider: Any) -> tuple[Any, Any]:
    """The answers to the first coming back, and to the same once more."""
    issuer = f"http://127.0.0.1:{free_port()}"
    keys = [ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": "k1"}).as_dict(private=True)]
    claims = {
        "name": "Anne Holm",
        "preferred_username": "anne",
        "groups": ["EPJ-Laege"],
        "sor": [WARD],
        "loa": "Substantial",
    }
    settings = {"issuer": issuer, "clients": [registered], "jwks": {"keys": keys}, "claims": claims}

    async def work(scene: Scene) -> tuple[Answer, Answer]:
        (peer,) = scene.desk.federation.peers
        assert isinstance(peer, OidcPeer)
        departure = await depart(scene.desk, scene.caller(), peer, origin=ORIGIN, wanted="/", is_shared=True)
        assert isinstance(departure, Departure), departure
        brought = await as_a_person(departure.url)
        returned = Returned(brought["state"], brought["code"], issuer=brought["iss"])
        first = await with_oidc(scene.desk, scene.caller(), peer, departure.cookie, returned)
        return first, await with_oidc(scene.desk, scene.caller(), peer, departure.cookie, returned)

    reading = {"reading": replace(READING, level="loa")}
    made: OidcProvider = provider_at(issuer, **(reading | provider))
    with openid(folder, settings):
        return at_desk(dsn, work, clock=today(), providers=(made,))


def saml(folder: Path, given: dict[str, Any]) -> dict[str, str]:
    """What the SAML provider makes of our request."""
    done = subprocess.run(
        ["node", "saml.mjs"],
        cwd=folder,
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def today() -> Hands:
    """Whole seconds: the database keeps no more than microseconds, and this clock stands still."""
    return Hands(float(int(time.time())))


def check(first: Answer, second: Answer) -> None:
    identity = granted(first).identity
    assert (identity.name, identity.role, identity.organisation) == ("Anne Holm", Role.DOCTOR, WARD)
    assert identity.level is Level.SUBSTANTIAL
    assert code_of(second) == "provider-refused"


@pytest.mark.parametrize("authentication", ["client_secret_basic", "client_secret_post"])
def test_a_certified_openid_provider_lets_in_by_our_secret(
    fresh: str,
    peers: Path,
    authentication: str,
) -> None:
    registered = client(client_secret=CLIENT_SECRET, token_endpoint_auth_method=authentication)
    check(*log_on(fresh, peers, registered, authentication=authentication))


def test_a_certified_openid_provider_lets_in_by_our_key_and_tells_more_at_userinfo(
    fresh: str,
    peers: Path,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = ECKey.import_key(key).as_dict(private=False) | {"kid": key_id(key), "use": "sig"}
    registered = client(
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
        jwks={"keys": [public]},
    )
    check(
        *log_on(
            fresh,
            peers,
            registered,
            authentication="private_key_jwt",
            secret=None,
            key=key,
            key_id=key_id(key),
            userinfo=True,
        )
    )


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_saml_provider_of_others_takes_our_request_and_lets_in(
    fresh: str,
    peers: Path,
    is_encrypted: bool,
) -> None:
    person = {
        "subject": "anne-1",
        "uid": "anne",
        "cn": "Anne Holm",
        "group": "EPJ-Laege",
        "sor": WARD,
        "loa": "Substantial",
    }
    key = pair("idp").key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    async def work(scene: Scene) -> Answer:
        (peer,) = scene.desk.federation.peers
        assert isinstance(peer, SamlPeer)
        departure = await depart(scene.desk, scene.caller(), peer, origin=ORIGIN, wanted="/", is_shared=True)
        assert isinstance(departure, Departure), departure
        query = urlsplit(departure.url).query
        given = {
            "idp_metadata": idp_metadata(),
            "sp_metadata": our_metadata(peer.provider, CONSUMER).decode(),
            "key": key,
            "query": query,
            "audience": OURS,
            "encrypted": is_encrypted,
            "person": person,
        }
        answer = await asyncio.to_thread(saml, peers, given)
        posted = Posted(answer["response"], parse_qs(query)["RelayState"][0])
        return await with_saml(scene.desk, scene.caller(), peer, departure.cookie, posted)

    provider = saml_provider(must_encrypt=is_encrypted)
    identity = granted(at_desk(fresh, work, clock=today(), providers=(provider,))).identity
    assert (identity.name, identity.role, identity.level) == ("Anne Holm", Role.DOCTOR, Level.SUBSTANTIAL)
