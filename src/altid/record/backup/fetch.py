"""PostgreSQL's restore_command: `python -m altid.record.backup.fetch FOLDER NAME TARGET [TOLD]`.

Puts the segment or history file NAME of the backup folder at TARGET, and appends the name to the file TOLD,
from which whoever waits knows how far recovery is. Exit code 1 when the archive doesn't have it: to
PostgreSQL that means the end of the log. Whatever else goes wrong (a damaged segment, a full disk) must not
look like that: its exit code is above 128, at which PostgreSQL stops.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

_COPY_BYTES = 1024 * 1024
_ABSENT, _FAILED = 1, 200
"""Exit codes. PostgreSQL takes 1 to 125 for the end of the log, 143 for being told to stop."""


def fetch(folder: Path, name: str, target: Path) -> bool:
    """Put the file there; false if the archive doesn't hold it. The archive may be at work meanwhile."""
    for _ in range(2):  # a segment that is packed in this very moment is at the next place by the second look
        for source in _places(folder, name):
            try:
                _copy(source, target)
            except FileNotFoundError:
                continue
            return True
    return False


def _places(folder: Path, name: str) -> list[Path]:
    wal, incoming = folder / "wal", folder / "incoming"
    return [
        wal / f"{name}.gz",
        wal / name,
        incoming / name,
        incoming / f"{name}.partial",
        wal / f"{name}.partial.gz",
    ]


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as raw, target.open("wb") as file:
        if source.name.endswith(".gz"):
            with gzip.open(raw) as plain:
                shutil.copyfileobj(plain, file, _COPY_BYTES)
        else:
            shutil.copyfileobj(raw, file, _COPY_BYTES)


def main(folder: str, name: str, target: str, told: str | None = None) -> int:
    """Fetch; gives the exit code."""
    try:
        if not fetch(Path(folder), name, Path(target)):
            return _ABSENT
        if told is not None:
            with Path(told).open("a") as file:
                file.write(f"{name}\n")
    except Exception as error:  # Python's own exit code of an exception is 1
        print(f"{name} could not be fetched: {error!r}", file=sys.stderr)  # noqa: T201  into PostgreSQL's log
        return _FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
