"""Copies of the size of a region, for the benchmark of the lookup record.

A pool of patients of the synthetic region is loaded as the feed brings it. For more patients their rows are
written again for others: the packed bodies stay, whose ids nobody looks at, but for the patient's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from altid.fhir import json
from altid.lookup.change import Change, Heartbeat, Position
from altid.lookup.copy import Copy
from altid.lookup.rows import pack, part_of
from altid.sample import REFERENCE, resources

KEY = bytes(range(32))
POOL = 500
_PAGE = 1_000
_BATCH = 50_000
_SOURCE = "record"


class Loaded(NamedTuple):
    """Of the pool, through `Copy.load`."""

    resources: int
    seconds: float


def pool_changes(patients: int) -> list[Change]:
    """All of a synthetic region of so many patients, in the order in which the record has it."""
    return [
        Change(one["resourceType"], one["id"], 1, REFERENCE, json.dumps(one))
        for one in resources(patients, 1)
    ]


def load(copy: Copy, changes: Sequence[Change]) -> Loaded:
    """As a first load does it, without the line and the reading of its lines."""
    began_s = time.perf_counter()
    for start in range(0, len(changes), _PAGE):
        copy.load(changes[start : start + _PAGE], _SOURCE, {"load after": str(start)})
    copy.apply([], Position(_SOURCE, "1", "1"), Heartbeat(REFERENCE, REFERENCE))
    return Loaded(len(changes), time.perf_counter() - began_s)


def grow(copy: Copy, patients: int) -> None:
    """Add patients until there are so many."""
    pool = sorted(copy.patients())
    wanted = [f"more-{number:06}" for number in range(patients - len(pool))]
    rows = {identity: _rows_of(copy, identity) for identity in pool}
    # In the order of the file, since it is made once and not as a region lives.
    order = sorted(range(len(wanted)), key=lambda number: (part_of(wanted[number]), wanted[number]))
    batch: list[tuple[Any, ...]] = []
    for number in order:
        batch += _renamed(rows[pool[number % len(pool)]], wanted[number], number)
        if len(batch) >= _BATCH:
            _write(copy, batch)
            batch.clear()
    _write(copy, batch)


def _rows_of(copy: Copy, identity: str) -> list[tuple[Any, ...]]:
    with copy.reading() as connection:
        found: list[tuple[Any, ...]] = connection.execute(
            "SELECT * FROM resource WHERE part = ? AND patient = ?", (part_of(identity), identity)
        ).fetchall()
    return found


def _renamed(rows: Sequence[tuple[Any, ...]], identity: str, number: int) -> Iterator[tuple[Any, ...]]:
    for _, _, type_, sort, id_, version, at, source, body in rows:
        mine, content = f"{id_}-{number}", body
        if type_ == "Patient":
            mine = identity
            content = pack(json.dumps({"resourceType": "Patient", "id": identity, "name": _name(number)}))
        yield part_of(identity), identity, type_, sort, mine, version, at, source, content


def _name(number: int) -> list[dict[str, Any]]:
    return [{"family": f"Holm{number % 5_000}", "given": [f"Ida{number % 300}"]}]


def _write(copy: Copy, rows: Sequence[tuple[Any, ...]]) -> None:
    people = [row for row in rows if row[2] == "Patient"]
    words = [(word.lower(), row[1]) for row in people for word in _words(int(row[1].rpartition("-")[2]))]
    with copy.writing() as connection:
        connection.executemany("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT OR IGNORE INTO person_word VALUES (?, ?)", words)


def _words(number: int) -> tuple[str, str]:
    name = _name(number)[0]
    return name["family"], name["given"][0]


def folder_bytes(path: Path) -> int:
    """Of the file and its write-ahead log."""
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))
