"""Whom a gateway sends requests to: the site's own servers first, then the other site's gateway.

`own` are the site's servers, over plain HTTP within the site. `other` is the other site's gateway, over
mutual TLS. `site` is both, in this order. Requests of clients go to `site`; those of the other gateway to
`own` alone.
"""

from __future__ import annotations

from typing import Any

from altid.gateway.limits import GatewayLimits
from altid.gateway.plan import Duty, Gateway, Server
from altid.gateway.wire import SERVICE_BETWEEN, TLS_BETWEEN, cluster_type, files, seconds, typed

OWN, OTHER, SITE = "own", "other", "site"
READY_PATH = "/health/ready"

_HEALTH: dict[Duty, str] = {"serving": "HEALTHY", "spare": "DEGRADED", "draining": "DRAINING"}
"""Envoy's words: a degraded host gets requests when no healthy one is left, at either site."""

_PANIC_PERCENT = 1.0
"""Panic, in Envoy's words: only when nobody at all is well, requests are sent to whoever is there. Rather a
try than a refusal, for the checks are half a second old, and ask for more (a writable record) than a read
needs."""

_BALANCING = {
    "healthy_panic_threshold": {"value": _PANIC_PERCENT},
    # Envoy would collect changes of health for a second, and send requests to the dead meanwhile.
    "update_merge_window": "0s",
}

_BUFFER_BYTES = 1024 * 1024
"""Per connection; a server is held back when its client reads slowly."""

_EJECT_PERCENT_MAX = 100
"""All of a site's servers may be dead; then the other site is asked."""

_KEEPALIVE = {"keepalive_probes": 2, "keepalive_time": 1, "keepalive_interval": 1}
"""Seconds: a line that has died without a word is noticed after three."""


def clusters(gateway: Gateway) -> list[dict[str, Any]]:
    """All clusters of the gateway."""
    return [_own(gateway), _other(gateway), _site(gateway)]


def servers(gateway: Gateway) -> dict[str, Any]:
    """The site's servers with their duties: what changes while the gateway runs."""
    return {
        "cluster_name": OWN,
        "endpoints": [{"lb_endpoints": [_endpoint(server) for server in gateway.servers]}],
        "policy": {"overprovisioning_factor": _one_carries_all(len(gateway.servers))},
    }


def _one_carries_all(servers: int) -> int:
    """In percent: one healthy server is enough for its site, and no fellow's share spills over to the other
    site. Envoy counts the healthy ones in whole percents, rounded down, before it multiplies."""
    one_percent = max(1, 100 // servers)
    return 100 * -(-100 // one_percent)


def _endpoint(server: Server) -> dict[str, Any]:
    return {
        "endpoint": {"address": _address(server.host, server.port)},
        "health_status": _HEALTH[server.duty],
    }


def _own(gateway: Gateway) -> dict[str, Any]:
    return {
        "name": OWN,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": files(gateway.folder / "servers.json")},
        "connect_timeout": seconds(gateway.limits.connect_s),
        # The servers believe this address, and no other, which scheme and client a request had.
        "upstream_bind_config": {"source_address": {"address": gateway.host, "port_value": 0}},
        **_shared(gateway, gateway.limits.server_idle_s),
    }


def _other(gateway: Gateway) -> dict[str, Any]:
    neighbour = gateway.neighbour
    endpoint = {"endpoint": {"address": _address(neighbour.host, neighbour.port)}}
    return {
        "name": OTHER,
        "type": "STATIC",
        "connect_timeout": seconds(gateway.limits.connect_between_s),
        "load_assignment": {"cluster_name": OTHER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": typed("transport_sockets.tls", _towards_neighbour(gateway), "tls_upstream"),
        "upstream_connection_options": {"tcp_keepalive": _KEEPALIVE},
        **_shared(gateway, gateway.limits.between_idle_s),
    }


def _towards_neighbour(gateway: Gateway) -> dict[str, Any]:
    """Mutual TLS, and the name that leads to the entrance for gateways."""
    identity = {"name": "identity", "sds_config": files(gateway.folder / "identity.json")}
    return {
        "sni": SERVICE_BETWEEN,
        "common_tls_context": {
            "tls_params": TLS_BETWEEN,
            "tls_certificate_sds_secret_configs": [identity],
            "validation_context": {
                "trusted_ca": {"filename": str(gateway.credentials.authority)},
                "match_typed_subject_alt_names": [
                    {"san_type": "IP_ADDRESS", "matcher": {"exact": gateway.neighbour.host}}
                ],
            },
        },
    }


def _site(gateway: Gateway) -> dict[str, Any]:
    return {
        "name": SITE,
        "cluster_type": cluster_type("aggregate", {"clusters": [OWN, OTHER]}),
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": seconds(gateway.limits.connect_s),
        "common_lb_config": _BALANCING,
        "circuit_breakers": _breakers(gateway),
    }


def _shared(gateway: Gateway, idle_s: float) -> dict[str, Any]:
    """What holds for servers and the other gateway alike."""
    return {
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": _BALANCING,
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "health_checks": [_check(gateway.limits)],
        "outlier_detection": _ejection(gateway.limits),
        "circuit_breakers": _breakers(gateway),
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": seconds(idle_s)},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _check(limits: GatewayLimits) -> dict[str, Any]:
    interval = seconds(limits.check_interval_s)
    return {
        "timeout": seconds(limits.check_s),
        "interval": interval,
        # Envoy looks rarely (60 s) at whoever has had no requests yet: not here.
        "no_traffic_interval": interval,
        "no_traffic_healthy_interval": interval,
        "initial_jitter": seconds(limits.check_jitter_s),
        "interval_jitter": seconds(limits.check_jitter_s),
        "unhealthy_threshold": limits.unhealthy_after,
        "healthy_threshold": limits.healthy_after,
        "http_health_check": {"path": READY_PATH, "host": "altid"},
    }


def _ejection(limits: GatewayLimits) -> dict[str, Any]:
    """Only connects count: a server that answers 503 is alive, and the health check's business."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": limits.eject_after,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": seconds(limits.eject_s),
        "base_ejection_time": seconds(limits.eject_s),
        "max_ejection_time": seconds(limits.eject_s * 5),
        "max_ejection_percent": _EJECT_PERCENT_MAX,
    }


def _breakers(gateway: Gateway) -> dict[str, Any]:
    """At the loss of a site everything that was underway there is tried again at once, so the budget of
    retries is all that can be underway: with the usual one most of those requests failed."""
    most = gateway.in_flight_max
    return {
        "thresholds": [
            {
                "max_connections": most,
                "max_pending_requests": most,
                "max_requests": most,
                "retry_budget": {"budget_percent": {"value": 100.0}, "min_retry_concurrency": most},
                "track_remaining": True,
            }
        ]
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
