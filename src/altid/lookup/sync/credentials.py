"""How a copy says who it is: a key of its own, whose public half the region knows (RFC 7523)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHM = "ES384"
_LASTS_S = 60
_FILE_BYTES_MAX = 16 * 1024


class CredentialsError(Exception):
    """The file can't be used. One line that names it, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """`audience`: the address of the token endpoint as the region calls it."""

    client: str
    audience: str
    key: ECKey = field(repr=False)

    def assertion(self, now_s: float) -> str:
        """Says once who asks, and is good for a minute."""
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": self.audience,
            "iat": int(now_s),
            "exp": int(now_s) + _LASTS_S,
            "jti": secrets.token_urlsafe(24),
        }
        header = {"alg": _ALGORITHM, "kid": self.key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self.key, algorithms=[_ALGORITHM])


def read_credentials(path: Path) -> Credentials:
    """Raises `CredentialsError`."""
    try:
        with path.open("rb") as file:
            told: Any = orjson.loads(file.read(_FILE_BYTES_MAX))
        return Credentials(str(told["client_id"]), str(told["audience"]), ECKey.import_key(told["key"]))
    except OSError as error:
        raise CredentialsError(f"{path} can't be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, JoseError):
        raise CredentialsError(
            f"{path} holds no credentials: `altid opslag enrol` at the region makes them"
        ) from None
