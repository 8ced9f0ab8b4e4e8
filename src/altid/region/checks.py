"""What is checked before anything is started, so that a start that cannot succeed damages nothing."""

from __future__ import annotations

import os
import shutil
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from altid.region import tunnel
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.topology import Place, Region

_CANNOT_ASSIGN = 99  # errno.EADDRNOTAVAIL
_CLOCK_S_MAX = 300.0
"""A file from further in the future than this means that the clock was wrong then, or is now."""


def check_disk(folder: Path, region: Region) -> None:
    """Raise `RegionError` when the disk of the data folder (or of its nearest parent) is nearly full."""
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free // (1024 * 1024)
    if free_mb < region.limits.disk_free_mb_min:
        raise RegionError(
            f"{folder} has {free_mb} MB free, and the region wants {region.limits.disk_free_mb_min} "
            "(limits.disk_free_mb_min): make room, or give another --data."
        )


def check_clock(where: Layout, region: Region) -> None:
    """Raise `RegionError` when the clock stands behind the writing of this region or of this very program.

    New versions of resources would be dated before older ones, and certificates would not be valid yet.
    """
    newest_s, newest = max((path.stat().st_mtime, path) for path in _dated(where, region))
    now_s = time.time()
    if newest_s - now_s > _CLOCK_S_MAX:
        raise RegionError(
            f"The clock says {_moment(now_s)}, but {newest} was written at {_moment(newest_s)}: set the "
            "clock (timedatectl set-ntp true); if it was wrong then and is right now, `touch` that file."
        )


def _dated(where: Layout, region: Region) -> list[Path]:
    folders = [where.place(place.name) for place in region.places]
    clusters = [one.postgres / "global" / "pg_control" for one in folders]
    candidates = [Path(__file__), where.marker, where.events, *clusters, *(one.parts for one in folders)]
    return [path for path in candidates if path.exists()]


def _moment(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def check_lines(region: Region) -> None:
    """Raise `RegionError` if places that share this machine have addresses of a network.

    On hosts of their own the same loopback address leads to a database at its site and to a tunnel elsewhere.
    """
    if any(tunnel.is_needed(place) for place in region.places):
        raise RegionError(
            f"{region.places[0].host} is no loopback address: on one machine give the places addresses like "
            "127.0.1.1, or networks of their own with --netns; on hosts of their own use `altid render`."
        )


def check_addresses(place: Place) -> None:
    """Raise `RegionError` if the place's host is not this machine, or one of its ports is taken."""
    for part, port in place.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((place.host, port))
            except PermissionError:
                raise RegionError(
                    f"Port {port} of {place.name}'s {part} needs root: choose one above 1023."
                ) from None
            except OSError as error:
                raise _refusal(place, part, port, error) from None


def _refusal(place: Place, part: str, port: int, error: OSError) -> RegionError:
    if error.errno == _CANNOT_ASSIGN:
        return RegionError(
            f"The host {place.host} of {place.name} is not this machine: `altid up` starts only what is."
        )
    reason = os.strerror(error.errno or 0)
    return RegionError(f"Port {port} at {place.host}, for {place.name}'s {part}, cannot be used: {reason}.")
