"""Systems and applications: registered, and how they prove who they are.

Systems (SMART App Launch 2, backend services) have public keys here and sign an assertion: `private_key_jwt`
(RFC 7523). Applications that people use have addresses that they are sent back to; with keys they prove
themselves like systems, without they are public and prove only that they began what they finish (PKCE).
We hold no secret of theirs, and fetch no key set from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from altid.access import spent
from altid.access.redirects import REDIRECTS_MAX, is_redirect
from altid.access.scopes import PEOPLES, covered, is_scope, of_record
from altid.access.settings import LEEWAY_S, AccessSettings, moment
from altid.record.database import Connection

ALGORITHMS = ("ES384", "RS384")
"""Those that SMART demands of every server; none that a public key could be mistaken for a secret with."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S_MAX = 300
ASSERTION_CHARACTERS_MAX = 8_192
RSA_BITS_MIN = 2_048
KEYS_MAX = 10
SCOPES_MAX = 50
"""Many more would make tokens that are longer than `TOKEN_CHARACTERS_MAX`."""
LIST_MAX = 1_000
BUILT_IN = "altid"
"""The system that programs of the operator are (`programs`)."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TOKEN_ID = re.compile(r"[\x21-\x7e]{8,256}", re.ASCII)
_PRIVATE_PARAMETERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class ClientError(ValueError):
    """The system can't be registered so. One line: what is wrong."""


class ProofError(Exception):
    """The assertion proves nothing. Its text is for logs and holds nothing of the assertion."""


@dataclass(frozen=True, slots=True)
class Client:
    """A registered system or application."""

    id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] = field(repr=False, default_factory=dict)
    """Empty: a public application."""
    redirect_uris: tuple[str, ...] = ()
    """Empty: a system, which no person uses."""

    @property
    def is_public(self) -> bool:
        return not self.jwks


async def add(connection: Connection, client: Client, now_s: float) -> None:
    """Raises `ClientError`."""
    if not _ID.fullmatch(client.id):
        raise ClientError("A system's id has 1 to 64 letters, digits or . _ - and begins with no sign.")
    if client.id == BUILT_IN:
        raise ClientError(f"{BUILT_IN} is the built-in system: choose another id.")
    if not 0 < len(client.scopes) <= SCOPES_MAX or not all(map(is_scope, client.scopes)):
        raise ClientError("A system has scopes such as system/Observation.rs, one at least.")
    _check_use(client)
    if client.jwks or not client.redirect_uris:
        _check_keys(client.jwks)
    try:
        await connection.execute(
            _INSERT,
            client.id,
            client.name,
            client.organisation,
            json.dumps(client.jwks) if client.jwks else None,
            list(client.scopes),
            list(client.redirect_uris),
            moment(now_s),
        )
    except asyncpg.UniqueViolationError:
        raise ClientError("A system of this id is registered already.") from None


async def find(connection: Connection, client: str) -> Client | None:
    """None if there is none, or it was closed."""
    if not _ID.fullmatch(client):
        return None
    row = await connection.fetchrow(_FIND, client)
    return None if row is None else _client(row)


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered system as it is shown."""

    client: Client
    is_disabled: bool


async def listing(connection: Connection) -> list[Listed]:
    """All of them by id, at most so many as anybody looks through."""
    rows = await connection.fetch(_LIST, LIST_MAX)
    return [Listed(_client(row), row["disabled_at"] is not None) for row in rows]


async def disable(connection: Connection, client: str, now_s: float) -> bool:
    """Its tokens are refused as soon as the servers have read it, too, and its sessions end.

    False if there is no such system.
    """
    async with connection.transaction():
        known = await connection.fetchval(_DISABLE, client, moment(now_s)) is not None
        await connection.execute(_END_SESSIONS, client, moment(now_s))
    return known


async def rotate(connection: Connection, client: str, jwks: Mapping[str, Any]) -> bool:
    """Its keys from now on: assertions by others are refused at once. The set may hold the old key beside the
    new one while the system changes over. Tokens that it has end by themselves, within minutes.

    False if there is no such open system, or it is an application without keys. Raises `ClientError`.
    """
    _check_keys(jwks)
    return await connection.fetchval(_ROTATE, client, json.dumps(jwks)) is not None


async def verify(connection: Connection, settings: AccessSettings, assertion: str, now_s: float) -> Client:
    """Whose assertion it is; spends it. Raises `ProofError`."""
    if len(assertion) > ASSERTION_CHARACTERS_MAX or not assertion.isascii():
        raise ProofError("form")
    try:
        signed = jws.extract_compact(assertion.encode("ascii"))
        header, claims = signed.headers(), json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, AttributeError):
        raise ProofError("form") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ProofError("form")
    client = await _claimed(connection, claims)
    try:
        good = jws.validate_compact(signed, _key(client, header), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError):
        good = False
    if not good:
        raise ProofError("signature")
    expires_s = _checked_times(claims, settings, now_s)
    if not await spent.spend(connection, f"assertion {client.id}", claims["jti"], expires_s + LEEWAY_S):
        raise ProofError("used before")
    return client


def granted(client: Client, asked: str) -> tuple[str, ...]:
    """The `system/` scopes of those asked for that it is registered for; all where it asks for none."""
    wanted = asked.split()[:SCOPES_MAX] if asked.strip() else client.scopes
    return of_record([scope for scope in wanted if covered(scope, client.scopes)], "system")


def _client(row: Any) -> Client:
    return Client(
        row["id"],
        row["name"],
        row["organisation"],
        tuple(row["scopes"]),
        json.loads(row["jwks"] or "{}"),
        tuple(row["redirect_uris"]),
    )


async def _claimed(connection: Connection, claims: dict[str, Any]) -> Client:
    """Who it says it is. Nothing is believed yet."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or claims.get("sub") != issuer or not _ID.fullmatch(issuer):
        raise ProofError("issuer")
    client = await find(connection, issuer)
    if client is None:
        raise ProofError("not registered")
    return client


