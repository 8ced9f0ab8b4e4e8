"""What a gateway is rendered from: plain data, taken out of the region."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from altid.gateway.limits import GatewayLimits
from altid.region.drained import Drained
from altid.region.topology import Region, Site

Duty = Literal["serving", "spare", "draining"]
"""What a server is meant for: `spare` gets requests only when nobody serves, `draining` gets none."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the site, as the gateway reaches it."""

    name: str
    host: str
    port: int
    duty: Duty = "serving"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The other site's gateway."""

    site: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files with the site's certificate and key, and with the region's authority."""

    identity: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Gateway:
    """One site's gateway, complete."""

    site: str
    host: str
    port: int
    servers: tuple[Server, ...]
    neighbour: Neighbour
    credentials: Credentials
    folder: Path
    """Where its configuration lies."""

    limits: GatewayLimits = field(default_factory=GatewayLimits)

    @property
    def in_flight_max(self) -> int:
        """What the site answers at once: all of its servers together."""
        return self.limits.in_flight_per_server_max * len(self.servers)


def gateway_of(
    region: Region, site: Site, credentials: Credentials, folder: Path, drained: Drained
) -> Gateway:
    """The gateway of that site of the region."""
    other = region.other(site)
    return Gateway(
        site.name,
        site.host,
        site.gateway,
        servers_of(site, drained),
        Neighbour(other.name, other.host, other.gateway),
        credentials,
        folder,
    )


def servers_of(site: Site, drained: Drained) -> tuple[Server, ...]:
    """The site's servers by the names of their parts, each with what it is meant for now."""
    return tuple(
        Server(name, site.host, port, _duty(name, drained))
        for name, port in ((f"server-{number}", port) for number, port in enumerate(site.server_ports, 1))
    )


def _duty(name: str, drained: Drained) -> Duty:
    if name in drained.servers or name in drained.out:
        return "draining"
    return "spare" if drained.site else "serving"
