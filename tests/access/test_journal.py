"""The journal: what was acknowledged is there after any end, and nothing else; what was altered is told."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altid.access.journal import journals
from altid.access.journal.journal import Journal, take
from altid.access.journal.sealed import Sealer
from altid.access.journal.segment import HEADER_BYTES, MARK, DamageError, Reader, mark_bytes, segments
from altid.access.journal.unavailable import Cause, JournalUnavailableError
from altid.access.secret import AccessSecret
from tests.access.auditing import (
    PURPOSE,
    SECRET,
    SEGMENT_BYTES,
    WRITER,
    alter_last_byte,
    append,
    stored,
    taken,
)

GROUPS = st.lists(st.lists(st.binary(max_size=200), min_size=1, max_size=4), min_size=1, max_size=8)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def written(folder: Path, groups: list[list[bytes]]) -> list[bytes]:
    """Write the groups and let go; gives what was acknowledged."""
    journal = taken(folder)
    for group in groups:
        append(journal, group)
    journal.close()
    return [body for group in groups for body in group]


@given(GROUPS, GROUPS)
@FEW
def test_what_was_written_is_read_in_order_across_segments_and_starts(
    first: list[list[bytes]], second: list[list[bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, WRITER)
        bodies = written(folder, first) + written(folder, second)
        records, damages = stored(folder)
        assert [record.body for record in records] == bodies
        assert [record.seq for record in records] == list(range(1, len(bodies) + 1))
        assert damages == []


@given(GROUPS, st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.data())
@FEW
def test_a_crash_at_any_byte_of_a_write_loses_nothing_acknowledged_and_invents_nothing(
    groups: list[list[bytes]], last: list[bytes], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, WRITER)
        journal = taken(folder)
        for group in groups:
            append(journal, group, 10**6)
        path = segments(folder)[-1].path
        mark, acknowledged = (folder / MARK).read_bytes(), path.stat().st_size
        append(journal, last, 10**6)
        journal.close()
        # As it is on disk when the write of the last group was cut off: the mark is of the group before.
        (folder / MARK).write_bytes(mark)
        os.truncate(path, data.draw(st.integers(acknowledged, path.stat().st_size)))
        again = taken(folder)
        kept = again.head.seq
        append(again, [b"after"])
        again.close()
        known = [body for group in groups for body in group]
        records, damages = stored(folder)
        assert damages == []
        assert len(known) <= kept <= len(known) + len(last)
        assert [record.body for record in records] == [*(known + last)[:kept], b"after"]


@given(GROUPS, st.data())
@FEW
def test_a_torn_end_of_any_bytes_is_cut(groups: list[list[bytes]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, WRITER)
        bodies = written(folder, groups)
        path = segments(folder)[-1].path
        torn = data.draw(st.binary(min_size=1, max_size=100))
        path.write_bytes(path.read_bytes() + torn)
        journal = taken(folder)
        assert journal.head.seq == len(bodies)
        journal.close()
        assert (folder / "torn").read_bytes() == torn
        assert stored(folder)[1] == []


@given(GROUPS, st.data())
@FEW
def test_any_flipped_bit_is_found(groups: list[list[bytes]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, WRITER)
        bodies = written(folder, groups)
        path = data.draw(st.sampled_from([folder / MARK, *(one.path for one in segments(folder))]))
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        try:
            records, damages = stored(folder)
        except DamageError:
            return
        assert damages
        assert all(record.body == bodies[record.seq - 1] for record in records)


@given(GROUPS, st.data())
@FEW
def test_a_missing_end_is_found(groups: list[list[bytes]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, WRITER)
        written(folder, groups)
        newest = segments(folder)[-1].path
        os.truncate(newest, data.draw(st.integers(0, newest.stat().st_size - 1)))
        with pytest.raises(DamageError):
            take(folder, SECRET, PURPOSE)
        assert stored(folder)[1]


def test_records_cannot_be_swapped(tmp_path: Path) -> None:
    folder = tmp_path / WRITER
    written(folder, [[b"one"], [b"two"]])
    path = segments(folder)[0].path
    data = path.read_bytes()
    size = (len(data) - HEADER_BYTES) // 2
    one, two = data[HEADER_BYTES : HEADER_BYTES + size], data[HEADER_BYTES + size :]
    path.write_bytes(data[:HEADER_BYTES] + two + one)
    assert len(stored(folder)[1]) == 1


def test_another_writers_records_do_not_open(tmp_path: Path) -> None:
    written(tmp_path / WRITER, [[b"one"]])
    (tmp_path / WRITER).rename(tmp_path / "B.00000002")
    with pytest.raises(DamageError):
        take(tmp_path / "B.00000002", SECRET, PURPOSE)


def test_without_the_access_secret_nothing_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / WRITER
    written(folder, [[b"Anne read about patient 4711"]])
    assert all(b"4711" not in path.read_bytes() for path in folder.iterdir())
    with pytest.raises(DamageError):
        take(folder, AccessSecret(bytes(32)), PURPOSE)


def test_a_damaged_segment_does_not_hide_the_next_ones(tmp_path: Path) -> None:
    folder = tmp_path / WRITER
    bodies = written(folder, [[bytes(300)]] * 12)
    known = segments(folder)
    assert len(known) > 2
    content = bytearray(known[1].path.read_bytes())
    content[HEADER_BYTES + 40] ^= 1
    known[1].path.write_bytes(content)
    records, damages = stored(folder)
    missing = set(range(1, len(bodies) + 1)) - {record.seq for record in records}
    assert missing == set(range(known[1].first, known[2].first))
    assert len(damages) == 1


def test_a_journal_has_one_process_at_a_time(tmp_path: Path) -> None:
    journal = taken(tmp_path / WRITER)
    assert take(tmp_path / WRITER, SECRET, PURPOSE) is None
    journal.close()
    taken(tmp_path / WRITER).close()


def test_processes_of_one_name_go_on_with_free_journals(tmp_path: Path) -> None:
    rng = random.Random(1)
    one = journals.take_own(tmp_path, "A", SECRET, PURPOSE, rng)
    two = journals.take_own(tmp_path, "A", SECRET, PURPOSE, rng)
    assert one.writer != two.writer
    one.close()
    again = journals.take_own(tmp_path, "A", SECRET, PURPOSE, rng)
    other = journals.take_own(tmp_path, "B", SECRET, PURPOSE, rng)
    assert again.writer == one.writer
    assert other.writer.startswith("B.")
    for journal in (two, again, other):
        journal.close()


def test_an_altered_journal_is_left_as_it_is_and_a_new_one_begun(tmp_path: Path) -> None:
    first = journals.take_own(tmp_path, "A", SECRET, PURPOSE, random.Random(1))
    append(first, [b"one"])
    first.close()
    path = segments(first.folder)[0].path
    damaged = alter_last_byte(path)
    second = journals.take_own(tmp_path, "A", SECRET, PURPOSE, random.Random(2))
    assert second.writer != first.writer
    assert path.read_bytes() == damaged
    second.close()


def test_only_segments_before_the_given_event_are_deleted(tmp_path: Path) -> None:
    journal = taken(tmp_path / WRITER)
    for _ in range(12):
        append(journal, [bytes(300)])
    known = segments(journal.folder)
    journal.release(known[2].first - 2)
    assert segments(journal.folder) == known[1:]
    journal.release(10**6)
    assert segments(journal.folder) == known[-1:]
    assert journal.size_bytes == known[-1].path.stat().st_size
    journal.close()
    again = taken(tmp_path / WRITER)
    assert again.head.seq == 12
    again.close()


def test_at_its_bound_the_journal_takes_nothing(tmp_path: Path) -> None:
    journal = taken(tmp_path / WRITER)
    append(journal, [b"one"])
    with pytest.raises(JournalUnavailableError) as caught:
        journal.append([b"two"], segment_bytes=SEGMENT_BYTES, bytes_max=100)
    assert caught.value.cause is Cause.FULL
    assert journal.head.seq == 1
    journal.close()


def test_a_full_disk_is_refused_and_recovered_from(tmp_path: Path) -> None:
    """A file may not grow beyond a limit: as when the disk is full, in the middle of a record."""
    folder = tmp_path / WRITER
    journal = taken(folder)
    append(journal, [b"one"], 10**6)
    size = segments(folder)[-1].path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            append(journal, [bytes(1000)], 10**6)
        assert segments(folder)[-1].path.stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    append(journal, [b"two"], 10**6)
    journal.close()
    records, damages = stored(folder)
    assert ([record.body for record in records], damages) == ([b"one", b"two"], [])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_small_disk_that_gets_full_and_free_again(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets root mount nothing")
    try:
        journal = taken(disk / WRITER)
        with pytest.raises(OSError, match="No space left"):
            _append_until_full(journal)
        bodies = journal.head.seq
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                append(journal, [bytes(70_000)], 10**6)
        assert journal.head.seq == bodies > 50
        subprocess.run(["mount", "-o", "remount,size=256k", disk], check=True)
        append(journal, [b"after"], 10**6)
        journal.close()
        records, damages = stored(disk / WRITER)
        assert (records[-1].body, records[-1].seq, damages) == (b"after", bodies + 1, [])
    finally:
        subprocess.run(["umount", disk], check=True)


def _append_until_full(journal: Journal) -> None:
    for _ in range(1000):
        append(journal, [bytes(700)], 10**6)


_WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tests.access.auditing import append, taken
journal = taken(Path(sys.argv[1]))
number = journal.head.seq
while True:
    append(journal, [b"%d" % (number + n) + bytes(300) for n in range(5)], 100_000)
    number += 5
    print(number, flush=True)
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_it_has_answered(tmp_path: Path) -> None:
    folder = tmp_path / WRITER
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITES_FOR_EVER, folder], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(30):
            process.stdout.readline()
        process.kill()
        answered = [int(line) for line in process.stdout if line.endswith("\n")]
        process.wait(60)
        process.stdout.close()
        journal = taken(folder)
        kept = journal.head.seq
        append(journal, [b"%d" % kept])
        journal.close()
        assert kept >= answered[-1] if answered else kept >= 150
    records, damages = stored(folder)
    assert damages == []
    assert [int(record.body.rstrip(bytes(1))) for record in records] == [r.seq - 1 for r in records]


def test_the_mark_of_another_journal_does_not_count(tmp_path: Path) -> None:
    written(tmp_path / WRITER, [[b"one"]])
    (tmp_path / WRITER / MARK).write_bytes(mark_bytes(Sealer(SECRET, PURPOSE, "B.00000002"), 0))
    with pytest.raises(DamageError, match="altered"):
        take(tmp_path / WRITER, SECRET, PURPOSE)


def test_a_reader_begins_behind_what_the_table_has(tmp_path: Path) -> None:
    folder = tmp_path / WRITER
    written(folder, [[bytes(300)]] * 12)
    reader = Reader(folder, Sealer(SECRET, PURPOSE, WRITER))
    reader.skip_to(7)
    assert [record.seq for record in (*reader.read(9, 100), *reader.read(9, 100))] == [8, 9]
    assert reader.read(9, 100) == []
