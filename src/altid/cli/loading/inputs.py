"""The files to load, as they are found on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LINE_SUFFIXES = (".ndjson", ".jsonl")
_SUFFIXES = (".json", *_LINE_SUFFIXES)


class Input(NamedTuple):
    """A file to load. `key` changes with its path, size and time, so a changed file is a new one."""

    path: Path
    bytes: int
    key: str

    @property
    def is_lines(self) -> bool:
        """Whether it holds one resource a line; else it is one JSON document."""
        return _plain_name(self.path.name).endswith(_LINE_SUFFIXES)


def find(paths: tuple[Path, ...]) -> list[Input]:
    """The files of `paths` in order, folders searched for names that look right. Raises OSError."""
    found: dict[Path, Input] = {}
    for path in paths:
        for file in _files(path):
            status = file.stat()
            key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
            found.setdefault(file.resolve(), Input(file, status.st_size, key))
    return list(found.values())


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if _plain_name(name).endswith(_SUFFIXES))


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")
