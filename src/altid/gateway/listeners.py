"""A gateway's one port with its two entrances: for clients, and for the other site's gateway.

The entrance is chosen by the name in the TLS greeting. The one for gateways asks for a certificate of the
region and leads to the site's own servers only, so a request that was sent on is never sent on again: there
is no header that a client could forge or a loop that could forget one.
"""

from __future__ import annotations

from typing import Any

from altid.gateway.answers import own_answers
from altid.gateway.clusters import OWN, READY_PATH
from altid.gateway.plan import Gateway
from altid.gateway.routes import BETWEEN, CLIENTS
from altid.gateway.wire import SERVICE_BETWEEN, TLS_BETWEEN, files, seconds, typed

_STREAM_WINDOW_BYTES = 256 * 1024
_CONNECTION_WINDOW_BYTES = 1024 * 1024
_BUFFER_BYTES = 64 * 1024
"""What is read ahead of a client. Bodies have a buffer of their own (`buffer`)."""

_NOBODY = [{"address_prefix": "255.255.255.255", "prefix_len": 32}]
"""Envoy obeys orders in `x-envoy-...` headers from internal addresses: here nobody's are."""


def listener(gateway: Gateway) -> dict[str, Any]:
    """The gateway's listener."""
    return {
        "name": "door",
        "address": {"socket_address": {"address": gateway.host, "port_value": gateway.port}},
        "listener_filters": [typed("filters.listener.tls_inspector", {}, "tls_inspector")],
        "listener_filters_timeout": seconds(gateway.limits.handshake_s),
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "filter_chains": [_between(gateway), _clients(gateway)],
    }


def _clients(gateway: Gateway) -> dict[str, Any]:
    http = {
        # The connection's own address and scheme are told to the servers, whatever the client claims.
        "use_remote_address": True,
        "http_filters": [_body_limit(gateway), _router()],
    }
    return _chain(gateway, CLIENTS, _tls(gateway), http)


def _between(gateway: Gateway) -> dict[str, Any]:
    known = {
        "require_client_certificate": True,
        "common_tls_context": {
            **_tls(gateway)["common_tls_context"],
            "tls_params": TLS_BETWEEN,
            "validation_context": {
                "trusted_ca": {"filename": str(gateway.credentials.authority)},
                "match_typed_subject_alt_names": [
                    {"san_type": "IP_ADDRESS", "matcher": {"exact": gateway.neighbour.host}}
                ],
            },
        },
    }
    http = {
        # What the first gateway has said of the client stands.
        "use_remote_address": False,
        "skip_xff_append": True,
        "preserve_external_request_id": True,
        "http_filters": [_own_health(), _body_limit(gateway), _router()],
    }
    chain = _chain(gateway, BETWEEN, known, http)
    return {"filter_chain_match": {"server_names": [SERVICE_BETWEEN]}, **chain}


def _chain(gateway: Gateway, name: str, tls: dict[str, Any], http: dict[str, Any]) -> dict[str, Any]:
    manager = _http(gateway, name) | http
    return {
        "name": name,
        "transport_socket": typed("transport_sockets.tls", tls, "tls_downstream"),
        "transport_socket_connect_timeout": seconds(gateway.limits.handshake_s),
        "filters": [typed("filters.network.http_connection_manager", manager, "http")],
    }


def _tls(gateway: Gateway) -> dict[str, Any]:
    return {
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificate_sds_secret_configs": [
                {"name": "identity", "sds_config": files(gateway.folder / "identity.json")}
            ],
        }
    }


def _http(gateway: Gateway, name: str) -> dict[str, Any]:
    """What holds for both entrances. There is no access log: addresses hold patients' ids."""
    limits = gateway.limits
    return {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": {"route_config_name": name, "config_source": files(gateway.folder / f"routes-{name}.json")},
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        "server_header_transformation": "PASS_THROUGH",
        "internal_address_config": {"cidr_ranges": _NOBODY},
        "normalize_path": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "max_request_headers_kb": limits.headers_kb_max,
        "request_headers_timeout": seconds(limits.headers_s),
        "request_timeout": seconds(limits.request_s),
        "stream_idle_timeout": seconds(limits.stream_idle_s),
        "common_http_protocol_options": {
            "idle_timeout": seconds(limits.idle_s),
            "max_headers_count": limits.headers_count_max,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": limits.streams_max,
            "initial_stream_window_size": _STREAM_WINDOW_BYTES,
            "initial_connection_window_size": _CONNECTION_WINDOW_BYTES,
        },
        "local_reply_config": own_answers(),
    }


def _own_health() -> dict[str, Any]:
    """The other gateway asks whether a server is well here: answered from what is known."""
    asked = {"name": ":path", "string_match": {"exact": READY_PATH}}
    value = {
        "pass_through_mode": False,
        "headers": [asked],
        "cluster_min_healthy_percentages": {OWN: {"value": 1.0}},
    }
    return typed("filters.http.health_check", value, "health_check")


def _body_limit(gateway: Gateway) -> dict[str, Any]:
    """The whole body is here before a server sees the request, so no slow client keeps a server busy."""
    return typed("filters.http.buffer", {"max_request_bytes": gateway.limits.body_bytes_max}, "buffer")


def _router() -> dict[str, Any]:
    return typed("filters.http.router", {"suppress_envoy_headers": True}, "router")
