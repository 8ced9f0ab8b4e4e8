"""The journal of one writer: what `append` has returned for is on this machine's disk, whatever comes.

One process writes a journal at a time; a lock says so, and the kernel lets go of it when the process dies.
Each start begins a new segment, so nothing is ever written behind an end that a crash has torn.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from altid.access.journal import segment as files
from altid.access.journal.sealed import START, Head, Sealer
from altid.access.journal.segment import Segment
from altid.access.journal.unavailable import Cause, JournalUnavailableError
from altid.access.secret import AccessSecret

LOCK = "lock"


class Journal:
    """Appended to by one thread, read and shortened by another."""

    def __init__(self, folder: Path, sealer: Sealer, lock: int, head: Head) -> None:
        self.folder, self.sealer = folder, sealer
        self._lock_file = lock
        self._head = head
        self._bytes = sum(one.path.stat().st_size for one in files.segments(folder))
        self._mark = os.open(folder / files.MARK, os.O_WRONLY | os.O_CLOEXEC)
        self._descriptor: int | None = None
        self._size = 0
        self._state = threading.Lock()

    @property
    def writer(self) -> str:
        return self.sealer.writer

    @property
    def head(self) -> Head:
        """The last event that is safe."""
        return self._head

    @property
    def size_bytes(self) -> int:
        """Of all segments that are on disk."""
        return self._bytes

    def append(self, bodies: Sequence[bytes], *, segment_bytes: int, bytes_max: int) -> None:
        """Write all and wait for the disk, once. Raises `OSError`, or `JournalUnavailableError` at the bound;
        then nothing of it counts."""
        if self._bytes >= bytes_max:
            raise JournalUnavailableError(Cause.FULL)
        if self._descriptor is None or self._size >= segment_bytes:
            self.rotate()
        assert self._descriptor is not None
        head, sealed = self._head, []
        for body in bodies:
            record, head = self.sealer.seal(head, body)
            sealed.append(record)
        data = b"".join(sealed)
        try:
            files.write_all(self._descriptor, data)
            os.fdatasync(self._descriptor)
        except OSError:
            self._give_up_segment()
            raise
        self._head = head
        self._size += len(data)
        self._add(len(data))
        os.pwrite(self._mark, files.mark_bytes(self.sealer, head.seq), 0)

    def rotate(self) -> None:
        """Go on in a new segment. Raises `OSError`, and then has none."""
        if self._descriptor is not None and self._size == files.HEADER_BYTES:
            return
        self._close_segment()
        # After a failure, or a start without an event, it takes the place of one without records.
        before_bytes = _size_of(Segment(self.folder, self._head.seq + 1).path)
        _segment, self._descriptor = files.create(self.folder, self.sealer, self._head)
        self._size = files.HEADER_BYTES
        self._add(files.HEADER_BYTES - before_bytes)

    def firsts(self) -> list[int]:
        """The number of each segment's first record."""
        return [one.first for one in files.segments(self.folder)]

    def release(self, seq: int) -> None:
        """Delete the segments that hold no event after `seq`; the newest stays."""
        known = files.segments(self.folder)
        for one, following in pairwise(known):
            if following.first > seq + 1:
                return
            size = _size_of(one.path)
            one.path.unlink()
            self._add(-size)

    def close(self) -> None:
        """Let another process have it."""
        self._close_segment()
        os.close(self._mark)
        os.close(self._lock_file)

    def _add(self, size: int) -> None:
        with self._state:
            self._bytes += size

    def _give_up_segment(self) -> None:
        """After a failure the kernel may think that pages are written which are not: never sync them again.

        What was written too much is cut off; where even that fails, the next segment's number tells that it
        does not count.
        """
        assert self._descriptor is not None
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        self._close_segment()

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def take(folder: Path, secret: AccessSecret, purpose: str) -> Journal | None:
    """Take a journal, made if it is missing, and cut what a crash has torn; None if a process has it.

    Raises `DamageError` or `OSError`.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = take_lock(folder)
    if lock is None:
        return None
    try:
        sealer = Sealer(secret, purpose, folder.name)
        known = files.segments(folder)
        if not known:
            _make(folder, sealer)
            return Journal(folder, sealer, lock, START)
        return Journal(folder, sealer, lock, _repair(folder, sealer, known))
    except BaseException:
        os.close(lock)
        raise


def take_lock(folder: Path) -> int | None:
    """The lock's descriptor; None if a process holds it."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _make(folder: Path, sealer: Sealer) -> None:
    """The first mark, and the first segment behind it."""
    descriptor = os.open(folder / files.MARK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        files.write_all(descriptor, files.mark_bytes(sealer, 0))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _segment, descriptor = files.create(folder, sealer, START)
    os.close(descriptor)
    files.sync_folder(folder.parent)


def _repair(folder: Path, sealer: Sealer, known: Sequence[Segment]) -> Head:
    """Find the end, and cut what is torn; the bytes are kept in a file of their own."""
    newest = known[-1]
    tail = files.read_tail(newest, sealer, files.read_mark(folder, sealer))
    if tail.torn_bytes:
        with newest.path.open("r+b") as file:
            file.seek(tail.good_bytes)
            (folder / files.TORN).write_bytes(file.read())
            file.truncate(tail.good_bytes)
            os.fsync(file.fileno())
    return tail.head
