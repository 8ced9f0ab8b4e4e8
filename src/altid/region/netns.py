"""Each place in a network namespace of its own, so that lines between places can really be cut.

```
 root namespace (operator, clients) --- router namespace --- one namespace for each place
        x.y.0.2                    x.y.0.1    host's .1            the place's host
```
A line is cut in the router, by a rule that drops what goes from one place's network to another's without a
word: nobody is refused, packets vanish. Needs root and iproute2. Only namespaces that this module made and
wrote down (`netns.json` in the data folder) are ever deleted.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from altid.region.error import RegionError
from altid.region.topology import Region

FILE = "netns.json"
_IP_S_MAX = 10
_OPERATOR, _GATEWAY = 2, 1
"""The last octets of the operator's and of a router's address in each network of 256."""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """What was made: the router, the places' namespaces, and the root's end of the line."""

    router: str
    places: dict[str, str]
    networks: dict[str, str]
    """Each place's network, such as 10.89.1.0/24."""
    link: str


def load(data: Path) -> Namespaces | None:
    """The namespaces of the data folder's region; None when it has none."""
    try:
        return Namespaces(**json.loads((data / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def check(region: Region) -> None:
    """Raise `RegionError` when this machine or this region can't have them."""
    if os.geteuid() != 0:
        raise RegionError("Network namespaces need root: start as root, or without --netns.")
    if shutil.which("ip") is None:
        raise RegionError("Network namespaces need the program `ip`: apt-get install iproute2.")
    networks = [_network(place.host) for place in region.places]
    if len(set(networks)) != len(networks):
        raise RegionError(
            "With --netns the places' hosts must differ before the last dot: networks of their own."
        )
    for place in region.places:
        if place.host.startswith("127.") or place.host.endswith(f".{_GATEWAY}"):
            raise RegionError(
                f"With --netns {place.name}'s host can't be {place.host}: loopback or a router's."
            )


def possible() -> bool:
    """Whether this user on this machine can have namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def make(data: Path, region: Region) -> Namespaces:
    """Make what is missing; gives all of it. Raises `RegionError` with the reason of `ip`."""
    found = _named(data, region)
    existing = _existing()
    if found.router not in existing:
        _make_router(found, region)
    for place in region.places:
        if found.places[place.name] not in existing:
            _make_place(found, place.name, place.host)
    (data / FILE).write_text(json.dumps(asdict(found)) + "\n")
    return found


def remove(data: Path) -> None:
    """Remove the namespaces that the region made, with their links; the next start makes them again."""
    found = load(data)
    if found is None or os.geteuid() != 0:
        return
    existing = _existing()
    for name in (*found.places.values(), found.router):
        if name in existing:
            run_ip("netns", "delete", name)


def entering(found: Namespaces | None, place: str) -> list[str]:
    """What stands before a command line so that it runs in the place's namespace."""
    if found is None:
        return []
    return [shutil.which("ip") or "ip", "netns", "exec", found.places[place]]


def silence(found: Namespaces, place: str, *, cut: bool) -> None:
    """Drop everything to and from a place, or let it pass again."""
    network = found.networks[place]
    for direction in ("from", "to"):
        _rule(found, [direction, network], cut=cut)


def part(found: Namespaces, one: str, other: str, *, cut: bool) -> None:
    """Drop everything between two places, or let it pass again."""
    first, second = found.networks[one], found.networks[other]
    _rule(found, ["from", first, "to", second], cut=cut)
    _rule(found, ["from", second, "to", first], cut=cut)


def free_prefix() -> str:
    """The first two octets of a block of networks that nothing on this machine uses."""
    routes = run_ip("route", "show", "table", "all")
    for second in range(89, 250):
        if f" 10.{second}." not in f" {routes}".replace("\n", " "):
            return f"10.{second}"
    raise RegionError("No free block of networks was found below 10.0.0.0/8: give a region file.")


def operator(region: Region) -> str:
    """The address that the operator (this very machine) has towards the places."""
    return f"{_prefix(region)}.0.{_OPERATOR}"


def router_end(place: str) -> str:
    """The name that the router's end of a place's line has in the router."""
    return f"to-{place}"[:15]


def sysctl(found: Namespaces, setting: str) -> None:
    """Set a kernel setting in the router's namespace."""
    _run(["ip", "netns", "exec", found.router, "sysctl", "-q", "-w", setting])


def _named(data: Path, region: Region) -> Namespaces:
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:6]
    return Namespaces(
        f"altid-{key}-net",
        {place.name: f"altid-{key}-{place.name}" for place in region.places},
        {place.name: _network(place.host) for place in region.places},
        f"al{key}",
    )


def _make_router(found: Namespaces, region: Region) -> None:
    router, link, prefix = found.router, found.link, _prefix(region)
    run_ip("netns", "add", router)
    run_ip("-n", router, "link", "set", "lo", "up")
    sysctl(found, "net.ipv4.ip_forward=1")
    run_ip("link", "add", link, "type", "veth", "peer", "name", "operator", "netns", router)
    run_ip("addr", "add", f"{prefix}.0.{_OPERATOR}/24", "dev", link)
    run_ip("link", "set", link, "up")
    run_ip("-n", router, "addr", "add", f"{prefix}.0.{_GATEWAY}/24", "dev", "operator")
    run_ip("-n", router, "link", "set", "operator", "up")
    run_ip("route", "add", f"{prefix}.0.0/16", "via", f"{prefix}.0.{_GATEWAY}")


def _make_place(found: Namespaces, name: str, host: str) -> None:
    own, router, end = found.places[name], found.router, router_end(name)
    gateway = ".".join([*host.split(".")[:3], str(_GATEWAY)])
    run_ip("netns", "add", own)
    run_ip("-n", own, "link", "set", "lo", "up")
    run_ip("-n", own, "link", "add", "line", "type", "veth", "peer", "name", end, "netns", router)
    run_ip("-n", own, "addr", "add", f"{host}/24", "dev", "line")
    run_ip("-n", own, "link", "set", "line", "up")
    run_ip("-n", own, "route", "add", "default", "via", gateway)
    run_ip("-n", router, "addr", "add", f"{gateway}/24", "dev", end)
    run_ip("-n", router, "link", "set", end, "up")


def _rule(found: Namespaces, match: Sequence[str], *, cut: bool) -> None:
    """A rule that drops silently. Removing one that isn't there is no error: the router may be new."""
    if cut:
        run_ip("-n", found.router, "rule", "add", *match, "blackhole")
        return
    _run(["ip", "-n", found.router, "rule", "del", *match, "blackhole"], check=False)


def _prefix(region: Region) -> str:
    return ".".join(region.sites[0].host.split(".")[:2])


def _network(host: str) -> str:
    return str(ipaddress.ip_network(f"{host}/24", strict=False))


def _existing() -> set[str]:
    return {line.split()[0] for line in run_ip("netns", "list").splitlines() if line.strip()}


def run_ip(*arguments: str) -> str:
    """Run `ip`; gives what it prints. Raises `RegionError` with its reason."""
    return _run(["ip", *arguments])


def _run(command: Sequence[str], *, check: bool = True) -> str:
    try:
        result = subprocess.run(  # noqa: S603
            list(command), capture_output=True, text=True, timeout=_IP_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise RegionError(f"`{' '.join(command)}` does not run.") from None
    if check and result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RegionError(f"`{' '.join(command)}`: {reason}")
    return result.stdout
