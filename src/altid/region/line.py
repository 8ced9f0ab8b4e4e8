"""Slow and lossy lines between two places of a region in network namespaces.

In the router, what comes in from one place and goes to the other is led by a rule of its own to a TUN device
of `relay`, which gives it back later. When the relay ends, its device and with it the route vanish, and
packets take the short way again: a relay that dies mends the line.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

from altid.region import netns, processes
from altid.region.error import RegionError
from altid.region.netns import Namespaces
from altid.region.relay import Quality

_TABLE_FIRST = 100
_RULE_PRIORITY = 20_000
"""After the rules that cut lines have had their say on a packet's way back from the relay."""

_DEVICE_S_MAX = 10.0
_END_S_MAX = 5.0
_POLL_S = 0.02


def worsen(found: Namespaces, one: str, other: str, quality: Quality) -> None:
    """Delay or lose what goes between two places, each way. Raises `RegionError`."""
    device = _device(found, one, other)
    if device in _devices(found):
        raise RegionError(f"The line between {one} and {other} is slow or lossy already: heal it first.")
    _start(found, device, quality)
    table = str(_table(found, one, other))
    netns.run_ip("-n", found.router, "link", "set", device, "up")
    for name in ("all", device):
        netns.sysctl(found, f"net.ipv4.conf.{name}.rp_filter=0")  # packets come back from where none live
    netns.run_ip("-n", found.router, "route", "replace", "default", "dev", device, "table", table)
    for rule in _rules(found, one, other, table):
        netns.run_ip("-n", found.router, "rule", "add", *rule)


def mend(found: Namespaces, one: str, other: str) -> None:
    """The line is as before. One that was never worsened is no error."""
    for rule in _rules(found, one, other, str(_table(found, one, other))):
        with suppress(RegionError):
            netns.run_ip("-n", found.router, "rule", "del", *rule)
    device = _device(found, one, other)
    if device not in _devices(found):
        return
    for process in _relays(found, device):
        _end(process)


def stop_all(found: Namespaces) -> None:
    """End every relay of the region: a process would keep the router's namespace alive."""
    with suppress(RegionError):
        for process in _relays(found, ""):
            _end(process)


def _start(found: Namespaces, device: str, quality: Quality) -> None:
    program = [sys.executable, "-m", "altid.region.relay", device]
    settings = {
        "ms": quality.delay_ms,
        "jitter-ms": quality.jitter_ms,
        "loss": quality.loss,
        "seed": quality.seed,
    }
    options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    command = [shutil.which("ip") or "ip", "netns", "exec", found.router, *program, *options]
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    os.posix_spawn(command[0], command, environment, file_actions=null, setsid=True)
    end_s = time.monotonic() + _DEVICE_S_MAX
    while device not in _devices(found):
        if time.monotonic() > end_s:
            raise RegionError("A slow line needs /dev/net/tun: `modprobe tun` as root, and try again.")
        time.sleep(_POLL_S)


def _end(process: int) -> None:
    """End it and wait: only then is its device gone."""
    end_s = time.monotonic() + _END_S_MAX
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        while time.monotonic() < end_s:
            with suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
            os.kill(process, 0)
            time.sleep(_POLL_S)
        os.kill(process, signal.SIGKILL)


def _rules(found: Namespaces, one: str, other: str, table: str) -> list[list[str]]:
    """Only what comes in from the place itself: what the relay gives back takes the ordinary way."""
    return [
        [
            "iif",
            netns.router_end(source),
            "to",
            found.networks[target],
            "lookup",
            table,
            "priority",
            str(_RULE_PRIORITY),
        ]
        for source, target in ((one, other), (other, one))
    ]


def _numbers(found: Namespaces, one: str, other: str) -> tuple[int, int]:
    names = sorted(found.places)
    first, second = sorted((names.index(one), names.index(other)))
    return first, second


def _device(found: Namespaces, one: str, other: str) -> str:
    first, second = _numbers(found, one, other)
    return f"line-{first}-{second}"


def _table(found: Namespaces, one: str, other: str) -> int:
    first, second = _numbers(found, one, other)
    return _TABLE_FIRST + first * len(found.places) + second


def _devices(found: Namespaces) -> set[str]:
    lines = netns.run_ip("-n", found.router, "-o", "link", "show").splitlines()
    return {line.split(":")[1].strip().split("@")[0] for line in lines if ":" in line}


def _relays(found: Namespaces, device: str) -> list[int]:
    """The relays in the router's namespace, or the one of a device."""
    processes = [int(one) for one in netns.run_ip("netns", "pids", found.router).split()]
    return [one for one in processes if _is_relay(one, device)]


def _is_relay(process: int, device: str) -> bool:
    words = processes.command_line(process).split(b"\0")
    return b"altid.region.relay" in words and (not device or device.encode() in words)
