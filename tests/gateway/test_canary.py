"""The canary before real gateways: who is taken out of work, how soon, and who is not."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from altid.access.programs import GivenToken
from altid.gateway import files, rollout
from altid.gateway.canary.probe import Probe, Seen
from altid.gateway.canary.watcher import Watcher
from altid.orders.canary import Fault, Patience
from altid.record.postgres.account import current
from altid.region import certificates, events, layout
from altid.region.builtin import builtin_region
from altid.region.drained import read_drained, read_losers, write_out
from altid.region.envoy import find
from altid.region.error import RegionError
from altid.region.http import Connection
from altid.region.layout import Layout
from altid.region.status import read_canary
from altid.region.tls import of_place
from tests.gateway.ward import Ward, eventually, ward


def _has_envoy() -> bool:
    try:
        find()
    except RegionError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_envoy(), reason="Envoy is not in this environment")

QUICK = Patience(usual_s=0.4, out_s=0.3)
_BUSY = 3
"""A loaded machine is slower than the promise by less than this."""


def _play(folder: Path, story: Callable[[Ward], Awaitable[None]], patience: Patience = QUICK) -> None:
    async def played() -> None:
        async with ward(folder) as both, _watched(both, patience):
            await eventually(lambda: _all_healthy(both))
            await story(both)

    asyncio.run(played())


@asynccontextmanager
async def _watched(both: Ward, patience: Patience) -> AsyncIterator[None]:
    """Site A has its canary."""
    watcher = Watcher(
        both.where, both.region, both.site("A"), patience, credentials=lambda _: GivenToken("secret")
    )
    work = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def _told(both: Ward) -> dict[str, Any]:
    return read_canary(both.where, both.site("A")) or {}


def _all_healthy(both: Ward) -> bool:
    told = _told(both)
    servers = list(told.get("servers", {}).values())
    return len(servers) == 3 and all(one["state"] == "healthy" for one in [*servers, told["gateway"]])


def _state(both: Ward, server: str) -> str | None:
    told: dict[str, str] = _told(both).get("servers", {}).get(server, {})
    return told.get("state")


def _faults(both: Ward) -> set[str | None]:
    return {server["fault"] for server in _told(both)["servers"].values()}


def _events(both: Ward, name: str) -> list[dict[str, Any]]:
    return [event for event in events.read(both.where.events) if event["event"] == name]


@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        ("loses", "not-registered"),
        ("refuses", "refused"),
        ("slow", "slow"),
        ("hangs", "silent"),
        ("late", "clock"),
    ],
)
def test_a_server_that_takes_orders_badly_is_out_of_the_gateway_and_alarmed(
    tmp_path: Path, mode: str, fault: str
) -> None:
    """Its health check goes on saying that it is well."""

    async def story(both: Ward) -> None:
        both.servers["A"][1].mode = mode
        took_s = await eventually(lambda: both.health("A")["server-2"] == "draining")
        assert took_s < 10 * _BUSY
        [out] = _events(both, "server out")
        assert (out["place"], out["part"], out["reason"]) == ("A", "server-2", fault)
        assert both.health("A") == {"server-1": "healthy", "server-2": "draining", "server-3": "healthy"}
        await eventually(lambda: _told(both)["servers"]["server-2"]["state"] == "out")

    _play(tmp_path / "data", story)


def test_at_the_usual_pace_it_is_out_within_ten_seconds(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        both.servers["A"][0].mode = "hangs"
        assert await eventually(lambda: both.health("A")["server-1"] == "draining") < 10 * _BUSY

    _play(tmp_path / "data", story, Patience())


def test_a_record_that_takes_no_orders_takes_no_server_out_and_is_alarmed(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        both.record.broken = True
        await eventually(lambda: bool(_events(both, "orders are not registered by any server")))
        await asyncio.sleep(2.0)
        assert set(both.health("A").values()) == {"healthy"}
        assert not _told(both)["registered"]
        both.record.broken = False
        await eventually(lambda: bool(_events(both, "orders are again registered by any server")))
        assert not _events(both, "server out")

    _play(tmp_path / "data", story)


def test_a_site_that_is_not_live_is_no_alarm_while_its_gateway_finds_the_other(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        for server in both.servers["A"]:
            server.mode = "stale"
        await eventually(lambda: _faults(both) == {"not-live"})
        await asyncio.sleep(2.0)
        told = _told(both)
        assert (told["registered"], told["gateway"]["fault"]) == (True, None)
        assert not _events(both, "server out")

    _play(tmp_path / "data", story)


def test_a_server_that_is_well_again_gets_requests_again(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        both.servers["A"][2].mode = "refuses"
        await eventually(lambda: both.health("A")["server-3"] == "draining")
        both.servers["A"][2].mode = "well"
        await eventually(lambda: both.health("A")["server-3"] == "healthy")
        assert [event["part"] for event in _events(both, "server back")] == ["server-3"]

    _play(tmp_path / "data", story)


def test_one_that_lost_an_order_is_back_only_as_another_process(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        both.servers["A"][2].mode = "loses"
        await eventually(lambda: both.health("A")["server-3"] == "draining")
        both.servers["A"][2].mode = "well"
        await asyncio.sleep(3.0)
        assert both.health("A")["server-3"] == "draining"
        both.start_anew("A", "server-3")
        await eventually(lambda: both.health("A")["server-3"] == "healthy")

    _play(tmp_path / "data", story)


def test_that_an_order_was_lost_is_known_to_the_next_canary(tmp_path: Path) -> None:
    """Also where it ended before it had taken the server out: the last at work, which stays."""

    async def story(both: Ward) -> None:
        for server in both.servers["A"][1:]:
            server.mode = "unready"
        async with _watched(both, QUICK):
            await eventually(lambda: _state(both, "server-1") == "healthy")
            both.servers["A"][0].mode = "loses"
            await eventually(lambda: read_losers(both.where, both.site("A")) == {"server-1": os.getpid()})
        for server in both.servers["A"]:
            server.mode = "well"
        async with _watched(both, QUICK):
            await eventually(lambda: both.health("A")["server-1"] == "draining")
        async with _watched(both, QUICK):
            await eventually(lambda: _state(both, "server-1") == "out")
            both.start_anew("A", "server-1")
            await eventually(lambda: both.health("A")["server-1"] == "healthy")
        assert read_losers(both.where, both.site("A")) == {}

    async def played() -> None:
        async with ward(tmp_path / "data") as both:
            await story(both)

    asyncio.run(played())


def test_servers_are_exchanged_also_while_one_is_out_and_that_one_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanged: list[str] = []

    async def exchange(*arguments: Any) -> None:
        exchanged.append(arguments[3].name)

    monkeypatch.setattr(rollout, "_restart", exchange)

    async def played() -> None:
        async with ward(tmp_path / "data") as both:
            site = both.site("A")
            both.servers["A"][2].mode = "unready"
            with pytest.raises(RegionError, match="server-3 of A is not ready"):
                await rollout.roll(both.where, both.region, "A")
            write_out(both.where, site, frozenset({"server-3"}), current())
            files.serve(both.where, both.region, site, read_drained(both.where, site), current())
            rolled = await rollout.roll(both.where, both.region, "A")
            assert [one.server for one in rolled] == exchanged == ["server-3", "server-1", "server-2"]
            assert both.health("A")["server-3"] == "draining"  # it is the canary that takes it back

    asyncio.run(played())


def test_requests_go_past_a_server_that_is_out(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        bad = both.servers["A"][0]
        bad.mode = "refuses"
        await eventually(lambda: both.health("A")["server-1"] == "draining")
        connection = Connection(
            both.site("A").host, both.site("A").gateway, of_place(both.where, both.site("A")).client
        )
        for number in range(30):
            headers = {"Idempotency-Key": f"doctor-{number}", "Content-Type": "application/json"}
            answer = await connection.ask("POST", "/orders", b"{}", headers, s_max=20.0)
            assert answer.status == 200
        connection.close()

    _play(tmp_path / "data", story)


def test_a_certificate_that_is_not_good_is_found_and_named(tmp_path: Path) -> None:
    """Here one of another authority: one that has ended is refused at the same place."""
    own, others = (Layout(tmp_path / name) for name in ("own", "others"))
    region = builtin_region()
    for where in (own, others):
        layout.make(where, region, current())
        certificates.make(where, region, current())
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certificates.identity(others.place("A").pki))

    async def tried() -> Seen:
        async def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        host = region.site("A").host
        async with await asyncio.start_server(nothing, host, 0, ssl=shown) as listening:
            port = listening.sockets[0].getsockname()[1]
            at = Connection(host, port, of_place(own, region.site("A")).client)
            probe = Probe("gateway", "somebody", at, (at, at), GivenToken("secret"))
            probe.version = 7
            return await probe.trial()

    assert asyncio.run(tried()).trial.fault is Fault.CERTIFICATE


def test_there_is_one_order_a_server_however_often_it_is_tried(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        await eventually(lambda: min(map(len, both.record.versions.values())) > 3)
        assert len(both.record.versions) == 4
        assert len(both.record.patients) == 4

    _play(tmp_path / "data", story)


def test_a_drained_server_is_not_accused_of_what_a_restart_does(tmp_path: Path) -> None:
    async def story(both: Ward) -> None:
        drained = both.where.place("A").drained
        drained.write_text(json.dumps({"servers": ["server-2"], "site": False}))
        both.servers["A"][1].mode = "hangs"
        until = time.monotonic() + 5.0
        while time.monotonic() < until:
            assert not read_drained(both.where, both.site("A")).out
            await asyncio.sleep(0.1)

    _play(tmp_path / "data", story)
