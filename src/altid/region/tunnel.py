"""PostgreSQL between hosts: an Envoy at each place carries its bytes through mutual TLS.

The wheel's PostgreSQL knows no TLS, so it listens on loopback only, at `Site.database_host`. That address
means "the PostgreSQL of that site" on every host: at the site it is PostgreSQL itself, elsewhere it is the
place's own Envoy, which passes everything on.

```
 place B                                     site A, 10.89.1.2
 who asks 127.89.1.2:15432 -> Envoy ==TLS==> Envoy at postgres_tls -> PostgreSQL at 127.89.1.2:15432
```
So Patroni, replication, the servers and the guardian use one address, and no byte crosses a line as it is.
Places that all have loopback addresses are one machine: there is no line and no tunnel.

Envoy gives up a silent peer no sooner than PostgreSQL would: a standby's live lease (`guardian.liveness`)
counts on it that the leader waits for the whole of `wal_sender_timeout`. It gives up no connection that is
only idle, and closes one end when the other is closed.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from altid.region import certificates, envoy
from altid.region.topology import Place, Region, Site

_CONNECTIONS_MAX = 2000
_CONNECT = "0.3s"
"""As `http.CONNECT_S_MAX`: a site that takes no connection within this is gone."""

_HANDSHAKE = "1s"
_NEVER = "0s"

_SILENT_MS = 5000
"""What isn't acknowledged for so long never will be, probes of an idle connection included. Above
`wal_sender_timeout`: see the module. Above what an archive or a new standby may keep its end waiting while
its disk syncs, too."""

_PROBE_AFTER_S = 1
_PATIENCE = (
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MS),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER_S),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_AFTER_S),
)

_AT_ONCE: Mapping[str, Any] = {}
_AFTER_THE_HANDSHAKE: Mapping[str, Any] = {
    "upstream_connect_mode": "ON_DOWNSTREAM_TLS_HANDSHAKE",
    "max_early_data_bytes": 16 * 1024,
}
"""Who only knocks, or shows no certificate, doesn't cost PostgreSQL a process."""

_TYPES = "type.googleapis.com/envoy.extensions"


class _Files(NamedTuple):
    folder: Path
    pki: Path


def is_needed(place: Place) -> bool:
    """Whether lines lead from this place to others: it isn't at a loopback address."""
    return not place.host.startswith("127.")


def configuration(region: Region, place: Place, folder: Path, pki: Path) -> tuple[str, str]:
    """The texts of Envoy's configuration and of the secrets file that it names (`secrets_file`)."""
    others = [site for site in region.sites if site.name != place.name]
    files = _Files(folder, pki)
    listeners = [_towards(site) for site in others]
    clusters = [_other(site, files) for site in others]
    if isinstance(place, Site):
        listeners.append(_inwards(place, files))
        clusters.append(_own(place))
    text = envoy.base(connections_max=_CONNECTIONS_MAX) | {
        "static_resources": {"listeners": listeners, "clusters": clusters}
    }
    return json.dumps(text, indent=1), json.dumps(_secrets(pki), indent=1)


def configuration_file(folder: Path) -> Path:
    """Where Envoy's configuration lies in the tunnel's folder."""
    return folder / "envoy.json"


def secrets_file(folder: Path) -> Path:
    """The file that tells Envoy its identity. Envoy watches the identity's folder for a renewed one."""
    return folder / "secrets.json"


def _inwards(site: Site, files: _Files) -> dict[str, Any]:
    """From the line to this site's PostgreSQL: for places and operators of this region only."""
    right = {"san_type": "DNS", "matcher": {"exact": certificates.MAY_REACH_DATABASE}}
    context = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "disable_stateless_session_resumption": True,
        "common_tls_context": _tls(files, right),
    }
    return {
        "name": "inwards",
        "address": _address(site.host, site.postgres_tls),
        "socket_options": _patience(),
        "filter_chains": [
            {
                "filters": [_proxy("own", _AFTER_THE_HANDSHAKE)],
                "transport_socket": {"name": "tls", "typed_config": context},
                "transport_socket_connect_timeout": _HANDSHAKE,
            }
        ],
    }


def _towards(site: Site) -> dict[str, Any]:
    """From this host's loopback to another site's PostgreSQL."""
    return {
        "name": f"towards-{site.name}",
        "address": _address(site.database_host, site.postgres),
        "filter_chains": [{"filters": [_proxy(site.name)]}],
    }


def _other(site: Site, files: _Files) -> dict[str, Any]:
    """The other end of a line, which must prove that it is that very host."""
    host = {"san_type": "IP_ADDRESS", "matcher": {"exact": site.host}}
    context = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": _tls(files, host),
    }
    line = {
        "upstream_bind_config": {"socket_options": _patience()},
        "transport_socket": {"name": "tls", "typed_config": context},
    }
    return _cluster(site.name, site.host, site.postgres_tls) | line


def _own(site: Site) -> dict[str, Any]:
    return _cluster("own", site.database_host, site.postgres)


def _cluster(name: str, host: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(host, port)}}
    limits = {"max_connections": _CONNECTIONS_MAX, "max_pending_requests": _CONNECTIONS_MAX}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": _CONNECT,
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _proxy(cluster: str, more: Mapping[str, Any] = _AT_ONCE) -> dict[str, Any]:
    settings = {
        "@type": f"{_TYPES}.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": cluster,
        "cluster": cluster,
        "idle_timeout": _NEVER,  # a pool's connections may be idle all night
        **more,
    }
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": settings}


def _patience() -> list[dict[str, Any]]:
    """How long a line's other end may be silent, set on the connection itself."""
    return [
        {"level": level, "name": name, "int_value": value, "state": "STATE_PREBIND"}
        for level, name, value in _PATIENCE
    ]


def _tls(files: _Files, other_end: dict[str, Any]) -> dict[str, Any]:
    watched = {"path": str(secrets_file(files.folder))}
    source = {"resource_api_version": "V3", "path_config_source": watched}
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [{"name": "identity", "sds_config": source}],
        "validation_context": {
            "trusted_ca": {"filename": str(certificates.authority(files.pki))},
            "match_typed_subject_alt_names": [other_end],
        },
    }


def _secrets(pki: Path) -> dict[str, Any]:
    file = {"filename": str(certificates.identity(pki))}
    secret = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.Secret",
        "name": "identity",
        "tls_certificate": {"certificate_chain": file, "private_key": file},
    }
    return {"resources": [secret]}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
