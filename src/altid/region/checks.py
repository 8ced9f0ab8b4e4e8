"""What is checked before anything is started, so that a start that cannot succeed damages nothing."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from altid.region.error import RegionError
from altid.region.topology import Place, Region

_CANNOT_ASSIGN = 99  # errno.EADDRNOTAVAIL


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
