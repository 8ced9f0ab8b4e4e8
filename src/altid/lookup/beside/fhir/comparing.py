"""Nothing may stay that the server has lost: all ids with their versions, held against what is known.

First all that the server lists is put down beside what is known. What it did not list is then asked for by
itself: it is taken out only if the server says that it is gone, never because of a page that was short. What
it has in another version is fetched.

A server that has suddenly lost most of what it had is more likely broken than right, and a copy that follows
it is lost just when it is needed. Then nothing is taken out, and the age of the data grows, until somebody
says that it is so (`altid opslag sources accept-loss`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from altid.lookup.beside.fhir.asking import Asker, SourceDownError
from altid.lookup.beside.fhir.known import Known, version_of
from altid.lookup.beside.fhir.paging import matches, pages
from altid.lookup.beside.store import Store

LISTED_COUNT = 1_000
FETCHED_COUNT = 50
"""Ids in one question; a URL must stay below 8 kB."""

LOST_SHARE_MAX = 0.5
"""Of what is known of a type."""
LOST_ANYWAY_MAX = 50
"""So many may be gone whatever their share."""

_log = logging.getLogger("altid.lookup.beside")


async def compare(
    store: Store, asker: Asker, known: Known, types: Sequence[str], cursor: str, clock: Callable[[], datetime]
) -> int:
    """How many differed, and no longer do. Raises `SourceDownError`."""
    mended = 0
    for type_ in types:
        await asyncio.to_thread(_begin, store, asker.source.name, type_)
        await _list(store, asker, type_)
        lost, other = await asyncio.to_thread(_differing, store, asker.source.name, type_)
        await asyncio.to_thread(_check_loss, store, asker.source.name, type_, len(lost))
        for place in range(0, len(other), FETCHED_COUNT):
            ids = ",".join(other[place : place + FETCHED_COUNT])
            async for entries in pages(asker, type_, {"_id": ids, "_count": str(FETCHED_COUNT)}):
                mended += await asyncio.to_thread(known.apply, matches(entries, type_), clock(), cursor)
        for foreign in lost:
            mended += await _look_at(asker, known, type_, foreign, cursor, clock)
        await asyncio.to_thread(_begin, store, asker.source.name, type_)
    await asyncio.to_thread(store.set_meta, accepted(asker.source.name), "")
    if mended:
        _log.warning("%s: %d resources differed from the server, and were mended", asker.source.name, mended)
    return mended


async def _list(store: Store, asker: Asker, type_: str) -> None:
    params = {"_elements": "id,meta", "_count": str(LISTED_COUNT), "_sort": "_lastUpdated"}
    async for entries in pages(asker, type_, params):
        rows = [
            (asker.source.name, type_, one["id"], version_of(one) if _has_version(one) else "")
            for one in matches(entries, type_)
            if isinstance(one.get("id"), str)
        ]
        await asyncio.to_thread(_put, store, rows)


async def _look_at(
    asker: Asker, known: Known, type_: str, foreign: str, cursor: str, clock: Callable[[], datetime]
) -> int:
    """What the server did not list."""
    answer = await asker.ask(f"{type_}/{foreign}", fine=(200, 404, 410))
    if answer.status == 200:
        return await asyncio.to_thread(known.apply, [answer.resource], clock(), cursor)
    return await asyncio.to_thread(known.delete, [(type_, foreign)], clock(), cursor)


def accepted(source: str) -> str:
    """Name of the small text that says that a great loss is so; good for one comparison."""
    return f"beside.accept-loss.{source}"


def _check_loss(store: Store, source: str, type_: str, lost: int) -> None:
    with store.reading() as connection:
        known = connection.execute(_COUNT, (source, type_)).fetchone()[0]
    if lost > max(LOST_ANYWAY_MAX, known * LOST_SHARE_MAX) and not store.meta(accepted(source)):
        raise SourceDownError("lost-too-much")


def _has_version(resource: dict[str, Any]) -> bool:
    return bool((resource.get("meta") or {}).get("versionId"))


def _begin(store: Store, source: str, type_: str) -> None:
    with store.writing() as connection:
        connection.execute("DELETE FROM beside_seen WHERE source = ? AND type = ?", (source, type_))


def _put(store: Store, rows: Sequence[tuple[str, str, str, str]]) -> None:
    with store.writing() as connection:
        connection.executemany("INSERT OR REPLACE INTO beside_seen VALUES (?, ?, ?, ?)", rows)


def _differing(store: Store, source: str, type_: str) -> tuple[list[str], list[str]]:
    with store.reading() as connection:
        lost = [row[0] for row in connection.execute(_LOST, (source, type_)).fetchall()]
        other = [row[0] for row in connection.execute(_OTHER, (source, type_)).fetchall()]
    return lost, other


_COUNT = "SELECT count(*) FROM beside_known WHERE source = ? AND type = ?"
_LOST = """
SELECT foreign_id FROM beside_known AS known WHERE source = ? AND type = ? AND NOT EXISTS (
  SELECT 1 FROM beside_seen AS seen WHERE seen.source = known.source AND seen.type = known.type
     AND seen.foreign_id = known.foreign_id)
"""
_OTHER = """
SELECT seen.foreign_id
  FROM beside_seen AS seen LEFT JOIN beside_known AS known USING (source, type, foreign_id)
 WHERE seen.source = ? AND seen.type = ?
   AND (known.version IS NULL OR (seen.version <> '' AND seen.version <> known.version))
"""
