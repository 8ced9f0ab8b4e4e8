"""A status is answered in time whatever the parts do: gone, or there and silent."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path

import pytest

from altid.record.postgres import account as accounts
from altid.region import certificates, layout
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.status import Status, gather
from altid.region.topology import Place, Region

_HOST = "127.0.0.1"
_PORTS = (
    "etcd_client",
    "etcd_peer",
    "guardian",
    "patroni",
    "postgres",
    "server",
    "gateway",
    "postgres_tls",
    "lookup",
    "status",
)
_ANSWER_S_MAX = 4.0
"""A question has a second to be answered; the rest is for a machine that is busy with other tests."""


def _at(place: Place, ports: Iterator[int]) -> Place:
    wanted = [field.name for field in fields(place) if field.name in _PORTS]
    return replace(place, host=_HOST, **{name: next(ports) for name in wanted})


def _region(ports: Iterator[int]) -> Region:
    region = builtin_region(servers=1)
    places = [_at(place, ports) for place in region.places]
    return replace(region, sites=(places[0], places[1]), witness=places[2])


@pytest.fixture
def where(tmp_path: Path) -> Layout:
    """A data folder with passwords and certificates, of a region that nobody has started."""
    made, region = Layout(tmp_path / "data"), builtin_region(servers=1)
    layout.make(made, region, accounts.current())
    certificates.make(made, region, accounts.current())
    return made


def _asked(where: Layout, region: Region) -> tuple[Status, float]:
    began_s = time.monotonic()
    status = asyncio.run(gather(where, region))
    return status, time.monotonic() - began_s


def _gone(ports: ExitStack) -> Iterator[int]:
    """Ports that nobody listens at."""
    while True:
        probe = ports.enter_context(socket.socket())
        probe.bind((_HOST, 0))
        yield probe.getsockname()[1]


def _hanging(ports: ExitStack) -> Iterator[int]:
    """Ports that take a connection and never say a word."""
    while True:
        yield ports.enter_context(socket.create_server((_HOST, 0))).getsockname()[1]


def test_where_nothing_runs_everything_is_dead_and_what_could_not_be_asked_is_named(where: Layout) -> None:
    with ExitStack() as ports:
        status, took_s = _asked(where, _region(_gone(ports)))
    assert [site.state for site in status.sites] == ["dead", "dead"]
    assert (status.durability, status.leader, status.witness["state"]) == ("none", None, "dead")
    assert status.unknown == ["etcd", "sites", "witness"]
    assert took_s < _ANSWER_S_MAX


def test_parts_that_take_connections_and_never_answer_cost_a_second_in_all(where: Layout) -> None:
    with ExitStack() as ports:
        status, took_s = _asked(where, _region(_hanging(ports)))
    assert [site.state for site in status.sites] == ["dead", "dead"]
    assert set(status.sites[0].health.values()) == {"silent"}
    assert status.unknown == ["etcd", "sites", "witness"]
    assert took_s < _ANSWER_S_MAX


def test_a_status_tells_when_it_was_asked_and_how_long_that_took(where: Layout) -> None:
    with ExitStack() as ports:
        told = _asked(where, _region(_gone(ports)))[0].as_json()
    assert told["asked_at"].endswith("+00:00")
    assert told["took_ms"] > 0
