"""Read, vread and history (R4 http.html#read, #vread, #history)."""

from __future__ import annotations

import re
from datetime import datetime

from altid.access.audit.event import Action
from altid.api import errors, rights
from altid.api.bundle import Link, history_bundle
from altid.api.conditions import not_modified
from altid.api.messages import Request, Response, resource_response, url_of, versioned
from altid.api.page import decode, encode
from altid.api.settings import Service
from altid.api.subset import Subset
from altid.fhir import json
from altid.fhir.periods import parse_period
from altid.fhir.search.about import patients_in
from altid.record import history
from altid.record.database import Connection
from altid.record.read import read_found, read_version
from altid.record.stored import Stored, compose

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_HISTORY_PARAMETERS = frozenset({"_since", "_count", "_page", "_format", "_pretty"})
_HISTORY_COUNT_MAX = 1_000


def check_id(text: str) -> str:
    """An id that no resource can have is answered like one that none has."""
    if not _ID.fullmatch(text):
        raise errors.not_found()
    return text


async def read_current(connection: Connection, request: Request, type_: str, id_: str) -> Response:
    rights.require(request, "r", type_)
    found = await rights.require_shown(request, type_, await read_found(connection, type_, check_id(id_)))
    stored = found.stored
    if stored.body is None:
        raise errors.gone()
    rights.note_look(request, Action.READ, type_, [found], id_=id_, version=stored.version)
    if not_modified(request, stored):
        return versioned(304, stored, b"")
    subset = Subset.of(request)
    if subset is not None:
        return versioned(200, stored, subset.apply(stored))
    return resource_response(200, stored)


async def read_one_version(
    connection: Connection, request: Request, type_: str, id_: str, version: str
) -> Response:
    rights.require(request, "r", type_)
    # A version number has at most nine digits; anything longer names no version of ours.
    if not (version.isascii() and version.isdigit() and len(version) <= 9):
        raise rights.missing(request, type_)
    found = await read_version(connection, type_, check_id(id_), int(version))
    stored = await rights.require_shown_version(request, type_, found)
    if stored.body is None:
        raise errors.gone()
    rights.note_look(
        request, Action.VREAD, type_, [], named=_patients_in(stored), id_=id_, version=stored.version
    )
    return resource_response(200, stored)


def _patients_in(stored: Stored) -> frozenset[str]:
    return frozenset() if stored.body is None else patients_in(json.loads(compose(stored)))


async def read_history(
    connection: Connection, service: Service, request: Request, type_: str | None, id_: str | None
) -> Response:
    """Versions of a resource, of a type or of everything, newest first, in pages.

    Of a type or of everything only for whoever may read all of it: what each version is about is known from
    its content alone, so a page of them can't be cut to some patients.
    """
    if type_ is not None and id_ is not None:
        rights.require(request, "r", type_)
        found = await read_found(connection, type_, check_id(id_))
        await rights.require_shown(request, type_, found)
    else:
        rights.require_all(request, type_)
    since, count, before = _history_parameters(request, service.settings.page_size)
    entries = await _entries(connection, type_, id_, since, count + 1, before)
    if id_ is not None and not entries and before is None and since is None:
        raise errors.not_found()
    shown = entries[:count]
    last = shown[-1].place if shown else None
    if type_ is not None and request.permit.is_bound("r", type_):
        shown = [entry for entry in shown if await _is_shown(request, entry.stored)]
    patients = {patient for entry in shown for patient in _patients_in(entry.stored)}
    rights.note_look(request, Action.HISTORY, type_ or "", [], named=patients, id_=id_ or "")
    links = [Link("self", url_of(request, request.parameters))]
    if len(entries) > count and last is not None:
        token = encode(("h", last.at.isoformat(), last.rid, last.version))
        kept = tuple(p for p in request.parameters if p[0] != "_page")
        links.append(Link("next", url_of(request, (*kept, ("_page", token)))))
    return Response(200, history_bundle(request.base, links, shown))


async def _is_shown(request: Request, stored: Stored) -> bool:
    """A deletion says only that there was something, which whoever may read the rest knows."""
    return stored.body is None or await request.permit.shows_version(stored)


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
