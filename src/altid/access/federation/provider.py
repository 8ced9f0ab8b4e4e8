"""Identity providers as plain data, as `file` has read them. Secrets are read and in no `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate

from altid.access.identity import Level, Role

Authentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
"""How we prove to an OpenID provider who we are (OpenID Connect Core §9)."""

NSIS = "https://data.gov.dk/concept/core/nsis/loa"
"""The attribute that says the level (OIOSAML 3 §5.2), and the beginning of the classes that say it."""
LEVELS: Mapping[str, Level] = {
    value: level
    for level in Level
    for value in (
        level.title(),
        f"{NSIS}/{level.title()}",
        f"https://data.gov.dk/concept/core/nsis/{level.title()}",
    )
}
"""What the Danish profiles call the levels. A provider's file may name others."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Which claims (OpenID) or attributes (SAML) say what, and what their values mean here."""

    username: str
    name: str
    roles: str
    organisations: str
    level: str
    subject: str | None = None
    """Who it is, for good. None: `sub`, or the NameID."""
    practitioner: str | None = None
    """Id of the person's Practitioner in the record."""
    role_of: Mapping[str, Role] = field(default_factory=dict)
    """Values that are not in it give no role."""
    organisation_of: Mapping[str, str] = field(default_factory=dict)
    """Empty: the values are SOR ids already."""
    level_of: Mapping[str, Level] = field(default_factory=lambda: LEVELS)
    """Values that are not in it are worth the lowest level."""
    level_min: Level = Level.LOW
    """Whoever has less is not let in."""


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An OpenID provider, and we as its client."""

    name: str
    """In addresses, sessions and the audit."""
    title_da: str
    title_en: str
    reading: Reading
    issuer: str
    client_id: str
    authentication: Authentication
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    """That its id tokens may be signed by."""
    userinfo: bool = False
    """Ask its userinfo endpoint for the claims, which some leave out of the id token."""
    acr_values: str = ""
    secret: str | None = field(default=None, repr=False)
    key: RSAPrivateKey | EllipticCurvePrivateKey | None = field(default=None, repr=False)
    key_id: str = ""
    ca_file: str | None = None
    """Certificates that its HTTPS is checked against; None: those that the machine trusts."""

    @property
    def authority(self) -> str:
        """Whose subjects they are: accounts are bound to it, not to the name in our file."""
        return self.issuer


@dataclass(frozen=True, slots=True)
class SamlProvider:
    """A SAML identity provider, and we as its service provider."""

    name: str
    title_da: str
    title_en: str
    reading: Reading
    entity_id: str
    """Its own."""
    sso_url: str
    """Where people are sent (redirect binding)."""
    certificates: tuple[Certificate, ...] = field(repr=False)
    """That its assertions may be signed by: several while one is changed for the next."""
    our_entity_id: str
    key: RSAPrivateKey = field(repr=False)
    """Signs our requests, and opens what is encrypted for us."""
    certificate: Certificate = field(repr=False)
    probe_url: str = ""
    """Asked to see whether it answers."""
    contexts: tuple[str, ...] = ()
    """Authentication context classes that are asked for."""
    must_encrypt: bool = False
    ca_file: str | None = None

    @property
    def authority(self) -> str:
        return self.entity_id


Provider: TypeAlias = OidcProvider | SamlProvider
