"""Access tokens: short JWTs (RFC 9068) that every server of both sites verifies by itself.

A token that was verified is remembered by its SHA-256 until it ends, so that the second look costs
microseconds. Whether its session has ended or its key was withdrawn is looked at every time.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from altid.access.identity import Identity, Level, Role
from altid.access.keys import KeySet, SigningKey
from altid.access.settings import LEEWAY_S, AccessSettings, Clock

ALGORITHM = "ES256"
TYPE = "at+jwt"
AUDIENCE = "altid"
PAGE_AUDIENCE = "altid:page"
"""Of tokens that a page holds (`page_tokens`): what takes any token but those names it."""
MOVED_AUDIENCE = "altid:moved"
"""Of the cookie of a session that came over from the other site (`handover`). Only pages take it."""
TOKEN_CHARACTERS_MAX = 8_192
"""Ours have about 550; those of a system or an application with all scopes that it may have, 5,000."""
REMEMBERED_MAX = 50_000
"""Tokens that one server may see within ten minutes: about 400 bytes each."""
_HEADER_NAMES = {"alg", "typ", "kid"}
"""Any other (jwk, jku, x5u, crit, b64) could lead to another key or another reading."""


class Fault(StrEnum):
    """What is wrong with a token. For logs and tests: a client is told only that it must log on."""

    FORM = "form"
    ALGORITHM = "algorithm"
    TYPE = "type"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    CLAIMS = "claims"
    REVOKED = "revoked"


class TokenError(Exception):
    """The token is not good for anything. Its text holds nothing of the token."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is for. `scopes`, `patient` and `application` as in `Identity`."""

    id: str
    name: str
    role: Role
    organisation: str
    level: Level
    session: str
    scopes: tuple[str, ...] = ()
    patient: str | None = None
    application: str | None = None


def issue(
    subject: Subject,
    key: SigningKey,
    settings: AccessSettings,
    now_s: float,
    rng: random.Random,
    *,
    life_s: float | None = None,
    audience: str = AUDIENCE,
) -> tuple[str, Identity]:
    """A token and what it says. Lifetimes are jittered; `life_s` is the mean, by default the settings'."""
    jitter = 1 + settings.token_jitter * rng.uniform(-1, 1)
    starts = int(now_s)
    ends = starts + int((settings.token_s if life_s is None else life_s) * jitter)
    claims = {
        "iss": settings.issuer,
        "aud": audience,
        "sub": subject.id,
        "sid": subject.session,
        "name": subject.name,
        "role": str(subject.role),
        "org": subject.organisation,
        "scope": " ".join(subject.scopes),
        "acr": str(subject.level),
        "site": settings.site,
        "iat": starts,
        "nbf": starts,
        "exp": ends,
        "jti": str(uuid.UUID(bytes=rng.randbytes(16), version=4)),
    }
    narrowed = {"client_id": subject.application, "patient": subject.patient}
    claims |= {name: value for name, value in narrowed.items() if value is not None}
    assert key.private is not None
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    token = jwt.encode(header, claims, key.private, algorithms=[ALGORITHM])
    return token, _identity(claims)


@dataclass(frozen=True, slots=True)
class _Seen:
    identity: Identity
    kid: str


