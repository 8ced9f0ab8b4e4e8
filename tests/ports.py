"""Ports for servers that tests start: nobody else gets one, from when it is found until the tests end.

One that the kernel chooses is let go before the server listens at it, and is meanwhile anybody's: another
test's, or the near end of some connection. Two servers that share their addresses with workers of their own
would not even fail then: each would get half of the requests.
"""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

_FIRST = 21_000
"""Above the ports of built-in regions."""
_CHOSEN_BY_THE_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES_MAX = 1_000


def free_port(host: str = "127.0.0.1") -> int:
    """A port below those that the kernel gives to connections, at which nobody listens."""
    end = int(_CHOSEN_BY_THE_KERNEL.read_text().split()[0])
    for _ in range(_TRIES_MAX):
        port = _FIRST + secrets.randbelow(end - _FIRST)
        if _is_marked(port) and _is_free(host, port):
            return port
    raise AssertionError("there is no free port")


def _is_marked(port: int) -> bool:
    """Whether it is now this process's, among all that run such tests on this machine."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0altid-test-port-{port}")
    except OSError:
        mark.close()
        return False
    mark.detach()  # open as long as the process is
    return True


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
