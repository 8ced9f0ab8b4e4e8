"""Small words of Envoy's configuration language, version 3 of its API, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SERVICE_BETWEEN = "between-gateways.altid"
"""The name in the TLS greeting by which one gateway asks for the other's entrance for gateways."""

TLS_BETWEEN = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
"""Both ends are ours. (As a client Envoy would stop at 1.2 by itself.)"""

_TYPES = {
    "aggregate": "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
    "buffer": "envoy.extensions.filters.http.buffer.v3.Buffer",
    "cluster": "envoy.config.cluster.v3.Cluster",
    "endpoints": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "health_check": "envoy.extensions.filters.http.health_check.v3.HealthCheck",
    "http": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "listener": "envoy.config.listener.v3.Listener",
    "previous_hosts": "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    "previous_priorities": "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
    "router": "envoy.extensions.filters.http.router.v3.Router",
    "routes": "envoy.config.route.v3.RouteConfiguration",
    "secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
    "fixed_heap": "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
    "tls_downstream": "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "tls_inspector": "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "tls_upstream": "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
}


def any_of(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """The value marked with its type, as Envoy wants extensions and resources."""
    return {"@type": f"type.googleapis.com/{_TYPES[kind]}", **value}


def typed(name: str, value: dict[str, Any], kind: str) -> dict[str, Any]:
    """An extension by its name."""
    return {"name": f"envoy.{name}", "typed_config": any_of(kind, value)}


def cluster_type(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return typed(f"clusters.{name}", value, name)


def resources(kind: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of a file that Envoy watches."""
    return {"resources": [any_of(kind, value) for value in values]}


def files(path: Path) -> dict[str, Any]:
    """Where Envoy gets something from: a file, read again whenever another is moved to its place."""
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def seconds(value: float) -> str:
    """A duration."""
    return f"{value:.3f}s"
