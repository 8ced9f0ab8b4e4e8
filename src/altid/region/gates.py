"""What a part waits for before it starts: etcd's quorum, the record's schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from altid.region.etcd import EtcdClient, EtcdError, members
from altid.region.guardian.deep import FAILURES
from altid.region.guardian.liveness import not_live
from altid.region.http import Connection, ask_json
from altid.region.patroni import scope_prefix
from altid.region.tls import Identity
from altid.region.topology import Place, Region, Site

_ASK_S_MAX = 1.0
"""A part that needs longer to say that it is well is not well yet; the gate asks again."""


async def at_once() -> bool:
    """For a part that waits for nothing."""
    return True


def etcd_healthy(place: Place, pki: Path) -> Callable[[], Awaitable[bool]]:
    """The place's etcd has a quorum. (Patroni that starts before etcd sleeps for five seconds.)"""

    async def healthy() -> bool:
        connection = Connection(place.host, place.etcd_client, Identity(pki).client)
        try:
            told = await ask_json(connection, "/health", _ASK_S_MAX)
        finally:
            connection.close()
        return told is not None and told.get("health") in ("true", True)

    return healthy


def record_ready(region: Region, site: Site, pki: Path, dsn: str) -> Callable[[], Awaitable[bool]]:
    """The servers' role may log in (it gets its password as the last step of the schema's making), and the
    site may answer as the live record (see `guardian.liveness`)."""

    async def ready() -> bool:
        try:
            connection = await asyncpg.connect(dsn, timeout=_ASK_S_MAX)
        except FAILURES:
            return False
        await connection.close(timeout=_ASK_S_MAX)
        return await _is_live(region, site, pki)

    return ready


async def _is_live(region: Region, site: Site, pki: Path) -> bool:
    client = EtcdClient(members(region, site), _ASK_S_MAX, Identity(pki).client)
    prefix = scope_prefix(region)
    try:
        return not not_live(await client.prefix(prefix), prefix, site.name)
    except EtcdError:
        return False
    finally:
        client.close()
