"""How the databases of a region are reached: URLs for each role.

At a place of the region each database is at an address of loopback (`Site.database_host`). Elsewhere, where
`altid` is run, it is at a socket that a `passage` opened: then `at` tells where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

from altid.record.postgres.cluster import DATABASE
from altid.record.postgres.folder import SUPERUSER
from altid.record.roles import APP_ROLE
from altid.region.layout import Secrets
from altid.region.topology import Site

At = Mapping[str, str]
"""Where databases are reached, as host:port in a URL, by the name of the site."""

_USUAL: At = MappingProxyType({})

MONITOR_ROLE = "altid_monitor"
REPLICATION_ROLE = "altid_replication"


def app_dsn(secrets: Secrets, sites: Sequence[Site], *, primary: bool = False, at: At = _USUAL) -> str:
    """The URL for the servers' role; `primary` asks for the one that takes writes, in the given order."""
    return _dsn(APP_ROLE, secrets.app, sites, primary=primary, at=at)


def superuser_dsn(
    secrets: Secrets, sites: Sequence[Site], database: str = DATABASE, *, at: At = _USUAL
) -> str:
    """The URL for the superuser at the primary among the sites."""
    return _dsn(SUPERUSER, secrets.superuser, sites, primary=True, database=database, at=at)


def monitor_dsn(secrets: Secrets, site: Site, *, at: At = _USUAL) -> str:
    """The URL for the role that reads PostgreSQL's own figures and no table."""
    return _dsn(MONITOR_ROLE, secrets.monitor, [site], primary=False, at=at)


def replication_dsn(secrets: Secrets, site: Site) -> str:
    """The URL for the role that copies the database and follows its log."""
    return _dsn(REPLICATION_ROLE, secrets.replication, [site], primary=False)


def _dsn(
    user: str,
    password: str,
    sites: Sequence[Site],
    *,
    primary: bool,
    database: str = DATABASE,
    at: At = _USUAL,
) -> str:
    hosts = ",".join(at.get(site.name, f"{site.database_host}:{site.postgres}") for site in sites)
    query = "?target_session_attrs=primary" if primary else ""
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{hosts}/{database}{query}"
