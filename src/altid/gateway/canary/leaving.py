"""Alarms of orders that do not leave for others become events of the region.

Every server tells them (`/health/orders`), and which of them sends. The site whose server sends writes them
down, so that an alarm is one event and not one a site; where nobody sends, each site says so.
"""

from __future__ import annotations

import asyncio
from typing import Any

from altid.region import events
from altid.region.http import get_json
from altid.region.layout import Layout
from altid.region.topology import Site

ALARM, OVER = "orders do not leave", "orders leave again"
_LOOK_EVERY_S = 5.0
"""Servers look at their own queues no oftener."""
_ANSWER_S_MAX = 3.0
"""Longer than a server itself waits for the record."""


async def tell_alarms(where: Layout, site: Site) -> None:
    """Write down each change, until cancelled."""
    told: tuple[str, ...] = ()
    while True:
        found = alarms_of(await _asked(site), told)
        if found != told:
            event = {"event": ALARM, "reason": ", ".join(found)} if found else {"event": OVER}
            events.record(where.events, site.name, **event)
        told = found
        await asyncio.sleep(_LOOK_EVERY_S)


def alarms_of(answers: list[dict[str, Any]], told: tuple[str, ...]) -> tuple[str, ...]:
    """What this site has to tell, by what its servers say and what it has `told`.

    A site that has told of an alarm tells its end too, though another sends by now. Where no server answers,
    nothing is known, and nothing changes.
    """
    if not answers:
        return told
    is_ours = any(one.get("leads") or not one.get("sending") for one in answers)
    alarms = tuple(sorted({str(alarm) for one in answers for alarm in one["alarms"]}))
    return alarms if is_ours or (told and not alarms) else told


async def _asked(site: Site) -> list[dict[str, Any]]:
    """What each server says that can say something."""
    questions = [get_json(site.host, port, "/health/orders", _ANSWER_S_MAX) for port in site.server_ports]
    told = await asyncio.gather(*questions)
    return [one for one in told if one is not None and isinstance(one.get("alarms"), list)]
