"""Patroni: its configuration for one site, with the settings that were measured (docs/region.md).

The file is JSON, which is YAML too, so that nothing needs quoting by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from altid.record.postgres.folder import SUPERUSER
from altid.region.layout import PlaceFolders, Secrets
from altid.region.topology import Region, Site

NAMESPACE = "/altid/"
REPLICATION_ROLE = "altid_replication"
REST_USER = "altid"

SENDER_TIMEOUT_S = 1.25
"""A standby that is silent for so long is given up by the leader's PostgreSQL, and not before: the standby's
own right to answer as the live record ends sooner."""


def scope_prefix(region: Region) -> str:
    """Where Patroni keeps its keys in etcd: "/altid/NAME/"."""
    return f"{NAMESPACE}{region.name}/"


def configuration(
    region: Region, site: Site, folders: PlaceFolders, secrets: Secrets, postgres_bin: Path, base_conf: Path
) -> str:
    """The text of Patroni's file. `base_conf` holds the record's own settings, which these override."""
    return json.dumps(
        {
            "scope": region.name,
            "namespace": NAMESPACE,
            "name": site.name,
            "log": {"level": "INFO", "format": "%(asctime)s %(levelname)s %(message)s"},
            "restapi": {
                "listen": f"{site.host}:{site.patroni}",
                "connect_address": f"{site.host}:{site.patroni}",
                "authentication": {"username": REST_USER, "password": secrets.patroni},
            },
            "etcd3": {
                # With proxies the list isn't shuffled: our own member first, never the other site's.
                "hosts": ",".join(_etcd_hosts(region, site)),
                "use_proxies": True,
                "protocol": "http",
            },
            "bootstrap": {"dcs": _DYNAMIC | {"postgresql": _dynamic_postgresql()}, "initdb": _INITDB},
            "postgresql": {
                "listen": f"{site.host}:{site.postgres}",
                "connect_address": f"{site.host}:{site.postgres}",
                "data_dir": str(folders.postgres),
                "bin_dir": str(postgres_bin),
                "pgpass": str(folders.patroni / "pgpass"),
                "custom_conf": str(base_conf),
                "parameters": {"unix_socket_directories": "", "port": site.postgres},
                "authentication": {
                    "superuser": {"username": SUPERUSER, "password": secrets.superuser},
                    "replication": {"username": REPLICATION_ROLE, "password": secrets.replication},
                },
                "pg_hba": _host_rules(region),
                "remove_data_directory_on_rewind_failure": False,
                "remove_data_directory_on_diverged_timelines": False,
            },
        },
        indent=1,
    )


def _etcd_hosts(region: Region, site: Site) -> list[str]:
    order = (site, region.witness, region.other(site))
    return [f"{place.host}:{place.etcd_client}" for place in order]


_DYNAMIC: dict[str, Any] = {
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 3,
    "maximum_lag_on_failover": 1_048_576,
    "synchronous_mode": True,
    "synchronous_mode_strict": False,  # the record goes on with one site, and says so
    "primary_start_timeout": 0,
    "primary_stop_timeout": 2,
}


def _dynamic_postgresql() -> dict[str, Any]:
    return {"use_pg_rewind": True, "use_slots": True, "parameters": PARAMETERS}


PARAMETERS: dict[str, Any] = {
    "synchronous_commit": "remote_apply",  # read-your-writes on both sites
    "wal_log_hints": "on",
    "hot_standby_feedback": "on",
    "wal_sender_timeout": f"{int(SENDER_TIMEOUT_S * 1000)}ms",
    "wal_receiver_timeout": "2s",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "200ms",
    "tcp_user_timeout": 1500,
    "tcp_keepalives_idle": 1,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 2,
    "wal_keep_size": "512MB",
    "client_connection_check_interval": 0,  # it could end a wait for the standby half-way
    "max_connections": 100,
    "password_encryption": "scram-sha-256",
}

_INITDB: list[Any] = [
    "data-checksums",
    {"encoding": "UTF8"},
    {"locale": "C"},
    {"locale-provider": "builtin"},
    {"builtin-locale": "C.UTF-8"},
]


def _host_rules(region: Region) -> list[str]:
    """Who may connect: the sites and the operators, by password; nobody else, and nobody without one."""
    hosts = {site.host for site in region.sites} | set(region.operators)
    networks = {"127.0.0.0/8" if host.startswith("127.") else f"{host}/32" for host in hosts}
    rules = []
    for network in sorted(networks):
        rules.append(f"host replication {REPLICATION_ROLE} {network} scram-sha-256")
        rules.append(f"host all all {network} scram-sha-256")
    rules.append("host all all samehost scram-sha-256")
    return rules
