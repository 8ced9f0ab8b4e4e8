"""Where a provider's endpoints are and which keys it signs with: read, checked, kept.

What was read last is kept for as long as the process lives. It is read again once a minute (`look`), and for
a key that isn't known. A provider that is down changes nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from altid.access.federation.fetching import Fetcher, ProviderDownError, ProviderRefusedError
from altid.access.federation.limits import KEYS_AGAIN_S_MIN
from altid.access.federation.provider import OidcProvider
from altid.access.federation.urls import is_safe_url
from altid.access.settings import Clock

PATH = "/.well-known/openid-configuration"
KEYS_MAX = 50


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A provider's metadata (OpenID Connect Discovery §3), what we need of it."""

    authorization: str
    token: str
    keys: str
    userinfo: str = ""
    names_itself: bool = False
    """It says in its answers which provider it is (RFC 9207)."""


@dataclass(slots=True)
class Known:
    """What is known of one provider."""

    provider: OidcProvider
    fetcher: Fetcher = field(repr=False)
    monotonic: Clock
    endpoints: Endpoints | None = None
    keys: KeySet | None = field(default=None, repr=False)
    keys_read_s: float = float("-inf")

    async def look(self) -> None:
        """Read both again. Raises `ProviderDownError` and keeps what was known."""
        try:
            raw = await self.fetcher.get_json(self.provider.issuer.rstrip("/") + PATH)
            self.endpoints = _endpoints(self.provider, raw)
            await self._read_keys(self.endpoints)
        except ProviderRefusedError:
            raise ProviderDownError("refused") from None

    async def key(self, kid: str) -> Any | None:
        """The key of this name; a new one is looked for, if the last look is old enough."""
        found = self._key(kid)
        is_old = self.monotonic() - self.keys_read_s >= KEYS_AGAIN_S_MIN
        if found is None and is_old and self.endpoints is not None and not self.fetcher.health.is_down:
            try:
                await self._read_keys(self.endpoints)
            except (ProviderDownError, ProviderRefusedError):
                return None
            found = self._key(kid)
        return found

    def _key(self, kid: str) -> Any | None:
        """Without a name only the one key that there is."""
        keys = [] if self.keys is None else self.keys.keys
        if not kid:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.kid == kid), None)

    async def _read_keys(self, endpoints: Endpoints) -> None:
        self.keys_read_s = self.monotonic()
        self.keys = _key_set(await self.fetcher.get_json(endpoints.keys))


def _endpoints(provider: OidcProvider, raw: dict[str, Any]) -> Endpoints:
    """Raises `ProviderDownError` for metadata of somebody else, or without what we need."""
    if raw.get("issuer") != provider.issuer:
        raise ProviderDownError("its metadata names another issuer")
    endpoints = Endpoints(
        authorization=_url(raw, "authorization_endpoint"),
        token=_url(raw, "token_endpoint"),
        keys=_url(raw, "jwks_uri"),
        userinfo=_url(raw, "userinfo_endpoint"),
        names_itself=raw.get("authorization_response_iss_parameter_supported") is True,
    )
    if not all((endpoints.authorization, endpoints.token, endpoints.keys)):
        raise ProviderDownError("its metadata lacks an endpoint")
    if provider.userinfo and not endpoints.userinfo:
        raise ProviderDownError("its metadata lacks the userinfo endpoint")
    return endpoints


def _url(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) and is_safe_url(value) else ""


def _key_set(raw: dict[str, Any]) -> KeySet:
    """Public keys to check signatures with; kinds that we don't know are left out."""
    found = []
    listed = raw.get("keys")
    for jwk in listed[:KEYS_MAX] if isinstance(listed, list) else []:
        if not isinstance(jwk, dict) or jwk.get("kty") not in _KINDS or jwk.get("use", "sig") != "sig":
            continue
        public = {name: value for name, value in jwk.items() if name in _PUBLIC}
        try:
            found.append(import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not found:
        raise ProviderDownError("has no key to check signatures with")
    return KeySet(found)


_KINDS = ("RSA", "EC", "OKP")
"""Those with two halves. A symmetric key in a public set is none."""
_PUBLIC = frozenset({"kty", "kid", "n", "e", "crv", "x", "y"})
"""Private parts, and what else a set may hold, are not read."""
