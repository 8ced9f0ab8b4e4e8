"""What a power loss leaves of the file: the copy as it was after one of its commits, whatever part of the log
reached the disk, and no commit that was synced is missing."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from altid.lookup import file
from altid.lookup.change import Position
from altid.lookup.copy import Copy
from altid.lookup.rows import member_digest, microseconds
from tests.lookup.feeding import BEGAN, Record, observation, patient

KEY = bytes(range(32))
COMMITS = 12


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A file as it lies on the disk while a copy is open, and the length of its log after each commit."""
    path = tmp_path_factory.mktemp("power") / "copy.db"
    copy, record, lengths = Copy.create(path, KEY), Record(), []
    wal = path.with_name("copy.db-wal")
    with copy.writing() as connection:
        connection.execute("INSERT INTO meta VALUES ('begun', 'yes')")
    copy.sessions.checkpoint()
    for number in range(COMMITS):
        record.put(patient(f"p{number}"), observation("o", f"p{number}", float(number)))
        copy.apply(record.log[-2:], Position("record", "1", str(number)))
        lengths.append(wal.stat().st_size)
    kept = path.with_name("kept.db")
    for one, place in zip(file.files_of(path), file.files_of(kept), strict=True):
        if one.exists() and not one.name.endswith("-shm"):
            shutil.copyfile(one, place)
    copy.close()
    return kept, lengths


def _left(written: Path, folder: Path, length: int, torn: bytes) -> Path:
    """The file after the loss: so much of the log, and rubbish where more was on its way."""
    path = folder / "copy.db"
    for one, place in zip(file.files_of(written), file.files_of(path), strict=True):
        place.unlink(missing_ok=True)
        if one.exists():
            shutil.copyfile(one, place)
    wal = path.with_name("copy.db-wal")
    wal.write_bytes(wal.read_bytes()[:length] + torn)
    return path


def _cursor(path: Path) -> int:
    """After which commit it is, with everything as it was then."""
    copy = Copy.open(path, KEY)
    try:
        position = copy.positions().get("record")
        cursor = -1 if position is None else int(position.cursor)
        assert copy.patients() == {f"p{number}" for number in range(cursor + 1)}
        assert copy.is_whole()
        count = sum(one.count for one in copy.digests("record").values())
        assert count == (cursor + 2 if cursor >= 0 else 0)
        return cursor
    finally:
        copy.close()


def test_whatever_of_the_log_is_left_it_is_as_after_a_commit(
    written: tuple[Path, list[int]], tmp_path: Path
) -> None:
    kept, lengths = written
    rng = random.Random(3)
    for length in [*lengths, *(rng.randrange(lengths[-1]) for _ in range(30))]:
        torn = rng.randbytes(rng.choice((0, 100, 8_192, 20_000)))
        synced = max((number for number, until in enumerate(lengths) if until <= length), default=-1)
        assert _cursor(_left(kept, tmp_path, length, torn)) == synced


def test_a_commit_is_synced_before_it_is_told(tmp_path: Path) -> None:
    """SQLite's own setting, asked back from the session that writes: FULL syncs the log at each commit."""
    copy = Copy.create(tmp_path / "copy.db", KEY)
    with copy.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    copy.close()


def test_killed_while_the_spare_is_made_there_is_the_one_before(tmp_path: Path) -> None:
    copy = Copy.create(tmp_path / "copy.db", KEY)
    record = Record()
    record.put(patient("a"))
    copy.apply(record.log, Position("record", "1", "1"))
    copy.save()
    half = file.spare_of(copy.path).with_name("copy.spare.db.new")
    half.write_bytes(os.urandom(10_000))
    copy.save()
    assert not half.exists()
    half.write_bytes(os.urandom(10_000))
    assert copy.recover()
    assert copy.patients() == {"a"}
    copy.close()


def test_numbers_of_forms_are_not_given_twice(tmp_path: Path) -> None:
    copy = Copy.create(tmp_path / "copy.db", KEY)
    _set_number(copy, 5)
    copy.save()
    _set_number(copy, 9)
    assert copy.recover()
    assert _number(copy) == 9
    copy.save()
    copy.close()
    (tmp_path / "copy.db").write_bytes(os.urandom(50_000))
    opened, had_spare = Copy.open_spare(tmp_path / "copy.db", KEY)
    assert had_spare
    assert _number(opened) is None, "another series begins"
    opened.close()


def _set_number(copy: Copy, number: int) -> None:
    with copy.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO number VALUES ('B12', 'A', ?)", (number,))


def _number(copy: Copy) -> int | None:
    with copy.reading() as connection:
        row = connection.execute("SELECT next FROM number WHERE prefix = 'B12'").fetchone()
    return None if row is None else int(row[0])


def test_the_digest_of_a_member_is_of_what_it_is_and_when_it_was_written() -> None:
    """The number of a version may come again after a failover, with another content."""
    one = member_digest("Patient", "a", 1, microseconds(BEGAN))
    assert one != member_digest("Patient", "a", 1, microseconds(BEGAN) + 1)
    assert one != member_digest("Patient", "a", 2, microseconds(BEGAN))
