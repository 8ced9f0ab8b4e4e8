"""Slow and lossy lines: the queue of packets, and a real line between two real namespaces."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region import line, netns
from altid.region.builtin import builtin_netns_region
from altid.region.error import RegionError
from altid.region.netns import Namespaces
from altid.region.relay import Held, Quality
from altid.region.topology import Region

_PORT = 9099
_ASK = """
import socket, sys, time
times = []
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as line:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(21):
        began = time.perf_counter()
        line.sendall(b"x")
        line.recv(1)
        times.append((time.perf_counter() - began) * 1000)
print(*times)
"""
_ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    line, _ = server.accept()
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while (data := line.recv(4096)):
        line.sendall(data)
"""


def test_a_packet_is_held_for_the_delay() -> None:
    held = Held(Quality(delay_ms=2.5))
    held.take(b"one", 10.0)
    assert held.due(10.0024) == []
    assert held.due(10.0025) == [b"one"]


def test_nothing_held_waits_for_nothing() -> None:
    assert Held(Quality(delay_ms=2.5)).wait_s(10.0) is None


def test_the_wait_ends_when_the_first_is_due() -> None:
    held = Held(Quality(delay_ms=4.0))
    held.take(b"one", 10.0)
    held.take(b"two", 10.003)
    assert held.wait_s(10.001) == pytest.approx(0.003)


@given(st.lists(st.floats(0.0, 0.01), max_size=50), st.floats(0.0, 20.0), st.floats(0.0, 20.0), st.integers())
def test_a_line_with_jitter_loses_nothing_and_keeps_the_order(
    pauses_s: list[float], delay_ms: float, jitter_ms: float, seed: int
) -> None:
    held, now_s, sent = Held(Quality(delay_ms, jitter_ms, 0.0, seed)), 0.0, []
    for number, pause_s in enumerate(pauses_s):
        now_s += pause_s
        sent.append(str(number).encode())
        held.take(sent[-1], now_s)
    assert held.due(now_s + 1.0) == sent


def test_a_lossy_line_loses_its_share() -> None:
    held = Held(Quality(loss=0.33, seed=1))
    for _ in range(3000):
        held.take(b"x", 0.0)
    assert 900 < 3000 - len(held.due(0.0)) < 1080


@given(st.integers())
def test_the_same_seed_loses_the_same_packets(seed: int) -> None:
    both = [Held(Quality(loss=0.5, seed=seed)) for _ in range(2)]
    for held in both:
        for number in range(40):
            held.take(bytes([number]), 0.0)
    assert both[0].due(0.0) == both[1].due(0.0)


@pytest.fixture(scope="module")
def lines() -> Iterator[tuple[Region, Namespaces]]:
    """Three places without anything in them."""
    if os.geteuid() != 0 or shutil.which("ip") is None or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces need root, the program `ip` and /dev/net/tun")
    folder = Path(tempfile.mkdtemp(prefix="altid-line-"))
    region = builtin_netns_region(netns.free_prefix())
    try:
        yield region, netns.make(folder, region)
    finally:
        netns.remove(folder)
        shutil.rmtree(folder)


def _round_trip_ms(found: Namespaces, region: Region) -> float:
    """The median of a byte's way from A to B and back, over TCP."""
    host = region.site("B").host
    python, port = sys.executable, str(_PORT)
    echo = subprocess.Popen(
        [*netns.entering(found, "B"), python, "-c", _ECHO, host, port], stdout=subprocess.PIPE, text=True
    )
    try:
        assert echo.stdout is not None
        assert echo.stdout.readline() == "ready\n"
        asked = subprocess.run(
            [*netns.entering(found, "A"), python, "-c", _ASK, host, port],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return statistics.median(float(one) for one in asked.stdout.split())
    finally:
        echo.kill()
        echo.communicate()


def test_a_slow_line_is_as_slow_as_asked_and_then_as_quick_as_before(
    lines: tuple[Region, Namespaces],
) -> None:
    region, found = lines
    line.worsen(found, "A", "B", Quality(delay_ms=10.0))
    slow_ms = _round_trip_ms(found, region)
    line.mend(found, "A", "B")
    assert 20.0 <= slow_ms < 30.0
    assert _round_trip_ms(found, region) < 10.0


def test_a_line_is_worsened_once(lines: tuple[Region, Namespaces]) -> None:
    _, found = lines
    line.worsen(found, "A", "W", Quality(loss=0.1))
    try:
        with pytest.raises(RegionError, match="heal it first"):
            line.worsen(found, "W", "A", Quality(loss=0.1))
    finally:
        line.mend(found, "A", "W")


def test_a_line_that_was_never_worsened_can_be_mended(lines: tuple[Region, Namespaces]) -> None:
    line.mend(lines[1], "B", "W")


def test_a_slow_line_that_is_cut_as_well_lets_nothing_through(lines: tuple[Region, Namespaces]) -> None:
    region, found = lines
    netns.part(found, "A", "B", cut=True)
    line.worsen(found, "A", "B", Quality(delay_ms=1.0))
    try:
        with pytest.raises(subprocess.CalledProcessError):
            _round_trip_ms(found, region)
    finally:
        line.mend(found, "A", "B")
        netns.part(found, "A", "B", cut=False)


def test_removing_the_namespaces_ends_their_relays() -> None:
    if os.geteuid() != 0 or shutil.which("ip") is None or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces need root, the program `ip` and /dev/net/tun")
    folder = Path(tempfile.mkdtemp(prefix="altid-line-"))
    region = replace(builtin_netns_region(netns.free_prefix()), name="other")
    found = netns.make(folder, region)
    line.worsen(found, "A", "B", Quality(delay_ms=1.0))
    line.stop_all(found)
    try:
        assert netns.run_ip("netns", "pids", found.router).split() == []
    finally:
        netns.remove(folder)
        shutil.rmtree(folder)
