"""A server's resources into the copy, and what is known of them: their versions as the server names them.

A copy's versions are numbers that only rise, but a server may name its versions as it likes, and a server
that was restored gives old ones again. So each answer that differs from what was known is a new version here:
what the server says now is what counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.lookup.beside.naming import Resource, adopted, own_id
from altid.lookup.beside.sources import FhirSource
from altid.lookup.beside.store import Store
from altid.lookup.change import Change, Heartbeat, Position

BATCH = 500
"""Resources in one transaction."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """Of `beside_known`."""

    type: str
    foreign_id: str
    version: str
    number: int


class Known:
    """Of one source."""

    def __init__(self, store: Store, source: FhirSource) -> None:
        self._store, self._source = store, source

    def position(self) -> Position:
        found = self._store.positions().get(self._source.name)
        return found or Position(self._source.name, "1", "")

    def apply(
        self, resources: Iterable[Resource], now: datetime, cursor: str, heartbeat: Heartbeat | None = None
    ) -> int:
        """Bring what differs into the copy, and move on; how many differed."""
        told = {(one["resourceType"], one["id"]): one for one in resources if is_resource(one)}
        made = list(self._fresh(list(told.values()), now))
        self._write([change for change, _ in made], [row for _, row in made], [], cursor, heartbeat)
        return len(made)

    def delete(self, gone: Sequence[tuple[str, str]], now: datetime, cursor: str) -> int:
        """Take out of the copy what the server no longer has, by type and the server's id."""
        rows = self.rows(gone)
        changes = [
            Change(row.type, own_id(self._source.name, row.foreign_id), row.number + 1, now, None)
            for row in rows.values()
        ]
        self._write(changes, [], list(rows), cursor, None)
        return len(changes)

    def rows(self, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
        """What is known of these."""
        found: dict[tuple[str, str], Row] = {}
        with self._store.reading() as connection:
            for type_, foreign in ids:
                row = connection.execute(_ROW, (self._source.name, type_, foreign)).fetchone()
                if row is not None:
                    found[type_, foreign] = Row(type_, foreign, row[0], row[1])
        return found

    def _fresh(self, resources: Sequence[Resource], now: datetime) -> Iterator[tuple[Change, Row]]:
        name = self._source.name
        rows = self.rows((one["resourceType"], one["id"]) for one in resources)
        for one in resources:
            type_, foreign = one["resourceType"], one["id"]
            version, known = version_of(one), rows.get((type_, foreign))
            if known is not None and known.version == version:
                continue
            at = updated_at(one) or now
            number = max(_micros(at), known.number + 1 if known else 0)
            body = json.dumps(adopted(one, name, self._source.url))
            yield (
                Change(type_, own_id(name, foreign), number, at, body),
                Row(type_, foreign, version, number),
            )

    def _write(
        self,
        changes: Sequence[Change],
        rows: Sequence[Row],
        gone: Sequence[tuple[str, str]],
        cursor: str,
        heartbeat: Heartbeat | None,
    ) -> None:
        name = self._source.name

        def also(connection: Any) -> None:
            connection.executemany(
                _PUT, [(name, row.type, row.foreign_id, row.version, row.number) for row in rows]
            )
            connection.executemany(_DELETE, [(name, *one) for one in gone])

        self._store.apply(changes, Position(name, self.position().epoch, cursor), heartbeat, also)


def is_resource(value: Any) -> bool:
    """Whether it has a type that FHIR R4 knows, and an id."""
    return (
        isinstance(value, dict)
        and value.get("resourceType") in resource_types()
        and isinstance(value.get("id"), str)
        and bool(value["id"])
    )


def version_of(resource: Resource) -> str:
    """The server's name of this version, with its time; of a server that names none, the content's digest."""
    meta = resource.get("meta") or {}
    if meta.get("versionId"):
        return f"{meta['versionId']}@{meta.get('lastUpdated', '')}"
    return f"#{hashlib.sha256(json.dumps(resource)).hexdigest()[:32]}"


def updated_at(resource: Resource) -> datetime | None:
    """`meta.lastUpdated`; None where the server gives none."""
    return instant_of((resource.get("meta") or {}).get("lastUpdated"))


def instant_of(text: Any) -> datetime | None:
    """A FHIR instant; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None


def _micros(at: datetime) -> int:
    return round((at - _EPOCH).total_seconds() * 1_000_000)


_ROW = "SELECT version, number FROM beside_known WHERE source = ? AND type = ? AND foreign_id = ?"
_PUT = """
INSERT INTO beside_known (source, type, foreign_id, version, number) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source, type, foreign_id) DO UPDATE SET version = excluded.version, number = excluded.number
"""
_DELETE = "DELETE FROM beside_known WHERE source = ? AND type = ? AND foreign_id = ?"
