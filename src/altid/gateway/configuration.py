"""A gateway as Envoy reads it: one file that it starts with, and six that may change while it runs.

Envoy watches each of the six and takes over what is *moved* to its place, so a change is whole or not at all:

- `clusters.json`: whom requests go to; `servers.json`: the site's servers and what each is meant for
- `listeners.json`: the port with its entrances; `routes-clients.json`, `routes-between.json`: what
  may be sent again
- `identity.json`: which certificate and key
"""

from __future__ import annotations

from typing import Any

from altid.gateway.clusters import clusters, servers
from altid.gateway.listeners import listener
from altid.gateway.plan import Gateway
from altid.gateway.routes import routes
from altid.gateway.wire import any_of, files, resources
from altid.region import envoy

BOOTSTRAP = "envoy.json"
SERVERS = "servers.json"

_MB = 1024 * 1024
_SHRINK_FROM, _REFUSE_FROM = 0.90, 0.95
"""Parts of the heap's limit."""


def configuration(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """All files by their names."""
    return {
        BOOTSTRAP: _bootstrap(gateway),
        "clusters.json": resources("cluster", clusters(gateway)),
        SERVERS: resources("endpoints", [servers(gateway)]),
        "listeners.json": resources("listener", [listener(gateway)]),
        **{f"routes-{one['name']}.json": resources("routes", [one]) for one in routes(gateway)},
        "identity.json": resources("secret", [_identity(gateway)]),
    }


def _bootstrap(gateway: Gateway) -> dict[str, Any]:
    base = envoy.base(connections_max=gateway.limits.connections_max)
    overload = _overload(base["overload_manager"], gateway.limits.heap_mb_max * _MB)
    return {
        **base,
        "overload_manager": overload,
        "dynamic_resources": {
            "cds_config": files(gateway.folder / "clusters.json"),
            "lds_config": files(gateway.folder / "listeners.json"),
        },
    }


def _overload(base: dict[str, Any], heap_bytes_max: int) -> dict[str, Any]:
    """Beside the limit on connections, one on memory."""
    name = "envoy.resource_monitors.fixed_heap"
    heap = {"name": name, "typed_config": any_of("fixed_heap", {"max_heap_size_bytes": heap_bytes_max})}
    return {
        **base,
        "refresh_interval": "0.250s",
        "resource_monitors": [*base["resource_monitors"], heap],
        "actions": [
            _action("shrink_heap", name, _SHRINK_FROM),
            _action("stop_accepting_requests", name, _REFUSE_FROM),
        ],
    }


def _action(name: str, resource: str, part: float) -> dict[str, Any]:
    return {
        "name": f"envoy.overload_actions.{name}",
        "triggers": [{"name": resource, "threshold": {"value": part}}],
    }


def _identity(gateway: Gateway) -> dict[str, Any]:
    file = {"filename": str(gateway.credentials.identity)}
    return {
        "name": "identity",
        "tls_certificate": {
            "certificate_chain": file,
            "private_key": file,
            # Renewed by a rename in this folder.
            "watched_directory": {"path": str(gateway.credentials.identity.parent)},
        },
    }
