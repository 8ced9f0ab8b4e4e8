"""`identity.toml`: which identity providers there are. Read once, at a server's start.

What is secret stands in files of its own, that the file names; they lie beside it, or are given by their full
path. docs/identity.toml is an example with all there is.
"""

from __future__ import annotations

import re
import ssl
import tomllib
from pathlib import Path
from typing import Any

from altid.access.federation.keyfiles import ec_or_rsa_key, key_id, read_certificate, rsa_key, secret_text
from altid.access.federation.limits import PROVIDERS_MAX
from altid.access.federation.provider import (
    LEVELS,
    NSIS,
    Authentication,
    OidcProvider,
    Provider,
    Reading,
    SamlProvider,
)
from altid.access.federation.saml.metadata import MetadataError, read_metadata
from altid.access.federation.table import IdentityFileError, Table
from altid.access.federation.urls import is_safe_url
from altid.access.identity import Level, Role

FILE = "identity.toml"
FILE_BYTES_MAX = 1024 * 1024
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "EdDSA")
"""Signatures that only the provider can make. None by a shared secret, and of course not "none"."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_RESERVED = {"local", "reentry"}
_AUTHENTICATIONS: tuple[Authentication, ...] = ("client_secret_basic", "client_secret_post")


def read_providers(path: Path) -> tuple[Provider, ...]:
    """Those of the file; none where there is no file. Raises `IdentityFileError`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise IdentityFileError(f"{path} can't be read ({type(error).__name__})") from None
    if len(content) > FILE_BYTES_MAX:
        raise IdentityFileError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise IdentityFileError(f"{path} is no TOML: {error}") from None
    return _providers(path, values)


def files_of(path: Path) -> tuple[Path, ...]:
    """The file and those beside it that it names; none where there is no file. What it names by a full path
    is left where it is. Raises `IdentityFileError`, also for a file that can't be used."""
    if not path.exists():
        return ()
    read_providers(path)
    values = tomllib.loads(path.read_text("utf-8"))
    named = (
        value
        for table in values.get("provider", ())
        for key, value in table.items()
        if key.endswith("_file") and not Path(value).is_absolute()
    )
    names = tuple(dict.fromkeys(named))
    for name in names:
        if Path(name).name != name:
            raise IdentityFileError(f"{path.name}: {name} must lie beside it, or be given by its full path")
    return (path, *(path.parent / name for name in names))


def _providers(path: Path, values: dict[str, Any]) -> tuple[Provider, ...]:
    listed = values.pop("provider", [])
    if values:
        raise IdentityFileError(f"{path.name}: nothing is known of {sorted(values)[0]!r}")
    if not isinstance(listed, list) or len(listed) > PROVIDERS_MAX:
        raise IdentityFileError(f"{path.name}: there are 1 to {PROVIDERS_MAX} tables [[provider]]")
    providers = tuple(_provider(path, number, one) for number, one in enumerate(listed, 1))
    for what in ("name", "authority"):
        if len({getattr(one, what) for one in providers}) < len(providers):
            raise IdentityFileError(f"{path.name}: two providers have the same {what}")
    return providers


def _provider(path: Path, number: int, values: Any) -> Provider:
    if not isinstance(values, dict):
        raise IdentityFileError(f"{path.name}: provider {number} must be a table [[provider]]")
    table = Table(f"{path.name}: provider {number}", values)
    name = table.text("name")
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise table.fault("name has 1 to 32 small letters, digits or -, and is not local or reentry")
    table.where = f"{path.name}: provider {name}"
    kind = table.text("kind")
    if kind not in ("oidc", "saml"):
        raise table.fault('kind is "oidc" or "saml"')
    title = table.table("title")
    titles = (title.text("da", name), title.text("en", name))
    title.end()
    read = _oidc if kind == "oidc" else _saml
    provider: Provider = read(path.parent, table, name, titles)
    table.end()
    return provider


