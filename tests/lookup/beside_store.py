"""A stand-in for the copy, with just what the sources beside it need; the tables are the real ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from threading import RLock
from typing import Any

from altid.fhir import json
from altid.lookup.beside.store import Also
from altid.lookup.change import Change, Heartbeat, Position


class StandIn:
    """Keeps what was applied; a version that is not newer changes nothing."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        tables = resources.files("altid.lookup.tables").joinpath("40_beside.sql").read_text()
        self._connection.executescript(tables)
        self.changes: dict[tuple[str, str], Change] = {}
        self.heartbeats: dict[str, Heartbeat] = {}
        self._positions: dict[str, Position] = {}
        self._meta: dict[str, str] = {}
        self.applied = 0

    def apply(
        self,
        changes: Sequence[Change],
        position: Position,
        heartbeat: Heartbeat | None,
        also: Also | None = None,
    ) -> None:
        with self.writing() as connection:
            if also is not None:
                also(connection)
            for one in changes:
                known = self.changes.get((one.type, one.id))
                if known is None or known.version < one.version:
                    self.changes[one.type, one.id] = one
                    self.applied += 1
            self._positions[position.source] = position
            if heartbeat is not None:
                self.heartbeats[position.source] = heartbeat

    def positions(self) -> dict[str, Position]:
        return dict(self._positions)

    def resource(self, type_: str, id_: str) -> Change | None:
        return self.changes.get((type_, id_))

    def patient_resources(self, patient_id: str) -> Iterator[Change]:
        wanted = f"Patient/{patient_id}"
        for one in list(self.changes.values()):
            if one.body is None:
                continue
            resource = json.loads(one.body)
            subject = resource.get("subject") or resource.get("patient") or {}
            if f"{one.type}/{one.id}" == wanted or subject.get("reference") == wanted:
                yield one

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def meta(self, name: str) -> str | None:
        return self._meta.get(name)

    def set_meta(self, name: str, value: str) -> None:
        self._meta[name] = value

    def here(self) -> dict[str, dict[str, Any]]:
        """What is there now, by `Type/id`."""
        return {
            f"{type_}/{id_}": json.loads(one.body)
            for (type_, id_), one in self.changes.items()
            if one.body is not None
        }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
