"""What a site's record holds of a drill's orders in the end, read over HTTP: every version of every order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from altid.access.programs import Credentials
from altid.drills.clients import Endpoint
from altid.drills.orders.history import Held
from altid.orders.synthetic import mark_of
from altid.region.http import Connection, HttpError

_ANSWER_S_MAX = 20.0
_PAGE = 1000
_TYPES = ("MedicationRequest",)


async def held_since(endpoint: Endpoint, began: datetime, run: str, tokens: Credentials) -> list[Held]:
    """The versions whose marks are of this run. Raises `HttpError` when the site doesn't answer."""
    since = quote(began.isoformat(timespec="milliseconds"), safe="")
    connection = Connection(endpoint.host, endpoint.port)
    found: list[Held] = []
    try:
        for type_ in _TYPES:
            path = f"/fhir/{type_}/_history?_since={since}&_count={_PAGE}"
            while path:
                bundle = await _page(connection, path, tokens)
                found += [one for one in _held(bundle) if one.mark.startswith(f"drill {run}-")]
                path = _next(bundle)
    finally:
        connection.close()
    return found


async def _page(connection: Connection, path: str, tokens: Credentials) -> dict[str, Any]:
    headers = {"Accept": "application/fhir+json", **await tokens.headers()}
    answer = await connection.ask("GET", path, b"", headers, s_max=_ANSWER_S_MAX)
    if answer.status != 200:
        raise HttpError(f"HTTP {answer.status}")
    bundle: dict[str, Any] = json.loads(answer.body)
    return bundle


def _held(bundle: dict[str, Any]) -> Iterator[Held]:
    for entry in bundle.get("entry", []):
        resource = entry.get("resource")
        if resource is None:
            continue  # a deletion: nothing here makes one
        patient = resource.get("subject", {}).get("reference", "").removeprefix("Patient/")
        order = f"{resource['resourceType']}/{resource['id']}"
        yield Held(order, int(resource["meta"]["versionId"]), patient, mark_of(resource))


def _next(bundle: dict[str, Any]) -> str:
    """The path of the next page, or nothing."""
    for link in bundle.get("link", []):
        if link.get("relation") == "next":
            url = str(link["url"])
            return "/" + url.split("/", 3)[3] if "://" in url else url
    return ""
