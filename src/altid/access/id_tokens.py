"""ID tokens (OpenID Connect Core §2): say to one application who the person is, and open nothing here.

Signed like access tokens, but of another type and for another audience, so neither passes for the other.
"""

from __future__ import annotations

from joserfc import jwt

from altid.access.accounts import Account
from altid.access.desk import Desk
from altid.access.scopes import NAMES_USER
from altid.access.sessions import Narrowing
from altid.access.tokens import ALGORITHM

ID_TOKEN_S = 300
"""An application reads it at once."""


def make(desk: Desk, account: Account, narrowing: Narrowing, nonce: str | None) -> str:
    """With the person's resource where the application may know it and there is one."""
    key, starts = desk.keys.signing(), int(desk.clock())
    claims = {
        "iss": desk.settings.public_url,
        "sub": account.id,
        "aud": narrowing.client,
        "iat": starts,
        "exp": starts + ID_TOKEN_S,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if NAMES_USER in narrowing.scopes and account.practitioner is not None:
        claims["fhirUser"] = f"{desk.settings.public_url}/fhir/{account.practitioner}"
    assert key.private is not None
    return jwt.encode({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}, claims, key.private)