def _key(client: Client, header: dict[str, Any]) -> ECKey | RSAKey:
    """The registered key that the header names; what the header brings itself is not looked at."""
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS or header.keys() - {"alg", "kid", "typ"}:
        raise ProofError("header")
    for jwk in client.jwks.get("keys", ()):
        if jwk["kid"] == kid:
            kind = ECKey if algorithm == "ES384" else RSAKey
            if jwk["kty"] == kind.key_type:
                return kind.import_key({name: jwk[name] for name in jwk if name not in ("key_ops", "use")})
    raise ProofError("key")


def _checked_times(claims: dict[str, Any], settings: AccessSettings, now_s: float) -> float:
    """When it expires."""
    urls, audience = (settings.token_url, *settings.other_token_urls), claims.get("aud")
    if audience not in urls and not (
        isinstance(audience, list) and len(audience) == 1 and audience[0] in urls
    ):
        raise ProofError("audience")
    token_id, expires = claims.get("jti"), claims.get("exp")
    if not isinstance(token_id, str) or not _TOKEN_ID.fullmatch(token_id):
        raise ProofError("jti")
    if type(expires) is not int or not now_s - LEEWAY_S < expires <= now_s + ASSERTION_S_MAX + LEEWAY_S:
        raise ProofError("expires")
    starts = claims.get("nbf", claims.get("iat", 0))
    if type(starts) is not int or starts > now_s + LEEWAY_S:
        raise ProofError("not yet")
    return expires


def _check_use(client: Client) -> None:
    if len(client.redirect_uris) > REDIRECTS_MAX or not all(map(is_redirect, client.redirect_uris)):
        raise ClientError(
            "An application is sent back to https addresses (or http on this very machine), without fragment."
        )
    contexts = {scope.partition("/")[0] for scope in client.scopes}
    if client.redirect_uris and not contexts & set(PEOPLES):
        raise ClientError("An application that people use has scopes such as patient/*.rs or user/Patient.r.")
    if client.is_public and client.redirect_uris and "system" in contexts:
        raise ClientError("Without keys it can't be a system: register keys, or no system/ scopes.")


def _check_keys(jwks: Mapping[str, Any]) -> None:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= KEYS_MAX:
        raise ClientError(f"A system has 1 to {KEYS_MAX} public keys, as a JWK set.")
    kids: Sequence[Any] = [key.get("kid") if isinstance(key, dict) else None for key in keys]
    if not all(isinstance(kid, str) and kid for kid in kids) or len(set(kids)) < len(kids):
        raise ClientError("Each key of the set has a kid of its own.")
    for key in keys:
        if _PRIVATE_PARAMETERS & key.keys():
            raise ClientError("The set holds a private or a symmetric key: register public keys only.")
        _check_key(key)


def _check_key(jwk: dict[str, Any]) -> None:
    try:
        key = KeySet.import_key_set({"keys": [jwk]}).keys[0]
    except (JoseError, ValueError, KeyError, TypeError):
        raise ClientError("A key of the set can't be read.") from None
    if isinstance(key, ECKey) and key.curve_name == "P-384":
        return
    if isinstance(key, RSAKey) and key.raw_value.key_size >= RSA_BITS_MIN:
        return
    raise ClientError(f"Keys are EC on P-384 (ES384) or RSA of at least {RSA_BITS_MIN} bits (RS384).")


_INSERT = """
INSERT INTO client (id, name, organisation, jwks, scopes, redirect_uris, created)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_FIND = """
SELECT id, name, organisation, jwks, scopes, redirect_uris FROM client WHERE id = $1 AND disabled_at IS NULL
"""
_END_SESSIONS = """
UPDATE session SET ended = $2, end_reason = 'client' WHERE client = $1 AND ended IS NULL
"""
_LIST = """
SELECT id, name, organisation, jwks, scopes, redirect_uris, disabled_at FROM client ORDER BY id LIMIT $1
"""
_ROTATE = """
UPDATE client SET jwks = $2 WHERE id = $1 AND jwks IS NOT NULL AND disabled_at IS NULL RETURNING id
"""
_DISABLE = "UPDATE client SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1 RETURNING id"
