"""The patients of an order drill: synthetic, marked as test data, written through FHIR before the load."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from altid.access.programs import Credentials
from altid.orders.synthetic import patient
from altid.region.error import RegionError
from altid.region.http import Connection, HttpError
from altid.region.topology import Region

_ANSWER_S_MAX = 5.0
_ALL_S_MAX = 60.0
_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}


async def admitted(region: Region, run: str, count: int, tokens: Credentials) -> Sequence[str]:
    """Ids of so many patients who are there now. Raises `RegionError` when they can't be written."""
    site = region.sites[0]
    connection = Connection(site.host, site.server_ports[0])
    ids = [f"{run}-p{number}" for number in range(1, count + 1)]
    end_s = time.monotonic() + _ALL_S_MAX
    try:
        for id_ in ids:
            while not await _written(connection, id_, tokens):
                if time.monotonic() > end_s:
                    raise RegionError(f"{site.name}'s servers take no patients, so there is nobody to treat.")
                await asyncio.sleep(0.1)
    finally:
        connection.close()
    return ids


async def _written(connection: Connection, id_: str, tokens: Credentials) -> bool:
    body = json.dumps(patient(id_)).encode()
    headers = _HEADERS | await tokens.headers()
    try:
        answer = await connection.ask("PUT", f"/fhir/Patient/{id_}", body, headers, s_max=_ANSWER_S_MAX)
    except HttpError:
        return False
    return answer.status in (200, 201)
