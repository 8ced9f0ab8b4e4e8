"""Sessions on the file of a copy: one that writes, and one a thread that reads.

The file can be changed for another under way (`switch`): each thread then closes its old session itself, at
its next question, since nobody else may while it reads.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlite

from altid.lookup import file
from altid.lookup.damage import CopyDamagedError, CopyFullError, WrongKeyError
from altid.lookup.file import Connection


class _Reader:
    """A thread's session; closed when the thread is gone."""

    def __init__(self, connection: Connection, generation: int) -> None:
        self.connection, self.generation = connection, generation
        self.close = weakref.finalize(self, connection.close)


class Sessions:
    """On one file. `reading` and `writing` may be used in any thread."""

    def __init__(self, path: Path, key: bytes, writer: Connection) -> None:
        self.path, self.key = path, key
        self.on_damage: Callable[[], None] = lambda: None
        """Called, in whatever thread it was found, when the file turns out not to be whole."""
        self._writer: Connection | None = writer
        self._lock = threading.RLock()
        self._local = threading.local()
        self._generation = 0

    def close(self) -> None:
        """Nothing can be asked after this. The sessions of threads are closed as those end."""
        with self._lock:
            self._generation += 1
            self._local = threading.local()
            self._close_writer()

    def switch(self, prepare: Callable[[], Connection]) -> None:
        """Leave the file, and go on with the writing session that `prepare` makes: meanwhile nobody writes,
        and whoever begins to read waits."""
        with self._lock:
            self._close_writer()
            self._generation += 1
            self._writer = prepare()

    def checkpoint(self) -> None:
        """Bring all of the write-ahead log into the file, and cut it."""
        with self._lock, self._telling(), _full():
            if self._writer is not None:
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A session that only reads. Raises `CopyDamagedError`."""
        with self._telling():
            yield self._reader()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A session that only reads, for one long task. Raises `CopyDamagedError`."""
        with self._telling():
            connection = self._connect()
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone: kept at the end, or undone if anything is raised. Raises
        `CopyDamagedError`, `CopyFullError`."""
        with self._lock, self._telling():
            writer = self._writer
            if writer is None:
                raise CopyDamagedError
            with _full():
                writer.execute("BEGIN IMMEDIATE")
            try:
                with _full():
                    yield writer
                    writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite.Error):  # SQLite may have done so by itself
                    writer.execute("ROLLBACK")
                raise

    def _reader(self) -> Connection:
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None or reader.generation != self._generation:
            if reader is not None:
                reader.close()
            with self._lock:
                connection = self._connect()
                reader = self._local.reader = _Reader(connection, self._generation)
        return reader.connection

    def _connect(self) -> Connection:
        try:
            return file.connect(self.path, self.key, reads_only=True)
        except (WrongKeyError, FileNotFoundError):
            raise CopyDamagedError from None  # it was the right one when we came

    def _close_writer(self) -> None:
        if self._writer is not None:
            with suppress(sqlite.Error):
                self._writer.close()
            self._writer = None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except CopyDamagedError:
            self.on_damage()
            raise
        except sqlite.DatabaseError as error:
            if not file.is_damage(error):
                raise
            self.on_damage()
            raise CopyDamagedError from None


@contextmanager
def _full() -> Iterator[None]:
    try:
        yield
    except sqlite.OperationalError as error:
        if file.is_damage(error):
            raise
        raise CopyFullError from None
