"""`identity.toml`: what it may say, and that each mistake is told in one line without a secret."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altid.access.federation.file import read_providers
from altid.access.federation.provider import OidcProvider, SamlProvider
from altid.access.federation.table import IdentityFileError
from altid.access.identity import Level, Role
from tests.access.saml_provider import IDP, SSO, idp_metadata, pair

ROOT = Path(__file__).parents[2]
SECRET = "hemmelig-hos-regionen"
OIDC = """
[[provider]]
name = "region"
kind = "oidc"
issuer = "https://login.nordby.example"
client_id = "altid"
secret_file = "region.secret"
[provider.claims]
roles = "groups"
organisations = "sor"
[provider.roles]
"EPJ-Laege" = "doctor"
"""
SAML = """
[[provider]]
name = "saml"
kind = "saml"
metadata_file = "idp.xml"
entity_id = "https://altid.nordby.example/saml"
key_file = "sp.key"
certificate_file = "sp.pem"
[provider.claims]
roles = "groups"
organisations = "sor"
[provider.roles]
"EPJ-Laege" = "doctor"
"""


def private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With all files that the examples name."""
    for name in ("region.secret", "region-oidc.secret"):
        private(tmp_path / name, f"{SECRET}\n".encode())
    ours, pkcs8 = pair("ours"), PrivateFormat.PKCS8
    for name in ("sp.key", "region-saml.key"):
        private(tmp_path / name, ours.key.private_bytes(Encoding.PEM, pkcs8, NoEncryption()))
    for name in ("sp.pem", "region-saml.pem"):
        (tmp_path / name).write_bytes(ours.certificate.public_bytes(Encoding.PEM))
    for name in ("idp.xml", "region-idp.xml"):
        (tmp_path / name).write_text(idp_metadata())
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, pkcs8, NoEncryption())
    for name in ("client.key", "altid-client.key"):
        private(tmp_path / name, key)
    return tmp_path


def read(folder: Path, text: str) -> tuple[OidcProvider | SamlProvider, ...]:
    (folder / "identity.toml").write_text(text)
    return read_providers(folder / "identity.toml")


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_providers(tmp_path / "identity.toml") == ()


def test_both_kinds_are_read(folder: Path) -> None:
    oidc, saml = read(folder, OIDC + SAML)
    assert isinstance(oidc, OidcProvider)
    assert (oidc.issuer, oidc.secret, oidc.scopes) == (
        "https://login.nordby.example",
        SECRET,
        ("openid", "profile"),
    )
    assert oidc.reading.role_of == {"EPJ-Laege": Role.DOCTOR}
    assert oidc.reading.level_of["Substantial"] is Level.SUBSTANTIAL
    assert isinstance(saml, SamlProvider)
    assert (saml.entity_id, saml.sso_url, saml.probe_url) == (IDP, SSO, SSO)


def test_a_key_of_ours_proves_us_in_place_of_a_secret(folder: Path) -> None:
    (found,) = read(folder, OIDC.replace('secret_file = "region.secret"', 'key_file = "client.key"'))
    assert isinstance(found, OidcProvider)
    assert (found.authentication, found.secret) == ("private_key_jwt", None)
    assert len(found.key_id) == 43


def test_the_example_in_the_docs_is_right(folder: Path) -> None:
    text = (ROOT / "docs" / "identity.toml").read_text()
    assert {provider.name for provider in read(folder, text)} == {
        one["name"] for one in tomllib.loads(text)["provider"]
    }