class Verifier:
    """Says who a token is from. One for a server process; it asks nobody."""

    def __init__(
        self, keys: KeySet, settings: AccessSettings, clock: Clock, remembered_max: int = REMEMBERED_MAX
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._remembered_max = remembered_max
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def verify(self, token: str) -> Identity:
        """Raises `TokenError`."""
        if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
            raise TokenError(Fault.FORM)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        seen = self._seen.get(digest)
        if seen is None or self._keys.verifying(seen.kid) is None:
            seen = self._verified(token)
            self._remember(digest, seen)
        else:
            self._seen.move_to_end(digest)
        return self._still_good(digest, seen.identity)

    @property
    def remembered(self) -> int:
        """How many tokens."""
        return len(self._seen)

    def _still_good(self, digest: bytes, identity: Identity) -> Identity:
        if self._clock() > identity.expires_s + LEEWAY_S:
            self._seen.pop(digest, None)
            raise TokenError(Fault.EXPIRED)
        if self._keys.is_revoked(identity.session, identity.subject):
            raise TokenError(Fault.REVOKED)
        if identity.application is not None and self._keys.is_closed(identity.application):
            raise TokenError(Fault.REVOKED)
        return identity

    def _remember(self, digest: bytes, seen: _Seen) -> None:
        self._seen[digest] = seen
        if len(self._seen) > self._remembered_max:
            self._seen.popitem(last=False)

    def _verified(self, token: str) -> _Seen:
        try:
            signed = jws.extract_compact(token.encode("ascii"))
            header = signed.headers()
        except (JoseError, ValueError, AttributeError, TypeError):
            raise TokenError(Fault.FORM) from None
        kid = self._checked_kid(header)
        key = self._keys.verifying(kid)
        if key is None:
            raise TokenError(Fault.KEY)
        try:
            good = jws.validate_compact(signed, key, algorithms=[ALGORITHM])
            claims = json.loads(signed.payload) if good else None
        except (JoseError, ValueError):
            raise TokenError(Fault.SIGNATURE) from None
        if claims is None:
            raise TokenError(Fault.SIGNATURE)
        return _Seen(self._checked(claims), kid)

    @staticmethod
    def _checked_kid(header: Any) -> str:
        if not isinstance(header, dict):
            raise TokenError(Fault.FORM)
        if header.get("alg") != ALGORITHM:
            raise TokenError(Fault.ALGORITHM)
        if header.get("typ") != TYPE:
            raise TokenError(Fault.TYPE)
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise TokenError(Fault.KEY)
        if header.keys() != _HEADER_NAMES:
            raise TokenError(Fault.FORM)
        return kid

    def _checked(self, claims: Any) -> Identity:
        """The claims of a token whose signature is good."""
        if not isinstance(claims, dict):
            raise TokenError(Fault.CLAIMS)
        if claims.get("iss") != self._settings.issuer:
            raise TokenError(Fault.ISSUER)
        if claims.get("aud") not in (AUDIENCE, PAGE_AUDIENCE, MOVED_AUDIENCE):
            raise TokenError(Fault.AUDIENCE)
        now = self._clock()
        times = [claims.get(name) for name in ("iat", "nbf", "exp")]
        if not all(type(time) is int for time in times):
            raise TokenError(Fault.CLAIMS)
        if now + LEEWAY_S < max(claims["nbf"], claims["iat"]):
            raise TokenError(Fault.NOT_YET)
        if now > claims["exp"] + LEEWAY_S:
            raise TokenError(Fault.EXPIRED)
        return _identity(claims)


def _identity(claims: dict[str, Any]) -> Identity:
    texts = [claims.get(name) for name in ("sub", "name", "org", "scope", "sid", "site")]
    if not all(isinstance(text, str) for text in texts):
        raise TokenError(Fault.CLAIMS)
    application, patient = claims.get("client_id"), claims.get("patient")
    if not all(one is None or isinstance(one, str) for one in (application, patient)):
        raise TokenError(Fault.CLAIMS)
    scopes = tuple(claims["scope"].split())
    if application is not None and not scopes:
        # Without scopes it would be read as the person's own session.
        raise TokenError(Fault.CLAIMS)
    try:
        role, level = Role(claims["role"]), Level(claims["acr"])
    except (KeyError, ValueError):
        raise TokenError(Fault.CLAIMS) from None
    return Identity(
        subject=claims["sub"],
        name=claims["name"],
        role=role,
        organisation=claims["org"],
        scopes=scopes,
        level=level,
        session=claims["sid"],
        site=claims["site"],
        expires_s=claims["exp"],
        patient=patient,
        application=application,
        is_page=claims.get("aud") == PAGE_AUDIENCE,
        is_moved=claims.get("aud") == MOVED_AUDIENCE,
    )
