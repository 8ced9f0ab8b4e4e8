"""The files of one writer's journal: segments of records, and the mark of what was acknowledged.

```
FOLDER/lock                     held by the process that writes, or ships, this journal
FOLDER/acknowledged             number of the last event whose recording was answered
FOLDER/00000000000000000001.journal   header | records...
FOLDER/torn                     what was cut off the newest segment at the last start
```

A segment appears under its name only with its whole header on disk. Only the end of the newest one can be
torn by a crash, and only behind the mark: everything else that does not open was altered.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from altid.access.journal.sealed import BadRecordError, Head, Record, Sealer
from altid.access.secret import equal

MARK = "acknowledged"
TORN = "torn"
_SUFFIX = ".journal"
_MAGIC = b"ALTIDAU1"
_HEADER = struct.Struct(">8sQ32s32s")
HEADER_BYTES = _HEADER.size
_MARK = struct.Struct(">Q32s")
_NUMBER = struct.Struct(">Q")
_CHUNK_BYTES = 1024 * 1024


class DamageError(Exception):
    """The journal was altered, or lost bytes that were safely written. The message names file and place."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file, by the number of its first event."""

    folder: Path
    first: int

    @property
    def path(self) -> Path:
        return self.folder / f"{self.first:020}{_SUFFIX}"


def segments(folder: Path) -> list[Segment]:
    """All segments, the oldest first."""
    names = [path.stem for path in folder.glob(f"*{_SUFFIX}")]
    return sorted((Segment(folder, int(name)) for name in names if name.isdigit()), key=lambda one: one.first)


def create(folder: Path, sealer: Sealer, before: Head) -> tuple[Segment, int]:
    """A new segment for the events after `before`; gives it and a descriptor to append with."""
    segment = Segment(folder, before.seq + 1)
    fresh = folder / "new"
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        write_all(descriptor, _header(sealer, before))
        os.fsync(descriptor)
        fresh.rename(segment.path)
        sync_folder(folder)
    except BaseException:
        os.close(descriptor)
        fresh.unlink(missing_ok=True)
        raise
    return segment, descriptor


def read_header(segment: Segment, sealer: Sealer) -> Head:
    """What the segment's first event follows. Raises `DamageError`."""
    with segment.path.open("rb") as file:
        data = file.read(_HEADER.size)
    if len(data) == _HEADER.size:
        seq, hash_ = _HEADER.unpack(data)[1:3]
        before = Head(seq, hash_)
        if equal(data, _header(sealer, before)) and seq + 1 == segment.first:
            return before
    raise DamageError(f"{segment.path}: its beginning was altered")


def _header(sealer: Sealer, before: Head) -> bytes:
    mac = sealer.mark(b"header", _NUMBER.pack(before.seq), before.hash)
    return _HEADER.pack(_MAGIC, before.seq, before.hash, mac)


def write_all(descriptor: int, data: bytes) -> None:
    """A write may take less than it was given, when the disk gets full."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """So that names in it survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mark_bytes(sealer: Sealer, seq: int) -> bytes:
    """The mark's content."""
    return _MARK.pack(seq, sealer.mark(b"acknowledged", _NUMBER.pack(seq)))


def read_mark(folder: Path, sealer: Sealer) -> int:
    """The number of the last event that was acknowledged. Raises `DamageError`."""
    path = folder / MARK
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DamageError(f"{path} is missing") from None
    if len(data) != _MARK.size or not equal(data, mark_bytes(sealer, _MARK.unpack(data)[0])):
        raise DamageError(f"{path} was altered")
    seq: int = _MARK.unpack(data)[0]
    return seq


@dataclass(frozen=True, slots=True)
class Damage:
    """A segment that does not open from some byte on."""

    path: Path
    offset: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}, byte {self.offset}: {self.what}"


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a journal ends: its head, and how many bytes of the newest segment are good."""

    head: Head
    good_bytes: int
    torn_bytes: int


def read_tail(segment: Segment, sealer: Sealer, acknowledged: int) -> Tail:
    """Read the newest segment to its end. Raises `DamageError` if anything acknowledged is not there."""
    head = read_header(segment, sealer)
    data = segment.path.read_bytes()
    offset = _HEADER.size
    while offset < len(data):
        try:
            record, offset = sealer.open(data, offset, head)
        except BadRecordError as error:
            if head.seq < acknowledged:
                raise DamageError(f"{segment.path}, byte {offset}: {error}") from None
            break
        head = record.head
    if head.seq < acknowledged:
        raise DamageError(f"{segment.path}: its end is missing, events {head.seq + 1} to {acknowledged}")
    return Tail(head, offset, len(data) - offset)


class Reader:
    """Reads the records of a journal in order, also while it is written. What can't be opened is told in
    `damages`, and reading goes on with the next segment."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder, self._sealer = folder, sealer
        self._segment: Segment | None = None
        self._offset = 0
        self.head = Head(0, b"")
        """The record that was read last."""
        self.damages: list[Damage] = []

    def skip_to(self, seq: int) -> None:
        """Let the next record be the one after `seq`, if the journal still has it, else its oldest one."""
        known = segments(self._folder)
        begun = [one for one in known if one.first <= seq + 1]
        if not known:
            return
        self._enter(begun[-1] if begun else known[0], known)
        while self.head.seq < seq and self._some(seq, 1024):
            pass

    def read(self, upto: int, count_max: int) -> list[Record]:
        """The next records, no later than number `upto`, which must be on disk; none at the end."""
        while True:
            found = self._some(upto, count_max)
            if found or self.head.seq >= upto or not self._forward():
                return found

    def _some(self, upto: int, count_max: int) -> list[Record]:
        """Records of the present segment."""
        if self._segment is None:
            return []
        after = [one.first for one in segments(self._folder) if one.first > self._segment.first]
        upto = min([upto, *(first - 1 for first in after[:1])])
        if self.head.seq >= upto:
            return []  # the file may have been deleted since
        with self._segment.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(_CHUNK_BYTES)
        found: list[Record] = []
        place = 0
        while self.head.seq < upto and len(found) < count_max:
            try:
                record, place = self._sealer.open(data, place, self.head)
            except BadRecordError as error:
                if not (error.short and found):
                    self._damaged(self._segment, self._offset + place, str(error))
                break
            self.head = record.head
            found.append(record)
        self._offset += place
        return found

    def _damaged(self, segment: Segment, offset: int, what: str) -> None:
        """Told once, however often it is come by."""
        damage = Damage(segment.path, offset, what)
        if damage not in self.damages:
            self.damages.append(damage)

    def _forward(self) -> bool:
        """Enter the next segment, if there is one."""
        known = segments(self._folder)
        later = [one for one in known if self._segment is None or one.first > self._segment.first]
        if not later:
            return False
        self._enter(later[0], known)
        return True

    def _enter(self, segment: Segment, known: list[Segment]) -> None:
        for one in known[known.index(segment) :]:
            try:
                self.head, self._segment, self._offset = read_header(one, self._sealer), one, _HEADER.size
            except DamageError:
                self._damaged(one, 0, "its beginning was altered")
                self._segment = one
            else:
                return
