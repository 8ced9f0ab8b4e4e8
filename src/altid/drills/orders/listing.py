"""What is uncertain after a drill by the record's own means: outboxes handed in, intents, and receipts.

Read over HTTP at both sites, as a reconciliation does: whatever a browser holds or a server had noted, and
the record has neither registered nor refused.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from altid.access.programs import Credentials
from altid.drills.orders.history import Listed, Signed
from altid.orders.synthetic import is_canary_patient
from altid.region.error import RegionError
from altid.region.http import Answer, Connection, HttpError
from altid.region.topology import Region, Site

_ANSWER_S_MAX = 20.0
_ALL_S_MAX = 60.0
_POLL_S = 0.2
_HELD_MAX = 500
"""Of one browser; and receipts are asked for so many at once, for that is how one hands in an outbox."""

_CLOCKS_DIFFER = timedelta(seconds=2)
_REFUSALS = range(400, 408)
_CERTAIN = ("ok", "fatal-error")


async def listed(
    region: Region,
    began: datetime,
    outboxes: Iterable[Sequence[Signed]],
    tokens: Credentials,
) -> list[Listed]:
    """Hand in the clients' outboxes; gives what is uncertain since the drill began. Raises `RegionError`."""
    first, second = region.sites
    patients: dict[str, str] = {}
    for outbox in outboxes:
        held = [{"key": one.key, "patient": one.patient} for one in outbox]
        if held:
            await _ask(first, "POST", "/orders/outboxes", tokens, {"held": held[:_HELD_MAX]})
    # Up to now: what was just handed in is noted as of now.
    window = f"from={_instant(began)}&to={_instant(datetime.now(UTC) + _CLOCKS_DIFFER)}"
    for site in region.sites:
        told = await _ask(site, "GET", f"/orders/intents?{window}", tokens)
        if not told["whole"]:
            raise RegionError(f"{site.name} can't tell all its intents, so nothing is certain.")
        patients |= {one["key"]: one.get("patient", "") for one in told["intents"] if _may_be_lost(one)}
        patients |= {one["key"]: one.get("patient", "") for each in told["held"] for one in each["held"]}
    keys = [key for key, patient in patients.items() if not is_canary_patient(patient)]
    uncertain = await _uncertain(second, keys, tokens)
    return [Listed(key, patients[key]) for key in uncertain]


def _may_be_lost(intent: Mapping[str, Any]) -> bool:
    return intent["outcome"] not in ("registered", "refused")


async def _uncertain(site: Site, keys: Sequence[str], tokens: Credentials) -> list[str]:
    found = []
    for key in keys:
        receipt = await _ask(site, "GET", f"/orders/receipts/{quote(key, safe='')}", tokens)
        if receipt.get("word") not in _CERTAIN:
            found.append(key)
    return found


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


def _instant(at: datetime) -> str:
    return quote(at.isoformat(timespec="milliseconds"), safe="")
