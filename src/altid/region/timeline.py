"""The newest events, and the last fault and drill, read from the end of `events.jsonl`.

The file may hold millions of lines, and a page asks once a second: so it is read backwards, block by block.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FAULT_EVENTS = ("fault injected", "part died", "place killed", "handover")
DRILL_EVENT = "drill ended"

_BLOCK_BYTES = 64 * 1024
_BYTES_MAX = 8 * 1024 * 1024
"""As far back as is looked for the last fault and drill: 50,000 events, some weeks of a calm region."""

_COUNT = 20

Event = dict[str, Any]


class Timeline(NamedTuple):
    """What happened lately; events are newest first."""

    events: list[Event]
    last_fault: Event | None
    last_drill: Event | None


def read_timeline(path: Path, count: int = _COUNT) -> Timeline:
    """The newest `count` events and what was last; empty when there is no such file yet."""
    newest: list[Event] = []
    fault: Event | None = None
    drill: Event | None = None
    for line in _lines_backwards(path):
        kinds = b"fault injected" in line or b"part died" in line or b"place killed" in line
        if len(newest) >= count and not (kinds or b"handover" in line or b"drill ended" in line):
            continue
        event = _event(line)
        if event is None:
            continue
        if len(newest) < count:
            newest.append(event)
        if fault is None and event["event"] in FAULT_EVENTS:
            fault = event
        if drill is None and event["event"] == DRILL_EVENT:
            drill = event
        if len(newest) >= count and fault is not None and drill is not None:
            break
    return Timeline(newest, fault, drill)


def _event(line: bytes) -> Event | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None  # torn, by a crash or a full disk
    named = isinstance(value, dict) and isinstance(value.get("event"), str)
    return value if named and isinstance(value.get("time"), str) else None


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Whole lines from the last to the first, within `_BYTES_MAX` of the end."""
    try:
        with path.open("rb") as file:
            left = file.seek(0, 2)
            oldest = max(0, left - _BYTES_MAX)
            rest = b""
            while left > oldest:
                start = max(oldest, left - _BLOCK_BYTES)
                file.seek(start)
                rest, *lines = (file.read(left - start) + rest).split(b"\n")
                left = start
                yield from (line for line in reversed(lines) if line)
            if oldest == 0 and rest:
                yield rest
    except OSError:
        return
