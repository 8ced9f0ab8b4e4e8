"""What a gateway is told, as data."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from altid.gateway import files
from altid.gateway.clusters import OTHER, OWN, SITE
from altid.gateway.configuration import configuration
from altid.gateway.plan import Credentials, Gateway, gateway_of, servers_of
from altid.record.postgres.account import current
from altid.region import certificates, envoy
from altid.region.builtin import builtin_region
from altid.region.drained import Drained, read_drained
from altid.region.error import RegionError
from altid.region.layout import Layout

_VALIDATE_S_MAX = 60
_REGION = builtin_region(servers=3)
_CREDENTIALS = Credentials(Path("/data/A/pki/identity.pem"), Path("/data/A/pki/authority.pem"))

_drained = some.builds(
    Drained, some.frozensets(some.sampled_from(["server-1", "server-2", "server-3"])), some.booleans()
)


def _gateway(drained: Drained | None = None) -> Gateway:
    folder = Path("/data/A/gateway")
    return gateway_of(_REGION, _REGION.sites[0], _CREDENTIALS, folder, drained or Drained())


def _values(value: Any, key: str) -> Iterator[Any]:
    """Every value that stands under the key, at any depth."""
    if isinstance(value, dict):
        yield from ([value[key]] if key in value else [])
        for below in value.values():
            yield from _values(below, key)
    elif isinstance(value, list):
        for below in value:
            yield from _values(below, key)


def _routes(name: str) -> list[dict[str, Any]]:
    [found] = configuration(_gateway())[f"routes-{name}.json"]["resources"]
    ways: list[dict[str, Any]] = found["virtual_hosts"][0]["routes"]
    return ways


def _retries(way: dict[str, Any]) -> set[str]:
    return set(way["route"]["retry_policy"]["retry_on"].split(","))


def test_requests_of_the_other_gateway_go_to_own_servers_only() -> None:
    assert {way["route"]["cluster"] for way in _routes("between")} == {OWN}
    assert {way["route"]["cluster"] for way in _routes("clients")} == {SITE}


def test_own_servers_come_before_the_other_site() -> None:
    assert list(_values(configuration(_gateway())["clusters.json"], "clusters")) == [[OWN, OTHER]]


@pytest.mark.parametrize("name", ["clients", "between"])
def test_a_write_without_a_key_is_sent_again_only_if_nothing_was_done(name: str) -> None:
    *_, plain = _routes(name)
    assert _retries(plain) == {
        "connect-failure",
        "refused-stream",
        "reset-before-request",
        "retriable-headers",
    }
    assert "retriable_status_codes" not in plain["route"]["retry_policy"]


def test_a_read_is_sent_again_when_its_answer_was_lost() -> None:
    reading, *_ = _routes("clients")
    assert {"reset", "retriable-status-codes"} <= _retries(reading)
    assert reading["route"]["retry_policy"]["retriable_status_codes"] == [504]


def test_as_much_may_be_tried_again_as_can_be_underway() -> None:
    for breakers in _values(configuration(_gateway())["clusters.json"], "circuit_breakers"):
        [threshold] = breakers["thresholds"]
        assert threshold["retry_budget"]["min_retry_concurrency"] == threshold["max_requests"] == 3 * 256


def test_nothing_is_logged_of_a_request() -> None:
    text = json.dumps(configuration(_gateway()))
    assert "access_log" not in text


@given(_drained)
def test_a_draining_server_gets_nothing_and_a_drained_site_is_a_spare(drained: Drained) -> None:
    for server in servers_of(_REGION.sites[0], drained):
        expected = "draining" if server.name in drained.servers else "spare" if drained.site else "serving"
        assert server.duty == expected


@given(_drained)
def test_draining_changes_one_file_only(drained: Drained) -> None:
    before, after = configuration(_gateway()), configuration(_gateway(drained))
    assert {name for name in before if before[name] != after[name]} <= {"servers.json"}


def test_one_healthy_server_of_any_number_is_enough_for_its_site() -> None:
    for number in range(1, 17):
        region = builtin_region(servers=number)
        gateway = gateway_of(region, region.sites[0], _CREDENTIALS, Path("/data"), Drained())
        [assignment] = configuration(gateway)["servers.json"]["resources"]
        assert 100 // number * assignment["policy"]["overprovisioning_factor"] // 100 >= 100


def test_files_are_the_service_users_alone_and_hold_no_key(tmp_path: Path) -> None:
    where = _made(tmp_path)
    folder = where.place("A").gateway
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"PRIVATE KEY" not in file.read_bytes()


def _made(folder: Path) -> Layout:
    where = Layout(folder / "data")
    for place in _REGION.places:
        where.place(place.name).root.mkdir(parents=True)
    files.prepare(where, _REGION, current())
    return where


def test_what_is_drained_stays_so_when_the_region_starts_again(tmp_path: Path) -> None:
    where, site = _made(tmp_path), _REGION.sites[0]
    wish = Drained(frozenset({"server-2"}))
    files.drain(where, _REGION, site, wish, current())
    files.prepare(where, _REGION, current())
    told = json.loads((where.place("A").gateway / "servers.json").read_text())
    assert list(_values(told, "health_status")) == ["HEALTHY", "DRAINING", "HEALTHY"]
    assert read_drained(where, site) == wish


def test_a_file_that_is_the_same_is_left_alone(tmp_path: Path) -> None:
    where = _made(tmp_path)
    file = where.place("A").gateway / "listeners.json"
    before = file.stat().st_ino
    files.prepare(where, _REGION, current())
    assert file.stat().st_ino == before


def test_envoy_finds_the_whole_configuration_valid(tmp_path: Path) -> None:
    """With everything in one file: what Envoy reads later it would not look at now."""
    try:
        program = envoy.find()
    except RegionError:
        pytest.skip("Envoy is not in this environment")
    where = _made(tmp_path)
    certificates.make(where, _REGION, current())
    gateway = files.planned(where, _REGION, _REGION.sites[0])
    told = configuration(gateway)
    whole = {key: value for key, value in told["envoy.json"].items() if key != "dynamic_resources"}
    listeners, clusters = told["listeners.json"]["resources"], told["clusters.json"]["resources"]
    for manager in _values(listeners, "typed_config"):
        if "rds" in manager:
            name = manager.pop("rds")["route_config_name"]
            [routes] = told[f"routes-{name}.json"]["resources"]
            manager["route_config"] = _plain(routes)
    whole["static_resources"] = {"listeners": _plain(listeners), "clusters": _plain(clusters)}
    file = tmp_path / "whole.json"
    file.write_text(json.dumps(whole))
    command = [*envoy.command(program, file, node="A"), "--mode", "validate"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_VALIDATE_S_MAX, cwd=gateway.folder
    )
    assert done.returncode == 0, done.stderr


def _plain(value: Any) -> Any:
    """Without the mark of its type, as in a file where the place tells it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {key: one for key, one in value.items() if key != "@type"}


def test_a_gateway_may_have_other_limits() -> None:
    gateway = _gateway()
    smaller = replace(gateway, limits=replace(gateway.limits, body_bytes_max=1))
    assert set(_values(configuration(smaller), "max_request_bytes")) == {1}
