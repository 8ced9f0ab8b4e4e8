"""What the product's own reconciliation lists after a drill, once the clients' outboxes were handed in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from altid.access.programs import Credentials
from altid.access.secret import parse_secret
from altid.drills.orders.history import Listed, Signed
from altid.orders.gathering import gather
from altid.orders.receipt import main_key
from altid.orders.reconcile import reconcile
from altid.region.error import RegionError
from altid.region.http import Answer, Connection, HttpError
from altid.region.layout import Layout, load_secrets
from altid.region.records import records_of
from altid.region.topology import Region, Site

_ANSWER_S_MAX = 20.0
_ALL_S_MAX = 60.0
_POLL_S = 0.2
_HELD_MAX = 500
"""Of one browser."""

_CLOCKS_DIFFER = timedelta(seconds=2)
_REFUSALS = range(400, 408)


async def listed(
    where: Layout, region: Region, began: datetime, outboxes: Iterable[Sequence[Signed]], tokens: Credentials
) -> list[Listed]:
    """Hand in the clients' outboxes, and reconcile from when the drill began until now. Raises
    `RegionError`, also where the reconciliation can't vouch for what it lists."""
    for number, outbox in enumerate(outboxes):
        held = [{"key": one.key, "patient": one.patient} for one in outbox]
        told = {"client": f"doctor-{number}", "held": held[:_HELD_MAX]}
        if held:
            await _ask(region.sites[0], "POST", "/orders/outboxes", tokens, told)
    secret = parse_secret(load_secrets(where).access)
    async with records_of(where) as sites:
        found = reconcile(await gather(sites, secret, began, datetime.now(UTC) + _CLOCKS_DIFFER))
    if found.unread or not found.sites_agree:
        raise RegionError(
            f"The reconciliation is not whole: {', '.join(found.unread) or 'the sites differ'}."
        )
    # A requisition's Task has a key of its own: what is said of it is said of the requisition.
    named = [(main_key(one.key), one.patient.removeprefix("Patient/")) for one in found.uncertain]
    return [Listed(*one) for one in dict.fromkeys(named)]


async def _ask(
    site: Site, method: str, path: str, tokens: Credentials, content: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Ask any of the site's servers until one answers. Raises `RegionError`."""
    body = b"" if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json", **await tokens.headers()}
    end_s, said = time.monotonic() + _ALL_S_MAX, ""
    while time.monotonic() < end_s:
        for port in site.server_ports:
            connection = Connection(site.host, port)
            with suppress(HttpError):
                answer = await connection.ask(method, path, body, headers, s_max=_ANSWER_S_MAX)
                said = f"HTTP {answer.status}"
                if answer.status == 200 or answer.status in _REFUSALS:
                    connection.close()
                    return _told(answer, site)
            connection.close()
        await asyncio.sleep(_POLL_S)
    raise RegionError(f"{site.name} can't tell what is uncertain ({said or 'no answer'}).")


def _told(answer: Answer, site: Site) -> dict[str, Any]:
    if answer.status != 200:
        raise RegionError(f"{site.name} does not tell what is uncertain: HTTP {answer.status}.")
    told: dict[str, Any] = json.loads(answer.body)
    return told
