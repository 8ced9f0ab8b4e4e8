"""Who talks to whom at which port: what the firewalls between the hosts, and on this one, must let pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from altid.region.topology import Place, Region, Site

_TLS = "mutual TLS"


class Line(NamedTuple):
    """One TCP port that others may open a connection to."""

    part: str
    port: int
    sources: tuple[str, ...]
    protection: str


def lines(region: Region, place: Place) -> list[Line]:
    """The ports of the place that anybody else may reach; every other port stays shut."""
    return list(_lines(region, place))


def _lines(region: Region, place: Place) -> Iterator[Line]:
    others = tuple(one.host for one in region.places if one != place)
    people = region.operators
    yield Line("etcd_peer", place.etcd_peer, others, _TLS)
    yield Line("etcd_client", place.etcd_client, (*others, *people), _TLS)
    yield Line("guardian", place.guardian, (*others, *people), _TLS)
    if not isinstance(place, Site):
        yield Line("status", place.status, ("who may see the picture of the region",), "see docs/region.md")
        return
    yield Line("patroni", place.patroni, (*others, *people), _TLS)
    yield Line("postgres_tls", place.postgres_tls, (*others, *people), f"{_TLS}, then a password")
    yield Line("lookup", place.lookup, (*others, *people, "the clients"), "HTTPS")
    yield Line("gateway", place.gateway, (region.other(place).host, "the clients"), "HTTPS")
    for number, port in enumerate(place.server_ports, 1):
        yield Line(f"server-{number}", port, (region.witness.host, *people), "none: health and drills only")


def text(region: Region, place: Place) -> str:
    """The list for one host, to be turned into rules."""
    rows = [f"{'part':14}{'port':>6}  {'from':44}  protected by"]
    rows += [
        f"{line.part:14}{line.port:6}  {', '.join(line.sources) or '-':44}  {line.protection}"
        for line in lines(region, place)
    ]
    return "\n".join(
        [
            f"# TCP ports of {place.name} ({place.host}) that others may open. Every other port stays shut.",
            *rows,
            "",
            "# Out: to the same ports of the other places, and UDP 123 to your time servers.",
            "",
        ]
    )
