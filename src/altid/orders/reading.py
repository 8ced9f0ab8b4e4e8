"""All intents that this machine's journals hold of a time, with what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from altid.access.journal.journals import journals
from altid.access.journal.sealed import Sealer
from altid.access.journal.segment import DamageError, Reader, read_mark, segments
from altid.access.secret import AccessSecret
from altid.orders.intent import PURPOSE, Entry, Held, Intent, Outcome, decode

NOTED_MAX = 20_000
"""In one answer: some ten megabytes."""
_READ_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Noted:
    """An intent, or what a browser held, and the intent's outcome; None if there is none yet."""

    writer: str
    seq: int
    entry: Intent | Held
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """`is_whole`: nothing was left out, and nothing could not be opened."""

    noted: tuple[Noted, ...]
    is_whole: bool


def _whole(entry: Intent | Held) -> Intent | Held:
    return entry


def read_intents(
    folder: Path,
    secret: AccessSecret,
    since: datetime,
    until: datetime,
    *,
    most: int = NOTED_MAX,
    keep: Callable[[Intent | Held], Intent | Held] = _whole,
) -> Reading:
    """Those noted from `since` on and before `until`, also while they are written. Takes a thread a while.

    `keep` says what of an entry is kept in memory.
    """
    low, high = since.timestamp(), until.timestamp()
    found: list[Noted] = []
    is_whole = True
    for path in journals(folder):
        try:
            some, is_sound = _read_one(path, secret, low, high, keep)
        except (DamageError, FileNotFoundError):
            some, is_sound = [], False
        found += some
        is_whole = is_whole and is_sound
    found.sort(key=lambda one: (one.entry.at_us, one.writer, one.seq))
    return Reading(tuple(found[:most]), is_whole and len(found) <= most)


def _read_one(
    path: Path,
    secret: AccessSecret,
    low_s: float,
    high_s: float,
    keep: Callable[[Intent | Held], Intent | Held],
) -> tuple[list[Noted], bool]:
    sealer = Sealer(secret, PURPOSE, path.name)
    upto, reader = read_mark(path, sealer), Reader(path, sealer)
    entries = dict[int, Intent | Held]()
    outcomes = dict[int, Outcome]()
    reader.skip_to(_first_since(path, low_s) - 1)
    for seq, entry in _entries(reader, upto):
        if isinstance(entry, Outcome):
            outcomes[entry.intent] = entry
        elif low_s <= entry.at_us / 1e6 < high_s:
            entries[seq] = keep(entry)
    noted = [Noted(path.name, seq, entry, outcomes.get(seq)) for seq, entry in entries.items()]
    return noted, not reader.damages


def _first_since(path: Path, low_s: float) -> int:
    """Segments that were written last before then hold nothing of it."""
    first = 1
    for one in segments(path):
        with suppress(FileNotFoundError):
            first = one.first
            if one.path.stat().st_mtime >= low_s:
                break
    return first


def _entries(reader: Reader, upto: int) -> Iterator[tuple[int, Entry]]:
    while records := reader.read(upto, _READ_MAX):
        for record in records:
            yield record.seq, decode(record.body)
