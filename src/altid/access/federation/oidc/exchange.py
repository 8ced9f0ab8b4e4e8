"""A code for an id token, at the provider's token endpoint (OpenID Connect Core §3.1.3)."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from altid.access.federation.fetching import Fetcher, Waiter
from altid.access.federation.oidc.discovery import Endpoints
from altid.access.federation.provider import OidcProvider

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S = 60
TOKEN_CHARACTERS_MAX = 64 * 1024


class ExchangeError(Exception):
    """The provider's answer is not one. Its text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Tokens:
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """What came back with the browser, and what we kept for it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


async def exchanged(
    provider: OidcProvider,
    endpoints: Endpoints,
    fetcher: Fetcher,
    waiter: Waiter,
    code: Code,
    *,
    now_s: float,
    rng: random.Random,
) -> Tokens:
    """Raises `ExchangeError`, and what `Fetcher.ask_json` raises."""
    form = {
        "grant_type": "authorization_code",
        "code": code.code,
        "redirect_uri": code.redirect_uri,
        "code_verifier": code.verifier,
    }
    headers, proof = _proof(provider, endpoints, now_s, rng)
    answer = await fetcher.ask_json(waiter, "POST", endpoints.token, data=form | proof, headers=headers)
    id_token, access_token = answer.get("id_token"), answer.get("access_token", "")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ExchangeError("no id token")
    if max(len(id_token), len(access_token)) > TOKEN_CHARACTERS_MAX:
        raise ExchangeError("form")
    return Tokens(id_token, access_token)


async def userinfo(
    endpoints: Endpoints, fetcher: Fetcher, waiter: Waiter, tokens: Tokens, subject: str
) -> dict[str, Any]:
    """The claims that the userinfo endpoint has of the same subject (§5.3.2)."""
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    answer = await fetcher.ask_json(waiter, "GET", endpoints.userinfo, headers=headers)
    if answer.get("sub") != subject:
        raise ExchangeError("userinfo is of somebody else")
    return answer


def _proof(
    provider: OidcProvider, endpoints: Endpoints, now_s: float, rng: random.Random
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form fields that prove who we are."""
    if provider.key is not None:
        assertion = _assertion(provider, endpoints, now_s, rng)
        return {}, {
            "client_id": provider.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    secret = provider.secret or ""
    if provider.authentication == "client_secret_post":
        return {}, {"client_id": provider.client_id, "client_secret": secret}
    # RFC 6749 §2.3.1: both are form-encoded first.
    pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}, {}


def _assertion(provider: OidcProvider, endpoints: Endpoints, now_s: float, rng: random.Random) -> str:
    """Signed by our key, for this provider and one minute (RFC 7523)."""
    assert provider.key is not None
    is_rsa = isinstance(provider.key, RSAPrivateKey)
    key = (
        RSAKey.import_key(provider.key)
        if isinstance(provider.key, RSAPrivateKey)
        else ECKey.import_key(provider.key)
    )
    algorithm = "RS256" if is_rsa else "ES256"
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "jti": rng.randbytes(16).hex(),
        "iat": int(now_s),
        "exp": int(now_s) + _ASSERTION_S,
    }
    header = {"alg": algorithm, "kid": provider.key_id}
    return jwt.encode(header, claims, key, algorithms=[algorithm])
