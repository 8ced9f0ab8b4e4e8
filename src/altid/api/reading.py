"""Read, vread and history (R4 http.html#read, #vread, #history)."""

from __future__ import annotations

import re
from datetime import datetime

from altid.api import errors
from altid.api.bundle import Link, history_bundle
from altid.api.conditions import not_modified
from altid.api.messages import Request, Response, resource_response, url_of, versioned
from altid.api.page import decode, encode
from altid.api.settings import Service
from altid.api.subset import Subset
from altid.fhir.periods import parse_period
from altid.record import history
from altid.record.database import Connection
from altid.record.read import read, read_version

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_HISTORY_PARAMETERS = frozenset({"_since", "_count", "_page", "_format", "_pretty"})
_HISTORY_COUNT_MAX = 1_000


def check_id(text: str) -> str:
    """An id that no resource can have is answered like one that none has."""
    if not _ID.fullmatch(text):
        raise errors.not_found()
    return text


async def read_current(connection: Connection, request: Request, type_: str, id_: str) -> Response:
    stored = await read(connection, type_, check_id(id_))
    if stored is None:
        raise errors.not_found()
    if stored.body is None:
        raise errors.gone()
    if not_modified(request, stored):
        return versioned(304, stored, b"")
    subset = Subset.of(request)
    if subset is not None:
        return versioned(200, stored, subset.apply(stored))
    return resource_response(200, stored)


async def read_one_version(connection: Connection, type_: str, id_: str, version: str) -> Response:
    # A version number has at most nine digits; anything longer names no version of ours.
    if not (version.isascii() and version.isdigit() and len(version) <= 9):
        raise errors.not_found()
    stored = await read_version(connection, type_, check_id(id_), int(version))
    if stored is None:
        raise errors.not_found()
    if stored.body is None:
        raise errors.gone()
    return resource_response(200, stored)


async def read_history(
    connection: Connection, service: Service, request: Request, type_: str | None, id_: str | None
) -> Response:
    """Versions of a resource, of a type or of everything, newest first, in pages."""
    since, count, before = _history_parameters(request, service.settings.page_size)
    entries = await _entries(connection, type_, id_, since, count + 1, before)
    if id_ is not None and not entries and before is None and since is None:
        raise errors.not_found()
    shown = entries[:count]
    links = [Link("self", url_of(request, request.parameters))]
    if len(entries) > count:
        place = shown[-1].place
        token = encode(("h", place.at.isoformat(), place.rid, place.version))
        kept = tuple(p for p in request.parameters if p[0] != "_page")
        links.append(Link("next", url_of(request, (*kept, ("_page", token)))))
    return Response(200, history_bundle(request.base, links, shown))


async def _entries(
    connection: Connection,
    type_: str | None,
    id_: str | None,
    since: datetime | None,
    count: int,
    before: history.Place | None,
) -> list[history.HistoryEntry]:
    if type_ is not None and id_ is not None:
        return await history.of_resource(
            connection, type_, check_id(id_), before=before, since=since, count=count
        )
    start = before or history.THE_END
    if type_ is not None:
        return await history.of_type(connection, type_, before=start, since=since, count=count)
    return await history.of_all(connection, before=start, since=since, count=count)


def _history_parameters(
    request: Request, page_size: int
) -> tuple[datetime | None, int, history.Place | None]:
    since, count, before = None, page_size, None
    for name, value in request.parameters:
        if name == "_since":
            since = moment_parameter(name, value)
        elif name == "_count":
            count = min(count_parameter(value), _HISTORY_COUNT_MAX)
        elif name == "_page":
            before = _place(value)
        elif name not in _HISTORY_PARAMETERS and (request.strict or name == "_at"):
            # `_at` must not be ignored: its answer would be another history than the one asked for.
            raise errors.bad_parameter(name)
    return since, count, before


def moment_parameter(name: str, text: str) -> datetime:
    """The beginning of the moment, day, month or year that a parameter names."""
    try:
        return parse_period(text)[0]
    except ValueError:
        raise errors.bad_parameter(name) from None


def count_parameter(text: str) -> int:
    """`_count`: at least 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):
        raise errors.bad_parameter("_count")
    return int(text)


def _place(token: str) -> history.Place:
    kind, at, rid, version = decode(token, 4)
    if kind != "h":
        raise errors.bad_parameter("_page")
    try:
        return history.Place(datetime.fromisoformat(at), int(rid), int(version))
    except (TypeError, ValueError):
        raise errors.bad_parameter("_page") from None
