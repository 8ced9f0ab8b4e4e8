"""The id token: is it the provider's, for us, of this logon, and now (OpenID Connect Core §3.1.3.7)?"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from altid.access.federation.provider import OidcProvider
from altid.access.secret import equal
from altid.access.settings import LEEWAY_S

AGE_S_MAX = 600
"""From the provider's signature to us: it is fetched in the moment that it's made."""
_HEADER_NAMES = {"alg", "kid", "typ", "x5t", "x5t#S256"}
"""Any other (jwk, jku, x5u, crit, b64) could lead to another key or another reading. Those of certificates
are there often and not looked at."""

FindKey = Callable[[str], Awaitable[Any | None]]
"""The provider's key by its `kid`."""


class IdTokenError(Exception):
    """The id token proves nothing. Its text is for logs and holds nothing of the token."""


async def verified(
    token: str,
    provider: OidcProvider,
    find_key: FindKey,
    *,
    nonce: str,
    now_s: float,
    proved_since_s: float | None = None,
) -> dict[str, Any]:
    """Its claims. Raises `IdTokenError`, also if somebody proved who they are before `proved_since_s`."""
    claims = await _signed(token, provider, find_key)
    _check_whom(claims, provider)
    _check_when(claims, now_s)
    given = claims.get("nonce")
    if not isinstance(given, str) or not equal(given.encode(), nonce.encode()):
        raise IdTokenError("nonce")
    if proved_since_s is not None and _moment(claims, "auth_time") < proved_since_s:
        raise IdTokenError("remembered")
    return claims


async def _signed(token: str, provider: OidcProvider, find_key: FindKey) -> dict[str, Any]:
    try:
        form = jws.extract_compact(token.encode("ascii"))
        header = form.headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise IdTokenError("form") from None
    if not isinstance(header, dict) or header.keys() - _HEADER_NAMES:
        raise IdTokenError("header")
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if algorithm not in provider.algorithms or not isinstance(kid, str):
        raise IdTokenError("algorithm")
    key = await find_key(kid)
    if key is None:
        raise IdTokenError("key")
    try:
        is_good = jws.validate_compact(form, key, algorithms=[algorithm])
        claims = json.loads(form.payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        is_good, claims = False, None
    if not is_good:
        raise IdTokenError("signature")
    if not isinstance(claims, dict):
        raise IdTokenError("form")
    return claims


def _check_whom(claims: dict[str, Any], provider: OidcProvider) -> None:
    if claims.get("iss") != provider.issuer:
        raise IdTokenError("issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if provider.client_id not in audiences:
        raise IdTokenError("audience")
    party = claims.get("azp")
    if party != provider.client_id and (party is not None or len(audiences) > 1):
        raise IdTokenError("authorized party")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise IdTokenError("subject")


def _check_when(claims: dict[str, Any], now_s: float) -> None:
    expires, issued, begins = (_moment(claims, name) for name in ("exp", "iat", "nbf"))
    if expires <= now_s - LEEWAY_S:
        raise IdTokenError("expired")
    if max(issued, begins) > now_s + LEEWAY_S:
        raise IdTokenError("not yet")
    if issued < now_s - AGE_S_MAX - LEEWAY_S:
        raise IdTokenError("too old")


def _moment(claims: dict[str, Any], name: str) -> float:
    """Epoch seconds. Python's JSON reads NaN and Infinity, too, which no moment is before or after."""
    value = claims.get(name, 0 if name == "nbf" else None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise IdTokenError("times")
    return value
