"""A slow or lossy line: a process that holds every packet for a while, and drops some.

Some kernels have no netem. So the router between the places hands the packets that go from one place to
another to a TUN device, and this process gives each back when it is due, or never. A line doesn't reorder: a
packet is never due before the one that came before it. Run in the router's namespace:

`python -m altid.region.relay DEVICE --ms 2.5 --jitter-ms 0.5 --loss 0.33 --seed 7`
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_TUN = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_PACKET_BYTES_MAX = 65_535
_HELD_MAX = 20_000
"""A router's buffer ends somewhere as well: what comes on top is dropped."""

_BURST = 64
"""Packets taken in one go, so that those that are due meanwhile don't wait long."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a line does to each packet, in one direction."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """The delay differs by at most so much, up or down, evenly."""
    loss: float = 0.0
    """The share of packets that vanish: 0 to 1."""
    seed: int = 0


class Held:
    """The packets on their way, with the moment when each is due."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality
        self._dice = random.Random(quality.seed)
        self._packets: deque[tuple[float, bytes]] = deque()

    def take(self, packet: bytes, now_s: float) -> None:
        """Keep it until it is due, or lose it."""
        quality = self._quality
        if self._dice.random() < quality.loss or len(self._packets) >= _HELD_MAX:
            return
        jitter_ms = self._dice.uniform(-quality.jitter_ms, quality.jitter_ms)
        due_s = now_s + max(0.0, quality.delay_ms + jitter_ms) / 1000
        if self._packets:
            due_s = max(due_s, self._packets[-1][0])
        self._packets.append((due_s, packet))

    def due(self, now_s: float) -> list[bytes]:
        """Those whose moment has come, in their order."""
        packets = []
        while self._packets and self._packets[0][0] <= now_s:
            packets.append(self._packets.popleft()[1])
        return packets

    def wait_s(self, now_s: float) -> float | None:
        """How long nothing is due; None when nothing is held."""
        return max(0.0, self._packets[0][0] - now_s) if self._packets else None


def open_device(name: str) -> int:
    """Make the TUN device; it lives as long as the descriptor. Raises `OSError`."""
    descriptor = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def relay(device: int, held: Held) -> None:
    """Take and give back packets until the device is gone."""
    while True:
        ready, _, _ = select.select([device], [], [], held.wait_s(time.monotonic()))
        try:
            if ready:
                _take(device, held)
            for packet in held.due(time.monotonic()):
                os.write(device, packet)
        except BlockingIOError:
            continue  # the kernel's own queue is full: that packet is lost, as on any line
        except OSError:
            return


def _take(device: int, held: Held) -> None:
    for _ in range(_BURST):
        try:
            packet = os.read(device, _PACKET_BYTES_MAX)
        except BlockingIOError:
            return
        held.take(packet, time.monotonic())


def main(arguments: Sequence[str]) -> int:
    """Relay until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m altid.region.relay")
    parser.add_argument("device")
    parser.add_argument("--ms", type=float, default=0.0)
    parser.add_argument("--jitter-ms", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    device = open_device(told.device)
    relay(device, Held(Quality(told.ms, told.jitter_ms, told.loss, told.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
