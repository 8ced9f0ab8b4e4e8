"""What happened in the region: one JSON object a line, appended by every process of the region.

A line is written in one call to a file opened for appending, so lines of several processes never mix.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_BYTES_MAX = 64 * 1024 * 1024
"""Past this the file is set aside once (`.1`): a region that dies every second must not fill the disk."""

_BEGINNING_BYTES_MAX = 8 * 1024 * 1024
"""So much of what is there already is read: 50,000 events, some weeks of a calm region."""


def record(path: Path, place: str, event: str, **detail: Any) -> None:
    """Append an event with the time (UTC) and the place. Failing to log never stops the one who logs."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": moment, "place": place, "event": event, **detail}) + "\n"
    try:
        _set_aside(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.write(descriptor, line.encode())
    except OSError:
        return  # a full disk: the region goes on
    finally:
        os.close(descriptor)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events in their order; a torn last line is left out."""
    try:
        text = path.read_text()
    except OSError:
        return
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


class Tail:
    """The events as they come, and before them those that are there already."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._file = path, 0, 0

    def read(self) -> list[dict[str, Any]]:
        """Those that came since the last time."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._file:  # the first time, or it was set aside
                    self._file, self._offset = found.st_ino, max(0, found.st_size - _BEGINNING_BYTES_MAX)
                file.seek(self._offset)
                text, _, _ = file.read(_BYTES_MAX).rpartition(b"\n")
        except OSError:
            return []
        self._offset += len(text) + 1 if text else 0
        return [event for line in text.splitlines() if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _set_aside(path: Path) -> None:
    if path.exists() and path.stat().st_size > _BYTES_MAX:
        path.rename(path.with_suffix(".jsonl.1"))
