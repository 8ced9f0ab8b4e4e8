"""What a running gateway knows: asked over its admin socket, which only the service user may open."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from altid.gateway.clusters import OWN
from altid.region.envoy import ADMIN
from altid.region.error import RegionError

_ASK_S_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Host:
    """A server, or the other gateway, as the gateway sees it."""

    address: str
    """Host and port."""

    health: str
    """`healthy`, `draining`, `spare`, or what is wrong."""

    in_flight: int
    """Requests that are underway there."""


def hosts(folder: Path, cluster: str = OWN) -> list[Host]:
    """The site's own servers, or those of another cluster. Raises `RegionError` if the gateway doesn't
    answer."""
    told = _get(folder, "/clusters?format=json")
    found = [one for one in told.get("cluster_statuses", []) if one["name"] == cluster]
    return [_host(host) for one in found for host in one.get("host_statuses", [])]


def _host(told: dict[str, Any]) -> Host:
    address = told["address"]["socket_address"]
    counts = {one["name"]: int(one.get("value", 0)) for one in told.get("stats", [])}
    return Host(
        f"{address['address']}:{address['port_value']}",
        _health(told.get("health_status", {})),
        counts.get("rq_active", 0),
    )


def _health(status: dict[str, Any]) -> str:
    """Envoy lists what is wrong; the duty comes back as `eds_health_status`."""
    duty = status.get("eds_health_status")
    if duty == "DRAINING":
        return "draining"
    wrong = sorted(key for key, value in status.items() if value is True and key.startswith("failed_"))
    if wrong:
        return ", ".join(wrong)
    return "spare" if duty == "DEGRADED" else "healthy"


def _get(folder: Path, path: str) -> dict[str, Any]:
    try:
        with _Admin(folder) as asked:
            asked.request("GET", path)
            told: dict[str, Any] = json.loads(asked.getresponse().read())
            return told
    except (OSError, HTTPException, ValueError):
        raise RegionError(
            f"The gateway of {folder.parent.name} does not answer: is it running (`altid status`)?"
        ) from None


class _Admin(HTTPConnection):
    """HTTP over the socket. Its path may be too long for the kernel, so it is reached through the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("gateway", timeout=_ASK_S_MAX)
        self._folder = folder

    def __enter__(self) -> _Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{ADMIN}")
        finally:
            os.close(folder)
