"""The first load by `$export` (HL7 Bulk Data Access 2.0): asked for once, made by the server in its own time,
and read file by file.

What is done is kept with each batch, so that a load that was broken off goes on where it was, as long as the
server still has its files.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from altid.fhir import json
from altid.lookup.beside.fhir.asking import PAUSE_S_MAX, Asker, SourceDownError, pause_s
from altid.lookup.beside.fhir.cursor import Export
from altid.lookup.beside.fhir.known import BATCH
from altid.lookup.beside.naming import Resource

EXPORT_S_MAX = 12 * 3_600.0
"""An export that has not ended by then is given up, and everything is loaded page by page."""
FILES_MAX = 100_000
_REFUSED = (200, 400, 403, 404, 405, 406, 415, 422, 501)

_log = logging.getLogger("altid.lookup.beside")

Sleep = Callable[[float], Awaitable[None]]


class ExportLostError(Exception):
    """The server no longer knows the export, or has failed to make it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was exported: files by type, in order, as of `at` (the server's text)."""

    at: str
    files: tuple[tuple[str, str], ...]
    needs_login: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines, and how far the load is with them."""

    resources: Sequence[Resource]
    export: Export


async def kick_off(asker: Asker, types: Sequence[str]) -> Export | None:
    """Ask for it; None from a server that exports nothing (to us). Raises `SourceDownError`."""
    answer = await asker.ask(
        "$export",
        {"_type": ",".join(types), "_outputFormat": "application/fhir+ndjson"},
        headers={"Prefer": "respond-async"},
        fine=(202, *_REFUSED),
    )
    place = answer.headers.get("content-location", "")
    return Export(place) if answer.status == 202 and place else None


async def manifest(asker: Asker, export: Export, sleep: Sleep = asyncio.sleep) -> Manifest:
    """Wait until it is made. Raises `ExportLostError` or `SourceDownError`."""
    ends_s = time.monotonic() + EXPORT_S_MAX
    while time.monotonic() < ends_s:
        answer = await asker.ask(export.status_url, fine=(200, 202, 404, 410, 500))
        if answer.status == 200:
            return _manifest(answer.resource)
        if answer.status != 202:
            raise ExportLostError
        # Its progress is the server's own text, which might hold anything.
        _log.info("the server is making its export")
        await sleep(max(pause_s(answer.headers, _PATIENCE), 0.05))
    raise ExportLostError


async def batches(asker: Asker, export: Export, made: Manifest) -> AsyncIterator[Batch]:
    """All that is not done yet. Raises `ExportLostError` or `SourceDownError`."""
    for place, (type_, url) in enumerate(made.files):
        if place < export.files_done:
            continue
        skipped = export.lines_done if place == export.files_done else 0
        number, resources = 0, []
        try:
            async for line in asker.lines(url, with_login=made.needs_login):
                number += 1
                if number <= skipped:
                    continue
                resources.append(_resource(line, type_))
                if len(resources) == BATCH:
                    yield Batch(resources, replace(export, files_done=place, lines_done=number))
                    resources = []
        except SourceDownError as error:
            if error.code in ("file-404", "file-410"):
                raise ExportLostError from None
            raise
        yield Batch(resources, replace(export, files_done=place + 1, lines_done=0))


async def clean_up(asker: Asker, export: Export) -> None:
    """Tell the server that its files are no longer needed; whatever it says."""
    try:
        await asker.ask(export.status_url, method="DELETE", fine=(200, 202, 204, 404, 405, 410))
    except SourceDownError as error:
        _log.info("the server keeps its export (%s)", error.code)


def _manifest(told: dict[str, Any]) -> Manifest:
    try:
        files = tuple((str(one["type"]), str(one["url"])) for one in told["output"])
        at = str(told["transactionTime"])
    except (KeyError, TypeError):
        raise SourceDownError("no-manifest") from None
    if len(files) > FILES_MAX:
        raise SourceDownError("too-many-files")
    if told.get("error"):
        _log.warning("the server could not export everything: what is missing is fetched by comparison")
    return Manifest(at, files, told.get("requiresAccessToken") is not False)


def _resource(line: bytes, type_: str) -> Resource:
    try:
        value: Resource = json.loads(line)
    except json.JsonError:
        raise SourceDownError("no-json") from None
    if not isinstance(value, dict) or value.get("resourceType") != type_:
        raise SourceDownError("other-type")
    return value


_PATIENCE = 6
assert 2.0**_PATIENCE / 2 <= PAUSE_S_MAX
