"""The archived log: names, timelines, gaps, and what a failover leaves behind."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.record.backup.fetch import fetch, main
from altid.record.backup.wal import (
    SEGMENT_BYTES,
    Segment,
    parse_history,
    position,
    read_archive,
    set_aside,
    shelve,
    surplus,
)

_HISTORY = "1\t0/5800000\tno recovery target specified\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("incoming", "wal", "aside"):
        (tmp_path / name).mkdir()
    return tmp_path


def _put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(name.encode())


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_segments_name_is_read_back(timeline: int, number: int) -> None:
    segment = Segment(number, timeline)
    assert Segment.of(segment.name) == segment
    assert Segment.of(segment.name + ".partial.gz") == segment


@pytest.mark.parametrize(
    "name", ["00000002.history", "000000010000000000000001.new", "archive_status", "0" * 24 + "x"]
)
def test_other_files_are_no_segments(name: str) -> None:
    assert Segment.of(name) is None


def test_a_history_tells_where_each_timeline_was_left() -> None:
    assert parse_history("1\t0/5800000\tx\n\n2\t1/0\ty\n") == ((1, 0x5800000), (2, 1 << 32))


def test_a_position_is_read_as_postgresql_writes_it() -> None:
    assert position("2/A0") == (2 << 32) + 0xA0


def test_a_run_follows_a_change_of_timeline(folder: Path) -> None:
    _put(folder / "wal", *(f"0000000100000000{n:08X}.gz" for n in (3, 4, 5)))
    (folder / "wal" / "00000002.history").write_text(_HISTORY)
    _put(folder / "incoming", "000000020000000000000005", "000000020000000000000006.partial")
    found, whole = read_archive(folder).run_from(3 * SEGMENT_BYTES)
    assert [(one.timeline, one.number) for one in found] == [(1, 3), (1, 4), (2, 5), (2, 6)]
    assert whole


def test_a_run_does_not_go_on_along_a_timeline_that_was_left(folder: Path) -> None:
    _put(folder / "wal", *(f"0000000100000000{n:08X}.gz" for n in (3, 4, 5, 6)))
    (folder / "wal" / "00000002.history").write_text(_HISTORY)
    found, whole = read_archive(folder).run_from(3 * SEGMENT_BYTES)
    assert ([one.number for one in found], whole) == ([3, 4, 5], False)


def test_a_run_ends_at_a_gap(folder: Path) -> None:
    _put(folder / "wal", *(f"0000000100000000{n:08X}.gz" for n in (3, 4, 6)))
    found, whole = read_archive(folder).run_from(3 * SEGMENT_BYTES)
    assert ([one.number for one in found], whole) == ([3, 4], False)


def test_shelving_packs_all_but_the_newest(folder: Path) -> None:
    _put(
        folder / "incoming", *(f"0000000100000000{n:08X}" for n in (1, 2)), "000000010000000000000003.partial"
    )
    assert shelve(folder) == 2
    assert [path.name for path in (folder / "incoming").iterdir()] == ["000000010000000000000003.partial"]
    assert gzip.decompress((folder / "wal" / "000000010000000000000001.gz").read_bytes()) == (
        b"000000010000000000000001"
    )


def test_shelving_leaves_the_newest_complete_one_to_go_on_from(folder: Path) -> None:
    _put(folder / "incoming", "000000010000000000000001")
    assert shelve(folder) == 0


def test_shelving_clears_the_end_of_a_timeline_that_was_left(folder: Path) -> None:
    _put(folder / "incoming", "000000010000000000000005.partial", "000000020000000000000005")
    shelve(folder)
    assert (
        folder / "incoming" / "000000010000000000000005.partial"
    ).exists()  # the newer may still be arriving
    _put(folder / "incoming", "000000020000000000000006.partial")
    shelve(folder)
    assert [path.name for path in (folder / "aside").iterdir()] == ["000000010000000000000005.partial"]


def test_log_that_the_new_leader_never_had_is_set_aside(folder: Path) -> None:
    _put(folder / "wal", "000000010000000000000004.gz", "000000010000000000000005.gz")
    _put(folder / "incoming", "000000010000000000000006.partial")
    assert set_aside(folder, 1, 0x5800000) == 2
    assert [path.name for path in (folder / "wal").iterdir()] == ["000000010000000000000004.gz"]
    assert len(list((folder / "aside").iterdir())) == 2


@given(st.sets(st.integers(0, 300)), st.integers(0, 300 * SEGMENT_BYTES))
def test_the_segment_that_holds_the_position_is_never_surplus(numbers: set[int], needed: int) -> None:
    gone = surplus((Segment(number, 1) for number in numbers), needed)
    assert all((one.number + 1) * SEGMENT_BYTES <= needed for one in gone)


def test_recovery_is_given_a_packed_segment_whole(folder: Path, tmp_path: Path) -> None:
    (folder / "wal" / "000000010000000000000001.gz").write_bytes(gzip.compress(b"log", mtime=0))
    assert fetch(folder, "000000010000000000000001", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"log"


def test_recovery_is_given_the_segment_that_is_still_arriving(folder: Path, tmp_path: Path) -> None:
    (folder / "incoming" / "000000010000000000000001.partial").write_bytes(b"log")
    assert fetch(folder, "000000010000000000000001", tmp_path / "target")


def test_recovery_is_told_what_the_archive_has_not(folder: Path, tmp_path: Path) -> None:
    assert not fetch(folder, "00000002.history", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_only_what_the_archive_has_not_ends_the_log(folder: Path, tmp_path: Path) -> None:
    assert main(str(folder), "000000010000000000000001", str(tmp_path / "target")) == 1


@pytest.mark.parametrize(
    "raw", [gzip.compress(b"log", mtime=0)[:-6], b"no gzip", gzip.compress(b"log", mtime=0)[:12] + bytes(9)]
)
def test_a_damaged_segment_stops_recovery(folder: Path, tmp_path: Path, raw: bytes) -> None:
    (folder / "wal" / "000000010000000000000001.gz").write_bytes(raw)
    assert main(str(folder), "000000010000000000000001", str(tmp_path / "target")) > 128


def test_a_target_that_cannot_be_written_stops_recovery(folder: Path, tmp_path: Path) -> None:
    _put(folder / "incoming", "000000010000000000000001")
    (tmp_path / "target").mkdir()
    assert main(str(folder), "000000010000000000000001", str(tmp_path / "target")) > 128
