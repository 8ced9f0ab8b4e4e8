"""Old versions of test orders are taken away: at ten servers there are 288,000 a day."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from altid.record.connection import SETTINGS
from altid.region.addresses import app_dsn
from altid.region.layout import Layout, load_secrets
from altid.region.topology import Region, Site

KEPT = timedelta(hours=1)
_AT_MOST = 10_000
"""At once: ten servers make 1,000 in the five minutes between two trims."""
_CONNECT_S_MAX, _TRIM_S_MAX = 5.0, 10.0


async def trim(where: Layout, region: Region, site: Site) -> int:
    """Take them away at the primary; gives how many. Raises what the driver raises, and `RegionError`."""
    dsn = app_dsn(load_secrets(where), [site, region.other(site)], primary=True)
    session = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX, server_settings=dict(SETTINGS))
    try:
        return await trim_by(session, KEPT)
    finally:
        session.terminate()


async def trim_by(session: asyncpg.Connection, kept: timedelta) -> int:
    """Those that are older than `kept`."""
    taken: int = await session.fetchval(_TRIM, kept, _AT_MOST, timeout=_TRIM_S_MAX)
    return taken


_TRIM = "SELECT trim_test_orders($1, $2)"
