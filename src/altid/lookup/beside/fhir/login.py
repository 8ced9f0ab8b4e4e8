"""Access tokens for a FHIR server: from a file, or from its token endpoint.

OAuth 2.0 client credentials (RFC 6749 §4.4) with a secret, or with a signed assertion as SMART Backend
Services wants it (`private_key_jwt`, RFC 7523; SMART App Launch 2.0 "Backend Services"). Files are read each
time, so that a secret can be changed without a restart.
"""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from altid.lookup.beside.sources import Login

ASSERTION_S = 240
"""Five minutes is the most that servers accept."""
EARLY_S = 30
"""A token is renewed so long before it ends."""
TOKEN_S_DEFAULT = 300
TOKEN_BYTES_MAX = 64 * 1024
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class LoginError(OSError):
    """There is no token to be had. The text says nothing of secrets."""


class Tokens:
    """The token that is good now."""

    def __init__(self, login: Login, client: httpx.AsyncClient) -> None:
        self._login, self._client = login, client
        self._token, self._ends_s = "", 0.0

    def forget(self) -> None:
        """The server no longer takes it."""
        self._token = ""

    async def header(self) -> dict[str, str]:
        """Raises `LoginError` (an OSError) or httpx.HTTPError."""
        if self._login.kind == "none":
            return {}
        if self._login.kind == "bearer":
            return {"Authorization": f"Bearer {_read(self._login.file)}"}
        if not self._token or time.monotonic() > self._ends_s:
            await self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self) -> None:
        login = self._login
        form = {"grant_type": "client_credentials", "scope": login.scope}
        auth: httpx.Auth = httpx.Auth()
        if login.kind == "secret":
            auth = httpx.BasicAuth(login.client_id, _read(login.file))
        else:
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": assertion(login, time.time())}
        response = await self._client.post(login.token_url, data=form, auth=auth)
        if response.status_code != httpx.codes.OK or len(response.content) > TOKEN_BYTES_MAX:
            raise LoginError("no token")
        try:
            told = response.json()
            self._token, lasts_s = str(told["access_token"]), float(told.get("expires_in", TOKEN_S_DEFAULT))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LoginError("no token") from None
        self._ends_s = time.monotonic() + lasts_s - EARLY_S


def assertion(login: Login, now_s: float) -> str:
    """The signed statement of who we are, by the private key (a JWK) in the login's file."""
    try:
        told = json.loads(_read(login.file))
        key: RSAKey | ECKey = (RSAKey if told.get("kty") == "RSA" else ECKey).import_key(told)
    except (ValueError, AttributeError):
        raise LoginError("no key") from None
    algorithm = "RS384" if isinstance(key, RSAKey) else "ES384"
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": key.kid} if key.kid else {})
    claims = {
        "iss": login.client_id,
        "sub": login.client_id,
        "aud": login.token_url,
        "exp": int(now_s) + ASSERTION_S,
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _read(path: Path | None) -> str:
    if path is None:
        raise LoginError("no file")
    return path.read_text().strip()
