"""What a part waits for before it starts: etcd's quorum, the record's schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg

from altid.region.etcd import EtcdClient, EtcdError, members
from altid.region.guardian.liveness import not_live
from altid.region.http import get_json
from altid.region.patroni import scope_prefix
from altid.region.topology import Place, Region, Site

_ASK_S_MAX = 1.0
"""A part that needs longer to say that it is well is not well yet; the gate asks again."""


async def at_once() -> bool:
    """For a part that waits for nothing."""
    return True


def etcd_healthy(place: Place) -> Callable[[], Awaitable[bool]]:
    """The place's etcd has a quorum. (Patroni that starts before etcd sleeps for five seconds.)"""

    async def healthy() -> bool:
        told = await get_json(place.host, place.etcd_client, "/health", _ASK_S_MAX)
        return told is not None and told.get("health") in ("true", True)

    return healthy


def record_ready(region: Region, site: Site, dsn: str) -> Callable[[], Awaitable[bool]]:
    """The servers' role may log in (it gets its password as the last step of the schema's making), and the
    site may answer as the live record (see `guardian.liveness`)."""

    async def ready() -> bool:
        try:
            connection = await asyncpg.connect(dsn, timeout=_ASK_S_MAX)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close(timeout=_ASK_S_MAX)
        return await _is_live(region, site)

    return ready


async def _is_live(region: Region, site: Site) -> bool:
    client, prefix = EtcdClient(members(region, site), _ASK_S_MAX), scope_prefix(region)
    try:
        return not not_live(await client.prefix(prefix), prefix, site.name)
    except EtcdError:
        return False
    finally:
        client.close()
