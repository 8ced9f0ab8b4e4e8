"""The region for one machine, used when no region file is given: each place has a loopback address."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from altid.region.error import RegionError
from altid.region.topology import Region, RegionLimits, Site, Witness

_HOSTS = ("127.0.1.1", "127.0.2.1", "127.0.3.1")
_STEP = 100
_TRIES_MAX = 50
"""Blocks of ports that are tried, so that several regions fit on one machine."""

_MARK = 12378
"""The port, at the witness' address, that marks a block as taken by a region that is only starting."""


def builtin_region(servers: int = 2, limits: RegionLimits | None = None) -> Region:
    """A region on loopback addresses with ports that are free now. Raises `RegionError` if none are."""
    for attempt in range(_TRIES_MAX):
        region = _region(_HOSTS, attempt * _STEP, servers, limits or RegionLimits())
        if _is_free(region.witness.host, _MARK + attempt * _STEP) and _all_free(region):
            return region
    raise _no_block()


@contextmanager
def reserved_region(servers: int = 2, limits: RegionLimits | None = None) -> Iterator[Region]:
    """The same, and nobody else is given these ports until the context ends: by then the region listens."""
    for attempt in range(_TRIES_MAX):
        region = _region(_HOSTS, attempt * _STEP, servers, limits or RegionLimits())
        with socket.socket() as mark:
            try:
                mark.bind((region.witness.host, _MARK + attempt * _STEP))
            except OSError:
                continue
            if _all_free(region):
                yield region
                return
    raise _no_block()


def _no_block() -> RegionError:
    return RegionError(f"No block of free ports was found at {', '.join(_HOSTS)}: give a region file.")


def _all_free(region: Region) -> bool:
    return all(_is_free(place.host, port) for place in region.places for port in place.ports.values())


def builtin_netns_region(prefix: str, servers: int = 2, limits: RegionLimits | None = None) -> Region:
    """A region whose places have networks of their own below `prefix`, such as "10.89"."""
    hosts = (f"{prefix}.1.2", f"{prefix}.2.2", f"{prefix}.3.2")
    return replace(_region(hosts, 0, servers, limits or RegionLimits()), operators=(f"{prefix}.0.2",))


def _region(hosts: tuple[str, str, str], shift: int, servers: int, limits: RegionLimits) -> Region:
    site_a, site_b = (
        Site(
            name=name,
            host=host,
            servers=servers,
            etcd_client=12379 + shift,
            etcd_peer=12380 + shift,
            guardian=17400 + shift,
            patroni=18008 + shift,
            postgres=15432 + shift,
            server=8081 + shift,
            gateway=8443 + shift,
            postgres_tls=15433 + shift,
            lookup=8453 + shift,
        )
        for name, host in zip("AB", hosts, strict=False)
    )
    witness = Witness("W", hosts[2], 12379 + shift, 12380 + shift, 17400 + shift, 8090 + shift)
    return Region("altid", (site_a, site_b), witness, limits)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
