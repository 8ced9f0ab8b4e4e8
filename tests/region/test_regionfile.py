"""The region file: what is accepted, and that each error names its line."""

from __future__ import annotations

import pytest

from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.regionfile import parse_region, read_region, render_region

_GOOD = """\
[region]
name = "nord"

[sites.A]
host = "127.0.1.1"
servers = 2
etcd_client = 2379
etcd_peer = 2380
guardian = 7400
patroni = 8008
postgres = 5432
server = 8081

[sites.B]
host = "127.0.2.1"
servers = 1
etcd_client = 2379
etcd_peer = 2380
guardian = 7400
patroni = 8008
postgres = 5432
server = 8081

[witness]
name = "W"
host = "127.0.3.1"
etcd_client = 2379
etcd_peer = 2380
guardian = 7400

[limits]
unseen_s = 1.5
"""


def _error(old: str, new: str, count: int = 1) -> str:
    assert old in _GOOD
    with pytest.raises(RegionError) as caught:
        parse_region(_GOOD.replace(old, new, count))
    return str(caught.value)


def test_a_good_file_becomes_a_region() -> None:
    region = parse_region(_GOOD)
    assert [site.name for site in region.sites] == ["A", "B"]
    assert region.sites[0].server_ports == (8081, 8082)
    assert region.witness.host == "127.0.3.1"
    assert region.limits.unseen_s == 1.5


def test_a_region_that_is_rendered_reads_the_same() -> None:
    region = parse_region(_GOOD)
    assert parse_region(render_region(region)) == region


def test_the_builtin_region_reads_the_same() -> None:
    region = builtin_region()
    assert parse_region(render_region(region)) == region


def test_a_region_with_one_site_is_refused() -> None:
    one_site = _GOOD[: _GOOD.index("[sites.B]")] + _GOOD[_GOOD.index("[witness]") :]
    with pytest.raises(RegionError, match=r"line 4: a region has two sites, this one has 1"):
        parse_region(one_site)


def test_the_same_port_twice_at_one_host_names_both_parts_and_the_line() -> None:
    assert _error("patroni = 8008", "patroni = 2379") == (
        "region.toml, line 10: port 2379 at 127.0.1.1 is there twice: A's etcd_client and A's patroni."
    )


def test_the_same_port_at_two_hosts_is_fine() -> None:
    assert parse_region(_GOOD).sites[0].postgres == parse_region(_GOOD).sites[1].postgres


def test_two_places_at_one_host_must_not_share_ports() -> None:
    assert "line 17: port 2379 at 127.0.1.1 is there twice" in _error("127.0.2.1", "127.0.1.1")


def test_a_server_port_that_meets_another_port_is_found() -> None:
    assert "line 12: port 8008 at 127.0.1.1 is there twice: A's patroni and A's server-2." in _error(
        "server = 8081", "server = 8007"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('host = "127.0.1.1"', 'host = "hospital"', "line 5: host must be an IPv4 address in quotes"),
        ("servers = 2", "servers = 0", "line 6: servers must be a whole number from 1 to 32"),
        ("servers = 2", "servers = true", "line 6: servers must be a whole number"),
        ("postgres = 5432", "postgres = 70000", "line 11: postgres must be a whole number from 1 to 65535"),
        ("patroni = 8008\n", "", "line 4: patroni is missing in [sites.A]"),
        ("unseen_s = 1.5", "unseen_s = 0.1", "line 32: unseen_s must be a number from 0.5 to 30"),
        ("unseen_s = 1.5", "unsen_s = 1.5", "line 32: unsen_s means nothing here; known are"),
        ('name = "W"', 'name = "A"', "line 25: A is a site's name already"),
        ('name = "nord"', 'name = "../etc"', "line 2: name must be a letter"),
        ("[region]", "[region", "line 1"),
        ("[witness]", "[wetness]", "line 24: wetness means nothing here"),
    ],
)
def test_an_error_names_its_line(old: str, new: str, expected: str) -> None:
    assert expected in _error(old, new)


def test_a_file_that_is_missing_is_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(RegionError, match=r"cannot be read: No such file"):
        read_region(tmp_path_factory.mktemp("region") / "region.toml")


def test_hosts_on_loopback_and_on_a_network_are_not_mixed() -> None:
    text = render_region(builtin_netns_region("10.89")).replace('"10.89.3.2"', '"127.0.3.1"')
    with pytest.raises(RegionError, match=r"line .*either all hosts are loopback addresses"):
        parse_region(text)


def test_databases_that_would_share_a_loopback_address_are_refused() -> None:
    text = render_region(builtin_netns_region("10.89")).replace('"10.89.2.2"', '"172.89.1.2"')
    with pytest.raises(RegionError, match="must differ after the first dot"):
        parse_region(text)


def test_every_database_has_a_loopback_address_of_its_own() -> None:
    hosts = [site.database_host for site in builtin_netns_region("10.89").sites]
    assert hosts == ["127.89.1.2", "127.89.2.2"]
    assert [site.database_host for site in builtin_region().sites] == [
        site.host for site in builtin_region().sites
    ]
