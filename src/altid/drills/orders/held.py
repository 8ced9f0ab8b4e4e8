"""What a site's record holds of a drill's orders in the end, read over HTTP: every version of every order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
_TYPES = ("MedicationRequest", "ServiceRequest", "Task")


async def held_since(endpoint: Endpoint, began: datetime, run: str, tokens: Credentials) -> list[Held]:
    """The versions whose marks are of this run, and the Tasks of its patients. Raises `HttpError` when the
    site doesn't answer."""
    since = quote(began.isoformat(timespec="milliseconds"), safe="")
    connection = Connection(endpoint.host, endpoint.port)
    found: list[dict[str, Any]] = []
    try:
        for type_ in _TYPES:
            path = f"/fhir/{type_}/_history?_since={since}&_count={_PAGE}"
            while path:
                bundle = await _page(connection, path, tokens)
                # A deletion has no resource: nothing here makes one.
                found += [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]
                path = _next(bundle)
    finally:
        connection.close()
    return list(held_of(found, run))


def held_of(resources: Sequence[dict[str, Any]], run: str) -> Iterator[Held]:
    """What of them is of this run. A Task has the mark that its requisition was signed with."""
    marks = {_name(one): mark_of(one) for one in resources if one["meta"]["versionId"] == "1"}
    for one in resources:
        patient = _patient(one)
        if one["resourceType"] != "Task":
            mark = mark_of(one)
        elif patient.startswith(f"{run}-"):
            focus = one.get("focus", {}).get("reference", "")
            mark = marks.get(focus) or f"drill {run}-? {focus}"
        else:
            continue
        if mark.startswith(f"drill {run}-"):
            yield Held(_name(one), int(one["meta"]["versionId"]), patient, mark)


def _name(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _patient(resource: dict[str, Any]) -> str:
    about = resource.get("subject") or resource.get("for") or {}
    return str(about.get("reference", "")).removeprefix("Patient/")


async def _page(connection: Connection, path: str, tokens: Credentials) -> dict[str, Any]:
    headers = {"Accept": "application/fhir+json", **await tokens.headers()}
    answer = await connection.ask("GET", path, b"", headers, s_max=_ANSWER_S_MAX)
    if answer.status != 200:
        raise HttpError(f"HTTP {answer.status}")
    bundle: dict[str, Any] = json.loads(answer.body)
    return bundle


def _next(bundle: dict[str, Any]) -> str:
    """The path of the next page, or nothing."""
    for link in bundle.get("link", []):
        if link.get("relation") == "next":
            url = str(link["url"])
            return "/" + url.split("/", 3)[3] if "://" in url else url
    return ""
