"""How the databases of a region are reached: URLs for each role."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from altid.record.postgres.cluster import DATABASE
from altid.record.postgres.folder import SUPERUSER
from altid.record.roles import APP_ROLE
from altid.region.layout import Secrets
from altid.region.topology import Site

MONITOR_ROLE = "altid_monitor"


def app_dsn(secrets: Secrets, sites: Sequence[Site], *, primary: bool = False) -> str:
    """The URL for the servers' role; `primary` asks for the one that takes writes, in the given order."""
    return _dsn(APP_ROLE, secrets.app, sites, primary=primary)


def superuser_dsn(secrets: Secrets, sites: Sequence[Site], database: str = DATABASE) -> str:
    """The URL for the superuser at the primary among the sites."""
    return _dsn(SUPERUSER, secrets.superuser, sites, primary=True, database=database)


def monitor_dsn(secrets: Secrets, site: Site) -> str:
    """The URL for the role that reads PostgreSQL's own figures and no table."""
    return _dsn(MONITOR_ROLE, secrets.monitor, [site], primary=False)


def _dsn(user: str, password: str, sites: Sequence[Site], *, primary: bool, database: str = DATABASE) -> str:
    hosts = ",".join(f"{site.host}:{site.postgres}" for site in sites)
    query = "?target_session_attrs=primary" if primary else ""
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{hosts}/{database}{query}"
