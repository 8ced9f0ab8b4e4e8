"""Where the browser goes: the authorization request (OpenID Connect Core §3.1.2.1, PKCE RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote, urlencode

from altid.access.federation.oidc.discovery import Endpoints
from altid.access.federation.provider import OidcProvider


def request_url(
    provider: OidcProvider,
    endpoints: Endpoints,
    *,
    redirect_uri: str,
    state: str,
    nonce: str,
    verifier: str,
    must_ask: bool = False,
) -> str:
    """`verifier` stays here; what goes out is its hash. `must_ask`: also if it remembers somebody."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    values = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge.decode("ascii"),
        "code_challenge_method": "S256",
    }
    if must_ask:
        values |= {"prompt": "login", "max_age": "0"}
    if provider.acr_values:
        values["acr_values"] = provider.acr_values
    return _joined(endpoints.authorization, values)


def _joined(url: str, values: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(values, quote_via=quote)}"
