"""A place is stopped, something is changed while nothing of it runs, and it is started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from altid.record.postgres import account as accounts
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.shutdown import stop_place
from altid.region.startup import start_place
from altid.region.status import gather
from altid.region.topology import Place, Region

_BACK_S_MAX = 90.0
_POLL_S = 0.25


async def restart_place(where: Layout, region: Region, place: Place, change: Callable[[], None]) -> None:
    """Do that, and wait until the place is well again. Raises `RegionError` if it isn't in time.

    Should the change fail, the place is started all the same.
    """
    account = accounts.choose(where.place(region.sites[0].name).postgres)
    await stop_place(where, place)
    try:
        await asyncio.to_thread(change)
    finally:
        start_place(where, place, account)
    end_s = time.monotonic() + _BACK_S_MAX
    while not await _is_back(where, region, place):
        if time.monotonic() > end_s:
            raise RegionError(f"{place.name} was started again and is not well after {_BACK_S_MAX:.0f} s.")
        await asyncio.sleep(_POLL_S)


async def _is_back(where: Layout, region: Region, place: Place) -> bool:
    status = await gather(where, region)
    if place is region.witness:
        return bool(status.witness["state"] == "live")
    return {site.name: site.state for site in status.sites}[place.name] == "live"
