"""Each site's own lookup record: what it is given, and what the region tells of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from altid.lookup import keys
from altid.lookup.settings import Kind, read_settings
from altid.lookup.sync.credentials import read_credentials
from altid.record.postgres import account as accounts
from altid.region import certificates, layout, lookup
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.page.facts import facts_of
from altid.region.page.words import Words
from altid.region.topology import Region, Site


@pytest.fixture
def region() -> Region:
    return builtin_region(servers=1)


@pytest.fixture
def where(tmp_path: Path, region: Region) -> Layout:
    made = Layout(tmp_path / "data")
    layout.make(made, region, accounts.current())
    certificates.make(made, region, accounts.current())
    return made


def _prepared(where: Layout, region: Region, site: Site) -> None:
    assert lookup.prepare(where, region, site, lambda path, text: _write(path, text)) is None


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def test_it_asks_its_own_gateway_first_and_then_the_other(where: Layout, region: Region) -> None:
    site = region.sites[1]
    _prepared(where, region, site)
    told = read_settings(where.place(site.name).lookup)
    assert [source.name for source in told.sources] == ["B", "A"]
    assert told.kind is Kind.SITE
    assert told.listen.url == lookup.url_of(site)


def test_numbers_of_its_forms_are_no_other_sites(where: Layout, region: Region) -> None:
    for site in region.sites:
        _prepared(where, region, site)
    folders = [where.place(site.name).lookup for site in region.sites]
    assert len({read_settings(folder).prefix for folder in folders}) == 2


def test_the_key_lies_apart_and_opens_the_copy(where: Layout, region: Region) -> None:
    site = region.sites[0]
    _prepared(where, region, site)
    folders = where.place(site.name)
    assert not folders.lookup_key.is_relative_to(folders.lookup)
    assert len(keys.open_key(folders.lookup, keys.Secrets(key_file=folders.lookup_key))) == keys.KEY_BYTES


def test_what_was_made_stays_as_it_is(where: Layout, region: Region) -> None:
    site = region.sites[0]
    _prepared(where, region, site)
    folders = where.place(site.name)
    kept = [folders.lookup_key, folders.lookup / "credentials.json", folders.lookup / "client.json"]
    before = [path.read_bytes() for path in kept]
    _prepared(where, region, site)
    assert [path.read_bytes() for path in kept] == before


def test_what_is_registered_is_the_public_half_of_its_key(where: Layout, region: Region) -> None:
    site = region.sites[0]
    _prepared(where, region, site)
    folder = where.place(site.name).lookup
    told, own = (
        json.loads((folder / "client.json").read_text()),
        read_credentials(folder / "credentials.json"),
    )
    assert told["id"] == own.client == "opslag-A"
    assert own.audience.endswith("/access/token")
    (public,) = told["jwks"]["keys"]
    assert public == own.key.as_dict(private=False)
    assert "d" not in public


def test_its_certificate_opens_no_door_of_the_region(where: Layout, region: Region) -> None:
    """Whoever takes over the lookup record must not be a member of etcd, or reach a database."""
    for site in region.sites:
        file = certificates.identity(where.place(site.name).lookup_pki)
        found = x509.load_pem_x509_certificate(file.read_bytes()).extensions
        usages = list(found.get_extension_for_class(x509.ExtendedKeyUsage).value)
        assert usages == [ExtendedKeyUsageOID.SERVER_AUTH]
        names = found.get_extension_for_class(x509.SubjectAlternativeName).value
        assert not {certificates.MAY_BE_MEMBER, certificates.MAY_REACH_DATABASE} & set(
            names.get_values_for_type(x509.DNSName)
        )


@pytest.mark.parametrize(
    ("says", "text", "level"),
    [
        ({"age_s": 1.4, "lock": None}, "A: 1 s old", "good"),
        ({"age_s": 500, "lock": None}, "A: 500 s old", "warn"),
        ({"age_s": None, "lock": None}, "A: age unknown", "warn"),
        ({"age_s": 1, "lock": "revoked"}, "A: locked", "alarm"),
        (None, "A: silent", "alarm"),
    ],
)
def test_the_page_tells_its_age(says: dict[str, object] | None, text: str, level: str) -> None:
    picture = {"sites": [{"name": "A", "lookup_says": says}]}
    fact = next(one for one in facts_of(picture, Words("en")) if one.label == "Lookup records")
    assert (fact.text, fact.level) == (text, level)
