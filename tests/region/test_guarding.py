"""The region's access secret: made once, the same at both sites, and never on a host that has no servers."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from altid.access.federation.file import read_providers
from altid.access.folder import prepare
from altid.access.guard import GuardSettings
from altid.access.public_url import checked_public_url
from altid.access.secret import read_secret_file
from altid.record.postgres.account import current
from altid.region import layout
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.guarding import access_secret, guard_of, prepare_guard
from altid.region.identities import spread
from altid.region.layout import Layout, load_secrets, new_secrets
from altid.region.regionfile import parse_region, render_region
from tests.access.test_identity_file import OIDC, SECRET


def test_both_sites_have_the_same_secret_for_their_servers_alone(tmp_path: Path) -> None:
    where, region = Layout(tmp_path / "data"), builtin_region()
    layout.make(where, region, current())
    for site in region.sites:
        assert prepare_guard(where, site, load_secrets(where), current()) is None
    files = [where.place(site.name).root / "access.key" for site in region.sites]
    assert read_secret_file(files[0]) == read_secret_file(files[1])
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not (where.place(region.witness.name).root / "access.key").exists()


def test_a_folder_of_an_older_altid_gets_one_and_keeps_it(tmp_path: Path) -> None:
    where, region = Layout(tmp_path / "data"), builtin_region()
    layout.make(where, region, current())
    older = {name: value for name, value in asdict(load_secrets(where)).items() if name != "access"}
    where.secrets_file.write_text(json.dumps(older))
    layout.make(where, region, current())
    made = load_secrets(where)
    assert {**older, "access": made.access} == asdict(made)
    layout.make(where, region, current())
    assert load_secrets(where) == made


def test_a_host_without_one_is_told_what_to_do(tmp_path: Path) -> None:
    where, region = Layout(tmp_path), builtin_region()
    secrets = replace(new_secrets(), access="")
    with pytest.raises(RegionError, match="render each host again"):
        access_secret(secrets, where.secrets_file)
    assert "render each host again" in str(prepare_guard(where, region.sites[0], secrets, current()))


def test_either_sites_address_is_as_good_as_the_regions(tmp_path: Path) -> None:
    region = replace(
        builtin_netns_region("10.89"),
        public_url="https://epj.nord.example",
        lookup_url="https://opslag.nord.example",
    )
    for site in region.sites:
        guard = guard_of(region, site, Layout(tmp_path))
        assert guard.public_url == "https://epj.nord.example"
        assert guard.lookup_url == "https://opslag.nord.example"
        assert guard.other_urls == ("https://10.89.1.2:8443", "https://10.89.2.2:8443")
        assert guard.site == site.name
        assert guard.sites == (("A", "https://10.89.1.2:8443"), ("B", "https://10.89.2.2:8443"))
        assert GuardSettings.load(json.loads(json.dumps(asdict(guard)))) == guard
        assert guard.for_access().relying_party == "epj.nord.example"
        urls = {guard.for_access().token_url, *guard.for_access().other_token_urls}
        assert "https://10.89.2.2:8443/access/token" in urls


def test_without_an_address_of_its_own_the_first_sites_gateway_stands_for_the_region(tmp_path: Path) -> None:
    region = builtin_region()
    first = region.sites[0]
    assert guard_of(region, region.sites[1], Layout(tmp_path)).public_url == (
        f"https://{first.host}:{first.gateway}"
    )


@pytest.mark.parametrize(
    "url", ["https://epj.nord.example", "https://EPJ.nord.example:8443/", "http://localhost"]
)
def test_an_address_in_the_region_file_is_read(url: str) -> None:
    text = render_region(builtin_region()).replace('public_url = ""', f'public_url = "{url}"')
    read = parse_region(text)
    assert read.public_url == checked_public_url(url)
    assert parse_region(render_region(read)) == read


@pytest.mark.parametrize(
    "url",
    [
        "epj.example",
        "ftp://x",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u:p@a",
        "https://a:0",
        "https://a b",
        "https://a:99999",
        "https://[::1",
        "https://æ.example",
        "https://a#b",
        f"https://{'a' * 300}",
    ],
)
def test_one_that_is_none_names_its_line(url: str) -> None:
    text = render_region(builtin_region()).replace('public_url = ""', f'public_url = "{url}"')
    with pytest.raises(RegionError, match="line 4: public_url: "):
        parse_region(text)


def write_providers(folder: Path) -> None:
    """As an operator does: the file and the secret that it names."""
    (folder / "identity.toml").write_text(OIDC)
    (folder / "region.secret").write_text(SECRET)
    for name in ("identity.toml", "region.secret"):
        (folder / name).chmod(0o600)


def test_both_sites_have_the_same_identity_providers_and_the_witness_none(tmp_path: Path) -> None:
    where, region = Layout(tmp_path / "data"), builtin_region()
    layout.make(where, region, current())
    spread(where, region, current())
    write_providers(where.data)
    spread(where, region, current())
    for site in region.sites:
        root = where.place(site.name).root
        assert [one.name for one in read_providers(root / "identity.toml")] == ["region"]
        assert (root / "region.secret").read_text() == SECRET
        assert stat.S_IMODE((root / "region.secret").stat().st_mode) == 0o600
    assert not (where.place(region.witness.name).root / "identity.toml").exists()


def test_what_a_site_has_of_its_own_stays_where_the_region_has_none(tmp_path: Path) -> None:
    where, region = Layout(tmp_path / "data"), builtin_region()
    layout.make(where, region, current())
    root = where.place(region.sites[0].name).root
    write_providers(root)
    spread(where, region, current())
    assert (root / "identity.toml").read_text() == OIDC


@pytest.mark.parametrize("fault", ["client_id = 1\n", 'secret_file = "../elsewhere"\n', "["])
def test_a_mistake_is_told_before_anything_starts(tmp_path: Path, fault: str) -> None:
    where, region = Layout(tmp_path / "data"), builtin_region()
    layout.make(where, region, current())
    write_providers(where.data)
    key = fault.partition(" =")[0]
    kept = [line for line in OIDC.splitlines(keepends=True) if not line.startswith(key) or key == "["]
    (where.data / "identity.toml").write_text("".join([*kept[:3], fault, *kept[3:]]))
    with pytest.raises(RegionError):
        spread(where, region, current())
    assert not (where.place(region.sites[0].name).root / "identity.toml").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_has_put_there_is_given_to_whoever_serves(tmp_path: Path) -> None:
    write_providers(tmp_path)
    nobody = current()._replace(uid=65_534, gid=65_534)
    prepare(tmp_path, nobody)
    for name in ("access.key", "audit", "identity.toml", "region.secret"):
        assert (tmp_path / name).stat().st_uid == nobody.uid, name
