"""The archived log: segments, timelines, and how far it goes without a gap.

A segment's name is its timeline and its number, in hexadecimal (24 digits). After a failover the log goes on
under a new timeline, whose history file says where it left the old one.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SEGMENT_BYTES = 16 * 1024 * 1024
"""initdb's size, which Altid doesn't change."""

PARTIAL, PACKED = ".partial", ".gz"

_PACK_LEVEL = 1
"""Log shrinks to a fifth at the quickest level; the better ones take thrice the time for a tenth less."""

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})000000([0-9A-F]{2})")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_SWITCH = re.compile(r"\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One segment of the log; in order of number first."""

    number: int
    timeline: int

    @property
    def name(self) -> str:
        return f"{self.timeline:08X}{self.number >> 8:08X}{self.number & 0xFF:08X}"

    @staticmethod
    def of(name: str) -> Segment | None:
        """The segment of a file's name (also of a packed or partial one); None of another file's."""
        match = _SEGMENT.fullmatch(name.removesuffix(PACKED).removesuffix(PARTIAL))
        if match is None:
            return None
        return Segment(int(match[2], 16) << 8 | int(match[3], 16), int(match[1], 16))


@dataclass(frozen=True, slots=True)
class Archive:
    """What the folders hold: complete segments, the newest that is still arriving, and histories."""

    complete: Mapping[Segment, Path]
    arriving: Mapping[Segment, Path]
    histories: Mapping[int, tuple[tuple[int, int], ...]]
    """For each timeline, its ancestors and the position at which each was left."""

    def line(self) -> list[tuple[int, int, int | None]]:
        """The newest timeline with its ancestors, oldest first: timeline, first position, position left."""
        newest = max([*self.histories, *(segment.timeline for segment in self.segments)], default=1)
        begins, line = 0, []
        for timeline, left in self.histories.get(newest, ()):
            line.append((timeline, begins, left))
            begins = left
        return [*line, (newest, begins, None)]

    @property
    def segments(self) -> set[Segment]:
        return {*self.complete, *self.arriving}

    def run_from(self, position: int) -> tuple[list[Segment], bool]:
        """The segments from the one that holds the position, without a gap; and whether none lies beyond."""
        line, found = self.line(), []
        number = position // SEGMENT_BYTES
        while segment := self._serving(number, line):
            found.append(segment)
            number += 1
        newest = max((segment.number for segment in self.segments), default=-1)
        return found, bool(found) and found[-1].number >= newest

    def _serving(self, number: int, line: list[tuple[int, int, int | None]]) -> Segment | None:
        """The segment that recovery takes for this number: of the newest timeline that has begun by then."""
        for timeline, begins, left in reversed(line):
            if begins // SEGMENT_BYTES > number or (left is not None and left // SEGMENT_BYTES < number):
                continue
            segment = Segment(number, timeline)
            if segment in self.complete or segment in self.arriving:
                return segment
        return None

    def path(self, segment: Segment) -> Path:
        return self.complete.get(segment) or self.arriving[segment]


def read_archive(folder: Path) -> Archive:
    """What the backup folder's `wal` and `incoming` hold now."""
    complete: dict[Segment, Path] = {}
    arriving: dict[Segment, Path] = {}
    histories = {}
    for path in [*_files(folder / "incoming"), *_files(folder / "wal")]:
        if match := _HISTORY.fullmatch(path.name):
            histories[int(match[1], 16)] = parse_history(path.read_text())
        elif segment := Segment.of(path.name):
            (arriving if PARTIAL in path.name else complete)[segment] = path
    for segment in complete:
        arriving.pop(segment, None)
    return Archive(complete, arriving, histories)


def parse_history(text: str) -> tuple[tuple[int, int], ...]:
    """The lines of a history file: each ancestor, and the position at which it was left."""
    matches = (_SWITCH.match(line) for line in text.splitlines())
    return tuple((int(match[1]), position(match[2])) for match in matches if match)


def position(text: str) -> int:
    """The number of a position as PostgreSQL writes it: "0/3000028"."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def shelve(folder: Path) -> int:
    """Pack what has arrived completely and is followed by more, from `incoming` into `wal`; gives how many.

    The newest stays: from it pg_receivewal knows where to go on. Can be stopped at any point and run again.
    """
    incoming, shelf = folder / "incoming", folder / "wal"
    found = {path: Segment.of(path.name) for path in _files(incoming)}
    newest = max((segment for segment in found.values() if segment), default=None)
    done = 0
    for path, segment in found.items():
        if segment is None:
            _keep_history(path, shelf)
        elif segment != newest and not path.name.endswith(PARTIAL):
            pack(path, shelf / (segment.name + PACKED))
            done += 1
        elif newest and segment.timeline < newest.timeline and segment.number < newest.number:
            path.replace(folder / "aside" / path.name)  # its timeline was left, and the newer one holds it
    return done


def shelve_all(folder: Path) -> None:
    """Put everything away, the unfinished too: what comes next does not follow on it."""
    for path in _files(folder / "incoming"):
        segment = Segment.of(path.name)
        if segment is None:
            _keep_history(path, folder / "wal")
        else:
            pack(path, folder / "wal" / (path.name + PACKED))


def set_aside(folder: Path, timeline: int, left: int) -> int:
    """Move away what lies past the position at which the timeline was left; gives how many segments.

    Such log reached the archive and not the site that leads now, so nobody was told that it is safe.
    """
    moved = 0
    for path in [*_files(folder / "incoming"), *_files(folder / "wal")]:
        segment = Segment.of(path.name)
        if segment and segment.timeline == timeline and segment.number >= left // SEGMENT_BYTES:
            path.replace(folder / "aside" / path.name)
            moved += 1
    return moved


def pack(source: Path, target: Path) -> None:
    """Gzip the file under another name, durably, with its time; then remove it."""
    fresh = target.with_name(target.name + ".new")
    with source.open("rb") as plain, fresh.open("wb") as file:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_PACK_LEVEL, fileobj=file) as packed:
            shutil.copyfileobj(plain, packed, 1024 * 1024)
        file.flush()
        os.fsync(file.fileno())
    status = source.stat()
    os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
    fresh.replace(target)
    _sync(target.parent)
    source.unlink()


def surplus(segments: Iterable[Segment], needed_from: int) -> set[Segment]:
    """The segments that lie wholly before the position, whatever their timeline."""
    first = needed_from // SEGMENT_BYTES
    return {segment for segment in segments if segment.number < first}


def _keep_history(path: Path, shelf: Path) -> None:
    if _HISTORY.fullmatch(path.name):
        path.replace(shelf / path.name)


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return iter(())
    return iter(sorted(path for path in folder.iterdir() if path.is_file()))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
