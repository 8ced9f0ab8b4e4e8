"""One server, asked for ever: loaded once, then polled, compared now and then.

A round asks each type for what has changed since the newest that it had told, less an overlap. When a round
is through, everything up to its beginning has been asked for: that is the age of this source.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from altid.fhir import literals
from altid.lookup.beside.fhir import bulk
from altid.lookup.beside.fhir.asking import Asker, SourceDownError
from altid.lookup.beside.fhir.comparing import compare
from altid.lookup.beside.fhir.cursor import Cursor, cursor_of
from altid.lookup.beside.fhir.known import Known, instant_of, is_resource
from altid.lookup.beside.fhir.paging import Entry, matches, pages
from altid.lookup.beside.sources import TYPES
from altid.lookup.beside.store import Store, tell
from altid.lookup.change import Heartbeat

BACKOFF_S_MAX = 60.0

_log = logging.getLogger("altid.lookup.beside")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Poller:
    """Of one server. `run` never ends by itself."""

    def __init__(
        self, store: Store, asker: Asker, rng: random.Random | None = None, clock: Clock = utc_now
    ) -> None:
        self._store, self._asker, self._clock = store, asker, clock
        self._rng = rng or random.Random()
        self._source = asker.source
        self._known = Known(store, asker.source)
        self._cursor = cursor_of(self._known.position().cursor)
        self._types: tuple[str, ...] = ()
        self._with_history: frozenset[str] = frozenset()
        self._compared_s: float | None = None
        self._began_s, self._done = time.monotonic(), 0

    async def run(self) -> None:
        """Load and poll until it is cancelled; a server that is away is tried again, ever more slowly."""
        failures = 0
        while True:
            try:
                await self.round()
            except SourceDownError as error:
                failures += 1
                _log.warning("%s does not answer as it should: %s", self._source.name, error.code)
                await self._tell("failing", error.code)
                pause_s = min(self._source.poll_s * 2.0 ** min(failures, 10), BACKOFF_S_MAX)
                await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.0))
                continue
            failures = 0
            await asyncio.sleep(self._source.poll_s)

    async def round(self) -> None:
        """Everything that is to be asked now, once. Raises `SourceDownError`."""
        if not self._types:
            await self._read_capability()
        if not self._cursor.is_loaded:
            await self._load()
        began = self._clock()
        for type_ in self._types:
            await self._poll(type_)
        if self._is_compare_due():
            await compare(
                self._store, self._asker, self._known, self._types, self._cursor.text(), self._clock
            )
            self._compared_s = time.monotonic()
        heartbeat = Heartbeat(began, self._clock())
        await asyncio.to_thread(self._known.apply, (), began, self._cursor.text(), heartbeat)
        await self._tell("polling")

    async def _read_capability(self) -> None:
        """Which types the server has, and of which it tells the past (R4 capabilitystatement.html)."""
        told = (await self._asker.ask("metadata")).resource
        here: dict[str, set[str]] = {}
        for rest in told.get("rest") or ():
            for one in rest.get("resource") or ():
                here[one.get("type")] = {each.get("code") for each in one.get("interaction") or ()}
        wanted = self._source.types or TYPES
        types = tuple(one for one in wanted if "search-type" in here.get(one, ()))
        missing = [one for one in self._source.types if one not in types]
        if missing or not types:
            raise SourceDownError("type-missing")
        self._with_history = frozenset(one for one in types if "history-type" in here[one])
        self._types = types

    async def _load(self) -> None:
        """All of it: by export where there is one, else the first round's pages are the load."""
        self._began_s, self._done = time.monotonic(), 0
        if self._source.is_export_wanted:
            try:
                await self._export()
            except bulk.ExportLostError:
                _log.warning("%s has lost its export: loading page by page", self._source.name)
        since = dict(self._cursor.since)
        for type_ in self._types:
            if type_ not in since:
                await self._poll(type_, is_first=True)
        await self._keep(replace(self._cursor, is_loaded=True, export=None))

    async def _export(self) -> None:
        if all(type_ in self._cursor.since for type_ in self._types):
            return
        export = self._cursor.export or await bulk.kick_off(self._asker, self._types)
        if export is None:
            return
        await self._keep(replace(self._cursor, export=export))
        await self._tell("exporting")
        try:
            made = await bulk.manifest(self._asker, export)
            async for batch in bulk.batches(self._asker, export, made):
                self._cursor = replace(self._cursor, export=batch.export)
                await self._apply(batch.resources)
                await self._tell("loading")
        except bulk.ExportLostError:
            await self._keep(replace(self._cursor, export=None))
            raise
        await self._keep(replace(self._cursor, export=None, since=dict.fromkeys(self._types, made.at)))
        await bulk.clean_up(self._asker, export)

    async def _poll(self, type_: str, *, is_first: bool = False) -> None:
        """What of this type has changed, and what was deleted."""
        since = self._cursor.since.get(type_, "")
        after = _less(since, self._source.overlap_s)
        params = {"_sort": "_lastUpdated", "_count": str(self._source.page_count)}
        newest = since
        async for entries in pages(
            self._asker, type_, params | ({"_lastUpdated": f"ge{after}"} if after else {})
        ):
            found = matches(entries, type_)
            await self._apply(found)
            newest = max([newest, *_times(found)], key=_order)
            if is_first:
                await self._tell("loading")
        # What was deleted while a first load ran is found by the comparison that follows it.
        if after and type_ in self._with_history:
            await self._poll_deleted(type_, after)
        if newest != since or is_first:
            self._cursor = replace(self._cursor, since={**self._cursor.since, type_: newest})

    async def _poll_deleted(self, type_: str, after: str) -> None:
        """By the type's history, newest first (R4 http.html §3.1.0.12): an id's first entry is its state."""
        seen: set[str] = set()
        gone: list[tuple[str, str]] = []
        params = {"_since": after, "_count": str(self._source.page_count)}
        async for entries in pages(self._asker, f"{type_}/_history", params):
            for one in entries:
                foreign, is_deleted = _state(one, type_)
                if foreign and foreign not in seen:
                    seen.add(foreign)
                    gone += [(type_, foreign)] if is_deleted else []
        if gone:
            await asyncio.to_thread(self._known.delete, gone, self._clock(), self._cursor.text())

    async def _apply(self, resources: Any) -> None:
        self._done += len(resources)
        await asyncio.to_thread(self._known.apply, resources, self._clock(), self._cursor.text())

    async def _keep(self, cursor: Cursor) -> None:
        self._cursor = cursor
        await asyncio.to_thread(self._known.apply, (), self._clock(), cursor.text())

    async def _tell(self, phase: str, code: str = "") -> None:
        await asyncio.to_thread(tell, self._store, self._source.name, phase, code, self._done)
        if phase == "loading":
            rate = self._done / max(time.monotonic() - self._began_s, 0.001)
            _log.info("%s: %d resources loaded, %.0f/s", self._source.name, self._done, rate)

    def _is_compare_due(self) -> bool:
        """At the start too: nobody knows what was deleted meanwhile."""
        return self._compared_s is None or time.monotonic() - self._compared_s >= self._source.compare_s


def _state(entry: Entry, type_: str) -> tuple[str, bool]:
    """The id, and whether it is deleted, of an entry in a history."""
    request = entry.get("request") or {}
    if request.get("method") == "DELETE":
        # `Patient/1`, or with the version that is the deletion: `Patient/1/_history/3`.
        deleted = literals.parse(str(request.get("url", "")))
        return (deleted.id, True) if deleted and deleted.type == type_ else ("", False)
    resource = entry.get("resource")
    return (resource["id"], False) if is_resource(resource) and resource else ("", False)


def _times(resources: list[dict[str, Any]]) -> list[str]:
    times = (str((one.get("meta") or {}).get("lastUpdated")) for one in resources)
    return [one for one in times if instant_of(one)]


def _order(text: str) -> datetime:
    return instant_of(text) or datetime.min.replace(tzinfo=UTC)


def _less(text: str, seconds: float) -> str:
    at = instant_of(text)
    return _text(at - timedelta(seconds=seconds)) if at else ""


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