def test_no_repr_shows_a_secret(folder: Path) -> None:
    assert SECRET not in repr(read(folder, OIDC + SAML))
    assert "PRIVATE" not in repr(read(folder, OIDC + SAML))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "oidc"', 'kind = "ldap"', 'kind is "oidc" or "saml"'),
        ('name = "region"', 'name = "Region!"', "name has 1 to 32"),
        ('name = "region"', 'name = "local"', "name has 1 to 32"),
        ('name = "region"', 'nam = "region"', "name is missing"),
        ("https://login", "http://login", "issuer must be an address with https://"),
        ("https://login", "https://user@login", "issuer must be an address with https://"),
        ("https://login.nordby.example", "https://", "issuer must be an address with https://"),
        ('client_id = "altid"', "", "client_id is missing"),
        ('client_id = "altid"', 'client_id = ""', "client_id must be a text"),
        ('client_id = "altid"', "client_id = 7", "client_id must be a text"),
        ('client_id = "altid"', 'client_id = "altid"\nscope = "openid"', "nothing is known of 'scope'"),
        ('client_id = "altid"', 'client_id = "altid"\nscopes = ["profile"]', "scopes must hold openid"),
        ('client_id = "altid"', 'client_id = "altid"\nalgorithms = ["HS256"]', "algorithms are some of"),
        ('client_id = "altid"', 'client_id = "altid"\nalgorithms = ["none"]', "algorithms are some of"),
        ('client_id = "altid"', 'client_id = "altid"\nalgorithms = []', "algorithms are some of"),
        ('client_id = "altid"', 'client_id = "altid"\nauthentication = "none"', "authentication is one of"),
        ('client_id = "altid"', 'client_id = "altid"\nlevel_min = "3"', "level_min is one of"),
        (
            'client_id = "altid"',
            'client_id = "altid"\nca_file = "none.pem"',
            "ca_file none.pem can't be read",
        ),
        ('client_id = "altid"', 'client_id = "altid"\nca_file = "idp.xml"', "ca_file idp.xml can't be read"),
        ('client_id = "altid"', 'client_id = "altid"\nuserinfo = "yes"', "userinfo must be true or false"),
        ('secret_file = "region.secret"', "", "either secret_file or key_file"),
        ('secret_file = "region.secret"', f'secret = "{SECRET}"', "either secret_file or key_file"),
        ("region.secret", "missing.secret", "missing.secret can't be read"),
        ('roles = "groups"', "", "roles is missing"),
        ('= "doctor"', '= "surgeon"', "roles maps each value to one of"),
        ('= "doctor"', '= "system"', "roles maps each value to one of"),
        ('"EPJ-Laege" = "doctor"', "", "roles maps each value to one of"),
        ("[[provider]]", "[provider]", "provider"),
        ("[[provider]]", "x = 1\n[[provider]]", "nothing is known of 'x'"),
        ("[[provider]]", "[[provider", "is no TOML"),
    ],
)
def test_a_mistake_is_told_in_one_line(folder: Path, old: str, new: str, said: str) -> None:
    assert old in OIDC
    with pytest.raises(IdentityFileError) as caught:
        read(folder, OIDC.replace(old, new))
    text = str(caught.value)
    assert said in text
    assert "\n" not in text
    assert "identity.toml" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("idp.xml", "sp.pem", "is no metadata"),
        ("idp.xml", "missing.xml", "missing.xml can't be read"),
        ('key_file = "sp.key"', 'key_file = "client.key"', "must be an RSA key"),
        ('key_file = "sp.key"', 'key_file = "region.secret"', "is no private key"),
        ('certificate_file = "sp.pem"', 'certificate_file = "idp.xml"', "is no certificate"),
    ],
)
def test_files_of_saml_are_checked(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(IdentityFileError, match=said):
        read(folder, SAML.replace(old, new))


def test_a_secret_that_others_may_read_is_refused(folder: Path) -> None:
    (folder / "region.secret").chmod(0o640)
    with pytest.raises(IdentityFileError, match=r"others may read region\.secret: chmod 600 it"):
        read(folder, OIDC)


def test_two_providers_are_two(folder: Path) -> None:
    with pytest.raises(IdentityFileError, match="the same name"):
        read(folder, OIDC + OIDC)
    with pytest.raises(IdentityFileError, match="the same authority"):
        read(folder, OIDC + OIDC.replace('"region"', '"other"'))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_is_in_the_file_it_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "identity.toml").write_bytes(content)
    with suppress(IdentityFileError):
        assert read_providers(tmp_path / "identity.toml") == ()
