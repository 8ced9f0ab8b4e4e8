"""Patroni: its configuration for one site, with the settings that were measured (docs/region.md).

The file is JSON, which is YAML too, so that nothing needs quoting by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from altid.record.postgres.folder import SUPERUSER
from altid.region import certificates
from altid.region.addresses import REPLICATION_ROLE
from altid.region.backup.access import SLOT
from altid.region.layout import PlaceFolders, Secrets
from altid.region.topology import Region, Site

NAMESPACE = "/altid/"
REST_USER = "altid"

SENDER_TIMEOUT_S = 1.5
"""A standby that is silent for so long is given up by the leader's PostgreSQL, and not before: the standby's
own right to answer as the live record ends sooner. That is late enough for a handover to come first, so that
readers at the surviving site hardly notice one; writes wait so long when it is the standby that is lost."""


def scope_prefix(region: Region) -> str:
    """Where Patroni keeps its keys in etcd: "/altid/NAME/"."""
    return f"{NAMESPACE}{region.name}/"


def rewind_program(folders: PlaceFolders) -> Path:
    """What Patroni calls for pg_rewind (see `kept`)."""
    return folders.patroni / "pg_rewind"


def configuration(
    region: Region,
    site: Site,
    folders: PlaceFolders,
    secrets: Secrets,
    postgres_bin: Path,
    base_conf: Path,
    *,
    bootstraps: bool = True,
) -> str:
    """The text of Patroni's file. `base_conf` holds the record's own settings, which these override.

    A site that doesn't bootstrap never makes an empty database: it waits for the other to lead.
    """
    identity, authority = str(certificates.identity(folders.pki)), str(certificates.authority(folders.pki))
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
                "certfile": identity,
                "keyfile": identity,
                "cafile": str(certificates.callers(folders.pki)),
                "verify_client": "required",
            },
            "ctl": {"certfile": identity, "keyfile": identity, "cacert": authority},
            "etcd3": {
                # With proxies the list isn't shuffled: our own member first, never the other site's.
                "hosts": ",".join(_etcd_hosts(region, site)),
                "use_proxies": True,
                "protocol": "https",
                "cacert": authority,
                "cert": identity,
                "key": identity,
            },
            **({"bootstrap": {"dcs": dynamic_configuration(), "initdb": _INITDB}} if bootstraps else {}),
            "postgresql": {
                "listen": f"{site.database_host}:{site.postgres}",
                "connect_address": f"{site.database_host}:{site.postgres}",
                "data_dir": str(folders.postgres),
                "bin_dir": str(postgres_bin),
                "bin_name": {"pg_rewind": str(rewind_program(folders))},
                "pgpass": str(folders.patroni / "pgpass"),
                "custom_conf": str(base_conf),
                "parameters": {
                    "unix_socket_directories": "",
                    "port": site.postgres,
                    "altid.site": site.name,  # so that a receipt can name the site that has an order
                },
                "authentication": {
                    "superuser": {"username": SUPERUSER, "password": secrets.superuser},
                    "replication": {"username": REPLICATION_ROLE, "password": secrets.replication},
                },
                "pg_hba": HOST_RULES,
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
    "slots": {SLOT: {"type": "physical"}},  # kept at both sites, so that the archive follows a failover
}


def dynamic_configuration() -> dict[str, Any]:
    """What Patroni keeps in etcd, the same for both sites."""
    return _DYNAMIC | {"postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": PARAMETERS}}


PARAMETERS: dict[str, Any] = {
    "synchronous_commit": "remote_apply",  # read-your-writes on both sites
    "wal_log_hints": "on",
    "hot_standby_feedback": "on",
    # A commit waits until the standby has applied it, so a read there that stands in the way of the log holds
    # up every write. It is cancelled soon (SQLSTATE 40001, a read may be asked again), not after 30 s.
    "max_standby_streaming_delay": "500ms",
    "vacuum_truncate": "off",  # of everyday work, only its lock would meet reads at the standby
    "wal_sender_timeout": f"{int(SENDER_TIMEOUT_S * 1000)}ms",
    "wal_receiver_timeout": "2s",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "200ms",
    "tcp_user_timeout": 1500,
    "tcp_keepalives_idle": 1,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 2,
    "wal_keep_size": "512MB",
    # For an archive that is away: hours of a busy region's log. Then the slot is given up, since a site whose
    # disk is full is worse than an archive with a gap.
    "max_slot_wal_keep_size": "4GB",
    "summarize_wal": "on",  # what incremental backups are made from
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


HOST_RULES = (
    f"host replication {REPLICATION_ROLE} 127.0.0.0/8 scram-sha-256",
    "host all all 127.0.0.0/8 scram-sha-256",
)
"""Who may connect: this host alone, where lines end (see `tunnel`), and nobody without a password."""
