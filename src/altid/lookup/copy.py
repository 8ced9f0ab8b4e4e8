"""The copy that Opslag answers from: one encrypted file, one writer, as many readers as there are threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlcipher3 import dbapi2 as sqlite

from altid.lookup import file, finding
from altid.lookup.applying import put, remove
from altid.lookup.change import Change, Digest, Heartbeat, Position
from altid.lookup.charts import KINDS, read_chart
from altid.lookup.damage import CopyDamagedError, CopyFullError
from altid.lookup.file import Connection
from altid.lookup.finding import Found, WardRow
from altid.lookup.rows import row_of
from altid.screen.views.chart import Chart
from altid.screen.views.unconfirmed import unconfirmed_of
from altid.screen.views.ward import Bed, bed_of, by_bed

_HEARTBEAT, _RECEIVED = "heartbeat", "heartbeat-received"
_FULL = (sqlite.OperationalError, OSError)


class Copy:
    """Open with `open` or `create`, and `close`. Everything but `close` may be called from any thread.

    Reading raises `CopyDamagedError` where the file turns out not to be whole; writing that, or
    `CopyFullError`.
    """

    def __init__(self, path: Path, key: bytes, writer: Connection) -> None:
        self.path = path
        self._key, self._writer = key, writer
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[Connection] = []
        self._heartbeat = _read_heartbeat(writer)
        self._beds: dict[str, Bed] = {}
        self._beds_lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, key: bytes) -> Self:
        """A new, empty copy. Raises `FileExistsError`, `OSError`."""
        return cls(path, key, file.create(path, key))

    @classmethod
    def open(cls, path: Path, key: bytes) -> Self:
        """Raises `CopyDamagedError`, `WrongKeyError`, `OSError`."""
        writer = file.connect(path, key)
        try:
            file.make_tables(writer)
            return cls(path, key, writer)
        except sqlite.OperationalError:
            return cls(path, key, writer)  # a full disk: what is there can still be shown
        except sqlite.DatabaseError:
            writer.close()
            raise CopyDamagedError from None

    def close(self) -> None:
        """After this nothing of it can be used."""
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()

    # What others keep in the same file

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A session of this thread that only reads."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = file.connect(self.path, self._key, reads_only=True)
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        with _damage():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone: kept at the end, or undone if anything is raised."""
        with self._lock, _damage():
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except _FULL as error:
                raise CopyFullError from error
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite.OperationalError) and not _is_damage(error):
                    raise CopyFullError from error
                raise

    def _roll_back(self) -> None:
        try:
            self._writer.execute("ROLLBACK")
        except sqlite.Error:
            return  # SQLite has done so by itself

    # What it is fed with

    def apply(
        self,
        changes: Sequence[Change],
        position: Position,
        heartbeat: Heartbeat | None = None,
        *,
        again: bool = False,
    ) -> int:
        """Take changes and how far they bring it, all or none. What is there as new already stays; `again`:
        takes also what is older, from a source whose past has changed. How many were new.

        Raises `ValueError` for a change that is no resource.
        """
        rows = [row_of(change) for change in changes]
        with self.writing() as connection:
            new = [row for row in rows if put(connection, row, position.source, again=again)]
            connection.execute(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?)",
                (position.source, position.epoch, position.cursor),
            )
            if heartbeat is not None:
                _write_heartbeat(connection, heartbeat)
        self._changed({patient for row in new for patient in (row.patient, *row.others)})
        if heartbeat is not None:
            self._heartbeat = heartbeat
        return len(new)

    def replace_part(self, source: str, part: int, changes: Sequence[Change]) -> None:
        """Make one group of patients what the source says that it is: what it does not name is taken away."""
        rows = [row_of(change) for change in changes]
        named = {(row.type, row.id) for row in rows}
        with self.writing() as connection:
            there = connection.execute(
                "SELECT type, id, patient FROM resource WHERE part = ? AND source = ?", (part, source)
            ).fetchall()
            for type_, id_, _ in there:
                if (type_, id_) not in named:
                    remove(connection, type_, id_)
            for row in rows:
                put(connection, row, source, again=True)
        self._changed({row[2] for row in there} | {row.patient for row in rows})

    def forget(self, patients: Sequence[str]) -> None:
        """Take away all of these patients."""
        with self.writing() as connection:
            for patient in patients:
                rows = connection.execute(
                    "SELECT type, id FROM resource WHERE patient = ?", (patient,)
                ).fetchall()
                for type_, id_ in rows:
                    remove(connection, type_, id_)
        self._changed(set(patients))

    def set_heartbeat(self, heartbeat: Heartbeat) -> None:
        with self.writing() as connection:
            _write_heartbeat(connection, heartbeat)
        self._heartbeat = heartbeat

    def heartbeat(self) -> Heartbeat | None:
        """The last sign of life of the source; None: never, so the age of what is here is not known."""
        return self._heartbeat

    def positions(self) -> Mapping[str, Position]:
        with self.reading() as connection:
            rows = connection.execute("SELECT name, epoch, cursor FROM source").fetchall()
        return {name: Position(name, epoch, cursor) for name, epoch, cursor in rows}

    def digests(self, source: str) -> Mapping[int, Digest]:
        """By group of patients; one that has nothing is missing."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT part, count, value FROM digest WHERE source = ? AND count > 0", (source,)
            ).fetchall()
        return {part: Digest(count, value) for part, count, value in rows}

    def patients(self) -> frozenset[str]:
        """Ids of all whom it has."""
        with self.reading() as connection:
            rows = connection.execute("SELECT id FROM resource WHERE type = 'Patient' AND body IS NOT NULL")
            return frozenset(row[0] for row in rows)

    # What it answers

    def chart(self, patient: str, kinds: Sequence[str] = KINDS) -> Chart | None:
        """A patient's chart; None where there is no such patient here."""
        with self.reading() as connection:
            return read_chart(connection, patient, datetime.now(UTC), kinds)

    def wards(self) -> Sequence[WardRow]:
        with self.reading() as connection:
            return finding.wards(connection)

    def ward(self, ward: str) -> Sequence[Bed]:
        """Who lies there, in the order of the beds."""
        with self.reading() as connection:
            rows = [self._bed(connection, patient) for patient in finding.lying_in(connection, ward)]
        return by_bed(row for row in rows if row is not None)

    def search(self, text: str) -> Sequence[Found]:
        """Who fits every word: at most `FOUND_MAX`."""
        with self.reading() as connection:
            return finding.search(connection, text, datetime.now(UTC))

    def meta(self, name: str) -> str | None:
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_meta(self, name: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def is_whole(self) -> bool:
        """Reads the whole file, on a session of its own: for the background."""
        connection = file.connect(self.path, self._key, reads_only=True)
        try:
            return file.is_whole(connection)
        finally:
            connection.close()

    def _bed(self, connection: Connection, patient: str) -> Bed | None:
        with self._beds_lock:
            known = self._beds.get(patient)
        if known is not None:
            return known
        chart = read_chart(connection, patient, datetime.now(UTC), _BED_KINDS)
        if chart is None:
            return None
        made = bed_of(chart, len(unconfirmed_of(chart).orders))
        with self._beds_lock:
            self._beds[patient] = made
        return made

    def _changed(self, patients: set[str]) -> None:
        """Rows of wards are made anew of whom something has changed; of all where a place or a drug has."""
        with self._beds_lock:
            if "" in patients:
                self._beds.clear()
            for patient in patients:
                self._beds.pop(patient, None)


_BED_KINDS = (
    "Encounter",
    "AllergyIntolerance",
    "Flag",
    "Consent",
    "MedicationRequest",
    "ServiceRequest",
    "Task",
)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except sqlite.DatabaseError as error:
        if _is_damage(error):
            raise CopyDamagedError from None
        raise


def _is_damage(error: Exception) -> bool:
    said = str(error)
    return any(word in said for word in ("malformed", "not a database", "disk I/O error", "corrupt"))


def _read_heartbeat(connection: Connection) -> Heartbeat | None:
    try:
        rows = dict(
            connection.execute("SELECT name, value FROM meta WHERE name LIKE 'heartbeat%'").fetchall()
        )
    except sqlite.DatabaseError:
        return None
    if _HEARTBEAT not in rows:
        return None
    return Heartbeat(datetime.fromisoformat(rows[_HEARTBEAT]), datetime.fromisoformat(rows[_RECEIVED]))


def _write_heartbeat(connection: Connection, heartbeat: Heartbeat) -> None:
    rows = [(_HEARTBEAT, heartbeat.at.isoformat()), (_RECEIVED, heartbeat.received.isoformat())]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
