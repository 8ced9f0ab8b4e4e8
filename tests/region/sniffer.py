"""Keeps what crosses the lines of a region in network namespaces: run inside the router's namespace.

`python sniffer.py FILE`: writes every IPv4 packet (its length in two bytes, then the packet) until it is told
to stop. Plain sockets, so that nothing has to be installed.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_IPV4 = 0x0800
_OUTGOING = 4
_RECEIVE_BYTES = 64 * 1024 * 1024
_SO_RCVBUFFORCE = 33
_TCP, _UDP = 6, 17


class Packet(NamedTuple):
    """One packet's ends and what it carried."""

    source: str
    target: str
    source_port: int
    target_port: int
    sequence: int
    is_tcp: bool
    payload: bytes


def capture(file: Path) -> None:
    """Keep packets until SIGTERM; says "ready" when it listens."""
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4)) as line,
        file.open("wb") as kept,
        contextlib.suppress(KeyboardInterrupt),
    ):
        line.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            packet, (_, _, kind, _, _) = line.recvfrom(65_535)
            if kind != _OUTGOING:  # each comes in once, and goes out once
                kept.write(len(packet).to_bytes(2, "big") + packet)


def read(file: Path) -> Iterator[Packet]:
    """The packets that were kept."""
    data, at = file.read_bytes(), 0
    while at + 2 <= len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        if found := _packet(data[at + 2 : at + 2 + length]):
            yield found
        at += 2 + length


def _packet(raw: bytes) -> Packet | None:
    start, end, protocol = (raw[0] & 15) * 4, int.from_bytes(raw[2:4], "big"), raw[9]
    source, target = socket.inet_ntoa(raw[12:16]), socket.inet_ntoa(raw[16:20])
    segment = raw[start:end]
    if protocol not in (_TCP, _UDP) or len(segment) < 8:
        return None
    ports = int.from_bytes(segment[0:2], "big"), int.from_bytes(segment[2:4], "big")
    head = (segment[12] >> 4) * 4 if protocol == _TCP else 8
    sequence = int.from_bytes(segment[4:8], "big") if protocol == _TCP else 0
    return Packet(source, target, *ports, sequence, protocol == _TCP, segment[head:])


if __name__ == "__main__":
    capture(Path(sys.argv[1]))
