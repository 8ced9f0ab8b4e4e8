"""Faults of a server and of a gateway, made for real: found, out of work and alarmed within ten seconds.

`-s` shows how long it took.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from altid.orders.desk import FOLDER
from altid.record.postgres import Cluster
from altid.region import certificates, clock, events
from altid.region.error import RegionError
from altid.region.status import read_canary
from tests.gateway.clinic import Clinic, clinic
from tests.gateway.ward import eventually
from tests.running import make_database

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

_S_MAX = 20.0
"""Twice what is promised: a machine that does other things as well is slower."""


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="altid-clinic-") as made:
        yield Path(made)


def _play(
    folder: Path,
    dsn: str,
    story: Callable[[Clinic], Awaitable[None]],
    environment: Mapping[str, str] | None = None,
) -> None:
    async def played() -> None:
        async with clinic(folder / "data", dsn, environment) as told:
            await eventually(lambda: _all_well(told), 40.0)
            await story(told)

    asyncio.run(played())


def _told(told: Clinic) -> dict[str, Any]:
    return read_canary(told.where, told.site("A")) or {}


def _all_well(told: Clinic) -> bool:
    found = _told(told)
    servers = [*found.get("servers", {}).values(), found.get("gateway", {})]
    return len(servers) == 3 and all(one.get("state") == "healthy" for one in servers)


def _events(told: Clinic, name: str) -> list[dict[str, Any]]:
    return [event for event in events.read(told.where.events) if event["event"] == name]


async def _is_out_and_alarmed(told: Clinic, fault: str, began_s: float) -> None:
    await eventually(lambda: told.health("A")["server-2"] == "draining", _S_MAX)
    took_s = time.monotonic() - began_s
    _tell(f"{fault}: out of the gateway after {took_s:.1f} s")
    assert took_s < _S_MAX
    [out] = _events(told, "server out")
    assert (out["place"], out["part"], out["reason"]) == ("A", "server-2", fault)
    assert told.health("A")["server-1"] == "healthy"
    await eventually(lambda: _told(told)["servers"]["server-2"]["state"] == "out")


def test_a_server_whose_journals_disk_is_full(folder: Path, dsn: str) -> None:
    with _small_disk(folder / "data" / "A" / "server-2" / FOLDER) as disk:

        async def story(told: Clinic) -> None:
            began_s = time.monotonic()
            _fill(disk)
            await _is_out_and_alarmed(told, "refused", began_s)
            (disk / "full").unlink()
            await eventually(lambda: told.health("A")["server-2"] == "healthy", 2 * _S_MAX)
            assert _events(told, "server back")

        _play(folder, dsn, story)


def test_a_server_whose_database_pool_is_stuck(folder: Path, dsn: str) -> None:
    """Every session stands still; nothing is refused and nobody hangs up."""

    async def story(told: Clinic) -> None:
        began_s = time.monotonic()
        told.line.moves.clear()
        await _is_out_and_alarmed(told, "silent", began_s)
        told.line.moves.set()
        await eventually(lambda: told.health("A")["server-2"] == "healthy", 4 * _S_MAX)

    _play(folder, dsn, story)


def test_a_server_whose_clock_is_wrong(folder: Path, dsn: str) -> None:
    try:
        clock.check()
    except RegionError as error:
        pytest.skip(str(error))
    own = folder / "clock"
    own.mkdir()
    clock.make_own(own)

    async def story(told: Clinic) -> None:
        began_s = time.monotonic()
        clock.jump(own, 20.0)
        await _is_out_and_alarmed(told, "clock", began_s)
        clock.jump(own, 0.0)
        await eventually(lambda: told.health("A")["server-2"] == "healthy", 2 * _S_MAX)

    _play(folder, dsn, story, clock.environment(own))


def test_a_gateway_whose_certificate_has_ended(folder: Path, dsn: str) -> None:
    """It is no server's doing, so none goes out; it is alarmed as what it is."""

    async def story(told: Clinic) -> None:
        began_s = time.monotonic()
        holder = certificates.place_holder(told.where, told.site("A"))
        assert certificates.renew(told.where, holder, _write, datetime.now(UTC) - timedelta(days=500))
        alarm = "orders are not registered through the gateway"
        await eventually(lambda: bool(_events(told, alarm)), _S_MAX)
        _tell(f"certificate: alarmed after {time.monotonic() - began_s:.1f} s")
        assert time.monotonic() - began_s < _S_MAX
        await eventually(lambda: _told(told)["gateway"]["fault"] == "certificate")
        assert not _events(told, "server out")

    _play(folder, dsn, story)


def _tell(figure: str) -> None:
    sys.stdout.write(f"\n{figure}\n")


def _write(path: Path, text: str) -> None:
    """By a rename, which is what a gateway looks out for."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.rename(path)


@contextmanager
def _small_disk(path: Path) -> Iterator[Path]:
    """A file system of its own at the path."""
    if os.geteuid() != 0:
        pytest.skip("a disk that can be full is mounted for it: that needs root")
    path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "altid", str(path)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no disk in memory")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def _fill(disk: Path) -> None:
    with (disk / "full").open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
