"""The copy that Opslag answers from: one encrypted file, one writer, as many readers as there are threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlcipher3 import dbapi2 as sqlite

from altid.lookup import file, finding
from altid.lookup.applying import Applying
from altid.lookup.beds import KINDS as BED_KINDS
from altid.lookup.beds import SHOWN_OF_OTHERS, Beds
from altid.lookup.change import Change, Digest, Heartbeat, Position
from altid.lookup.charts import KINDS, read_chart
from altid.lookup.damage import CopyDamagedError
from altid.lookup.file import Connection
from altid.lookup.finding import Found, WardRow
from altid.lookup.rows import Row, change_of, part_of, row_of
from altid.lookup.sessions import Sessions
from altid.screen.views.chart import Chart
from altid.screen.views.unconfirmed import unconfirmed_of
from altid.screen.views.ward import Bed, bed_of, by_bed

Also = Callable[[Connection], None]
"""Runs in the same transaction as the changes that it comes with."""


class Copy:
    """Open with `open` or `create`, and `close`. Everything but `close` may be called from any thread.

    Reading raises `CopyDamagedError` where the file turns out not to be whole; writing that, or
    `CopyFullError`.
    """

    def __init__(self, path: Path, key: bytes, writer: Connection) -> None:
        self.path = path
        self.sessions = Sessions(path, key, writer)
        self._heartbeats = _heartbeats(writer)
        self._beds = Beds()

    @classmethod
    def create(cls, path: Path, key: bytes) -> Self:
        """A new, empty copy. Raises `FileExistsError`, `OSError`."""
        return cls(path, key, file.create(path, key))

    @classmethod
    def open(cls, path: Path, key: bytes) -> Self:
        """Raises `CopyDamagedError`, `WrongKeyError`, `OSError`."""
        return cls(path, key, file.connect_ready(path, key))

    @classmethod
    def open_spare(cls, path: Path, key: bytes) -> tuple[Self, bool]:
        """Instead of a file that is damaged: its spare, as old as that is, or an empty copy. Whether there
        was a spare. Raises `OSError`."""
        writer, had_spare = file.go_on_with_spare(path, key)
        return cls(path, key, writer), had_spare

    def close(self) -> None:
        """After this nothing of it can be used."""
        self.sessions.close()

    def recover(self) -> bool:
        """Put the damaged file aside and go on with the spare, as old as that is; without a good one, with an
        empty file. Whether there was a good spare. Raises `OSError`."""
        had_spare = False

        def prepare() -> Connection:
            nonlocal had_spare
            writer, had_spare = file.go_on_with_spare(self.path, self.sessions.key)
            self._heartbeats = _heartbeats(writer)
            return writer

        self.sessions.switch(prepare)
        self._beds.clear()
        return had_spare

    def save(self) -> None:
        """Make the spare what the copy is now; the one before is there until the new one was read whole.
        Raises `CopyDamagedError`, `OSError`."""
        with self.sessions.alone() as connection:
            file.save(connection, file.spare_of(self.path), self.sessions.key)

    def is_whole(self) -> bool:
        """Reads the whole file: for the background."""
        try:
            with self.sessions.alone() as connection:
                return file.is_whole(connection)
        except CopyDamagedError:
            return False

    # What others keep in the same file

    def reading(self) -> AbstractContextManager[Connection]:
        """A session of this thread that only reads."""
        return self.sessions.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction, alone: kept at the end, or undone if anything is raised."""
        return self.sessions.writing()

    # What it is fed with

    def apply(
        self,
        changes: Sequence[Change],
        position: Position,
        heartbeat: Heartbeat | None = None,
        also: Also | None = None,
        *,
        only: Collection[str] | None = None,
    ) -> int:
        """Take changes and how far they bring it, all or none. What is there as new already stays. `only`: of
        these patients, and of nobody. How many were new.

        Raises `ValueError` for a change that is no resource.
        """
        rows = _rows(changes, only)
        with self._taking(position.source, rows) as applying:
            for row in rows:
                applying.put(row)
            connection = applying.connection
            connection.execute(_SET_POSITION, (position.source, position.epoch, position.cursor))
            if heartbeat is not None:
                connection.execute(_SET_HEARTBEAT, _told(position.source, heartbeat))
            if also is not None:
                also(connection)
        if heartbeat is not None:
            self._heartbeats = {**self._heartbeats, position.source: heartbeat}
        return applying.new

    def load(
        self,
        changes: Sequence[Change],
        source: str,
        meta: Mapping[str, str],
        *,
        only: Collection[str] | None = None,
    ) -> None:
        """Take a page of a first load, and note with it how far that has come."""
        rows = _rows(changes, only)
        with self._taking(source, rows) as applying:
            for row in rows:
                applying.put(row)
            applying.connection.executemany(SET_META, list(meta.items()))

    def replace_parts(self, source: str, parts: Collection[int], changes: Sequence[Change]) -> int:
        """Make some groups what the source says that they are: what it does not name is taken away. How many
        resources were not as it says."""
        return self._replace(source, parts, None, changes)

    def replace_patient(self, source: str, patient: str, changes: Sequence[Change]) -> int:
        """Make one patient's record what the source says that it is; as `replace_part`."""
        return self._replace(source, (part_of(patient),), patient, changes)

    def forget(self, patients: Sequence[str]) -> None:
        """Take away all of these patients, each in a transaction of its own."""
        for patient in patients:
            with self._taking("", ()) as applying:
                applying.forget(patient, part_of(patient))

    def set_heartbeat(self, source: str, heartbeat: Heartbeat) -> None:
        with self.writing() as connection:
            connection.execute(_SET_HEARTBEAT, _told(source, heartbeat))
        self._heartbeats = {**self._heartbeats, source: heartbeat}

    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """The last sign of life of each source, by name."""
        return self._heartbeats

    def heartbeat(self) -> Heartbeat | None:
        """Of the source that is furthest behind; None: never, so the age of what is here is not known."""
        return min(self._heartbeats.values(), key=lambda beat: beat.at, default=None)

    def positions(self) -> Mapping[str, Position]:
        with self.reading() as connection:
            rows = connection.execute("SELECT name, epoch, cursor FROM source").fetchall()
        return {name: Position(name, epoch, cursor) for name, epoch, cursor in rows}

    def digests(self, source: str) -> Mapping[int, Digest]:
        """By group of patients; one that has nothing is missing."""
        with self.reading() as connection:
            rows = connection.execute(_DIGESTS, (source,)).fetchall()
        return {part: Digest(count, value) for part, count, value in rows}

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

    def make_beds(self) -> int:
        """Make the rows of wards that are not there, before somebody asks. How many."""
        with self.reading() as connection:
            lying = finding.lying(connection)
            self._beds.keep_only(lying)
            missing = self._beds.missing(lying)
        for patient in missing:
            with self.reading() as connection:  # each by itself: nobody who writes waits for all
                self._bed(connection, patient)
        return len(missing)

    def search(self, text: str) -> Sequence[Found]:
        """Who fits every word: at most `FOUND_MAX`."""
        with self.reading() as connection:
            return finding.search(connection, text, datetime.now(UTC))

    def patients(self) -> frozenset[str]:
        """Ids of all whom it has."""
        with self.reading() as connection:
            return frozenset(row[0] for row in connection.execute(_PATIENTS))

    def resource(self, type_: str, id_: str) -> Change | None:
        """What is there now; its body is None where it was deleted."""
        with self.reading() as connection:
            row = connection.execute(_RESOURCE, (type_, id_)).fetchone()
        return None if row is None else change_of(*row)

    def patient_resources(self, patient: str) -> Iterator[Change]:
        """All that is there of a patient, the patient's own included."""
        with self.reading() as connection:
            rows = connection.execute(_OF_PATIENT, (part_of(patient), patient)).fetchall()
        return (change_of(*row) for row in rows)

    def meta(self, name: str) -> str | None:
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_meta(self, name: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute(SET_META, (name, value))

    def _replace(
        self, source: str, parts: Collection[int], patient: str | None, changes: Sequence[Change]
    ) -> int:
        rows = _rows(changes, None)
        named = {(row.type, row.id) for row in rows}
        with self._taking(source, rows) as applying:
            gone = sum(applying.retain(part, named, patient) for part in parts)
            for row in rows:
                applying.put(row, again=True)
        return gone + applying.new

    @contextmanager
    def _taking(self, source: str, rows: Sequence[Row]) -> Iterator[Applying]:
        """One transaction; after it the rows of wards are dropped that it has changed."""
        with self.writing() as connection:
            applying = Applying(connection, source)
            yield applying
            applying.finish()
        if "" in applying.touched and any(row.type in SHOWN_OF_OTHERS for row in rows):
            self._beds.clear()
        else:
            self._beds.drop(applying.touched)

    def _bed(self, connection: Connection, patient: str) -> Bed | None:
        def made() -> Bed | None:
            chart = read_chart(connection, patient, datetime.now(UTC), BED_KINDS)
            return None if chart is None else bed_of(chart, len(unconfirmed_of(chart).orders))

        return self._beds.get(patient, made)


def _rows(changes: Sequence[Change], only: Collection[str] | None) -> list[Row]:
    rows = [row_of(change) for change in changes]
    if only is None:
        return rows
    return [row for row in rows if not row.patient or not {row.patient, *row.others}.isdisjoint(only)]


def _heartbeats(connection: Connection) -> Mapping[str, Heartbeat]:
    try:
        rows = connection.execute("SELECT source, at, received FROM heartbeat").fetchall()
    except sqlite.DatabaseError as error:
        if file.is_damage(error):
            connection.close()
            raise CopyDamagedError from None
        return {}
    return {
        source: Heartbeat(datetime.fromisoformat(at), datetime.fromisoformat(received))
        for source, at, received in rows
    }


def _told(source: str, heartbeat: Heartbeat) -> tuple[str, str, str]:
    return source, heartbeat.at.isoformat(), heartbeat.received.isoformat()


SET_META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
"""Of (name, value), for whoever notes something with what is applied."""
_SET_POSITION = "INSERT OR REPLACE INTO source VALUES (?, ?, ?)"
_SET_HEARTBEAT = "INSERT OR REPLACE INTO heartbeat VALUES (?, ?, ?)"
_DIGESTS = "SELECT part, count, value FROM digest WHERE source = ? AND count > 0"
_PATIENTS = "SELECT id FROM resource WHERE type = 'Patient' AND body IS NOT NULL"
_RESOURCE = "SELECT type, id, version, at, body FROM resource WHERE type = ? AND id = ?"
_OF_PATIENT = """
SELECT type, id, version, at, body FROM resource WHERE part = ? AND patient = ? AND body IS NOT NULL
"""