def _oidc(folder: Path, table: Table, name: str, titles: tuple[str, str]) -> OidcProvider:
    issuer = _url(table, "issuer")
    secret_file, key_file = table.optional("secret_file"), table.optional("key_file")
    if (secret_file is None) == (key_file is None):
        raise table.fault("give either secret_file or key_file")
    scopes = table.texts("scopes", ("openid", "profile"))
    if "openid" not in scopes:
        raise table.fault("scopes must hold openid")
    algorithms = table.texts("algorithms", ("RS256", "PS256", "ES256"))
    if not algorithms or not set(algorithms) <= set(ALGORITHMS):
        raise table.fault(f"algorithms are some of {', '.join(ALGORITHMS)}")
    key = None if key_file is None else ec_or_rsa_key(table, folder / key_file)
    return OidcProvider(
        name=name,
        title_da=titles[0],
        title_en=titles[1],
        reading=_reading(table, username="preferred_username", name="name", level="acr"),
        issuer=issuer,
        client_id=table.text("client_id"),
        authentication="private_key_jwt" if key is not None else _authentication(table),
        scopes=scopes,
        algorithms=algorithms,
        userinfo=table.flag("userinfo"),
        acr_values=table.text("acr_values", ""),
        secret=None if secret_file is None else secret_text(table, folder / secret_file),
        key=key,
        key_id="" if key is None else table.text("key_id", key_id(key)),
        ca_file=_ca_file(folder, table),
    )


def _authentication(table: Table) -> Authentication:
    given = table.text("authentication", "client_secret_basic")
    for one in _AUTHENTICATIONS:
        if one == given:
            return one
    raise table.fault(f"authentication is one of {', '.join(_AUTHENTICATIONS)}")


def _saml(folder: Path, table: Table, name: str, titles: tuple[str, str]) -> SamlProvider:
    metadata_file = table.text("metadata_file")
    try:
        metadata = read_metadata(_content(table, folder / metadata_file))
    except MetadataError as error:
        raise table.fault(f"{metadata_file}: {error}") from None
    _check_url(table, "the address for logon in its metadata", metadata.sso_url)
    return SamlProvider(
        name=name,
        title_da=titles[0],
        title_en=titles[1],
        reading=_reading(
            table, username="urn:oid:0.9.2342.19200300.100.1.1", name="urn:oid:2.5.4.3", level=NSIS
        ),
        entity_id=metadata.entity_id,
        sso_url=metadata.sso_url,
        certificates=metadata.certificates,
        our_entity_id=table.text("entity_id"),
        key=rsa_key(table, folder / table.text("key_file")),
        certificate=read_certificate(table, folder / table.text("certificate_file")),
        probe_url=_url(table, "probe_url", metadata.sso_url),
        contexts=table.texts("contexts", ()),
        must_encrypt=table.flag("must_encrypt"),
        ca_file=_ca_file(folder, table),
    )


def _reading(table: Table, *, username: str, name: str, level: str) -> Reading:
    claims = table.table("claims")
    least = table.text("level_min", Level.LOW)
    if least not in list(Level):
        raise table.fault(f"level_min is one of {', '.join(Level)}")
    reading = Reading(
        username=claims.text("username", username),
        name=claims.text("name", name),
        roles=claims.text("roles"),
        organisations=claims.text("organisations"),
        level=claims.text("level", level),
        subject=claims.optional("subject"),
        practitioner=claims.optional("practitioner"),
        role_of=_roles(table),
        organisation_of=table.pairs("organisations"),
        level_of=_levels(table),
        level_min=Level(least),
    )
    claims.end()
    return reading


def _roles(table: Table) -> dict[str, Role]:
    pairs = table.pairs("roles")
    people = [role for role in Role if role is not Role.SYSTEM]
    if not pairs or not set(pairs.values()) <= set(people):
        raise table.fault(f"roles maps each value to one of {', '.join(people)}")
    return {value: Role(role) for value, role in pairs.items()}


def _levels(table: Table) -> dict[str, Level]:
    pairs = table.pairs("levels")
    if not set(pairs.values()) <= set(Level):
        raise table.fault(f"levels maps each value to one of {', '.join(Level)}")
    return {value: Level(level) for value, level in pairs.items()} or dict(LEVELS)


def _url(table: Table, name: str, default: str | None = None) -> str:
    url = table.text(name, default)
    _check_url(table, name, url)
    return url


def _check_url(table: Table, name: str, url: str) -> None:
    if not is_safe_url(url):
        raise table.fault(f"{name} must be an address with https://")


def _ca_file(folder: Path, table: Table) -> str | None:
    given = table.optional("ca_file")
    if given is None:
        return None
    try:
        ssl.create_default_context(cafile=str(folder / given))
    except (OSError, ssl.SSLError):
        raise table.fault(f"ca_file {given} can't be read as certificates (PEM)") from None
    return str(folder / given)


def _content(table: Table, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise table.fault(f"{path.name} can't be read ({type(error).__name__})") from None
    if len(content) > FILE_BYTES_MAX:
        raise table.fault(f"{path.name} has more than {FILE_BYTES_MAX} bytes")
    return content
