"""Up to which moment an archive promises to bring the record back."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from altid.record.backup.catalogue import Backup, make_folder, read_backups, write_backup
from altid.record.backup.choice import choose, spans
from altid.record.backup.state import State, write_state
from altid.record.backup.wal import SEGMENT_BYTES, read_archive
from altid.record.postgres import PostgresError
from altid.record.postgres import account as accounts

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_UNTIL, _ARRIVED, _NOW = _AT + _HOUR, _AT + 2 * _HOUR, _AT + 3 * _HOUR
"""The last piece of the log arrived an hour after what is known to be archived was committed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    account, place = accounts.current(), tmp_path / "backup"
    make_folder(place, {"owner": "test"}, account)
    last = 3 * SEGMENT_BYTES
    (place / "base" / "one").mkdir()
    write_backup(
        place / "base" / "one", Backup("one", "full", None, _AT, _AT, "A", 1, last, last, 1, _AT), account
    )
    write_state(place, State("connecting", _UNTIL), account)
    return place


def _put(folder: Path, *numbers: int) -> None:
    for number in numbers:
        path = folder / "wal" / f"0000000100000000{number:08X}.gz"
        path.write_bytes(b"")
        os.utime(path, (_ARRIVED.timestamp(), _ARRIVED.timestamp()))


def test_a_log_without_a_gap_is_promised_up_to_what_is_known_to_be_archived(folder: Path) -> None:
    _put(folder, 3, 4)
    found = choose(folder, _UNTIL, _NOW)
    assert (found.end, found.proven) == (_UNTIL, True)
    with pytest.raises(PostgresError, match="not in the archive"):
        choose(folder, _UNTIL + timedelta(minutes=1), _NOW)


def test_how_far_the_log_before_a_gap_reaches_is_not_promised(folder: Path) -> None:
    _put(folder, 3, 4, 6)
    assert not choose(folder, _UNTIL, _NOW).proven
    assert " to at most " in str(spans(read_backups(folder), read_archive(folder), _UNTIL)[0])


def test_without_a_state_nothing_is_promised(folder: Path) -> None:
    _put(folder, 3, 4)
    (folder / "state.json").unlink()
    assert not choose(folder, _UNTIL, _NOW).proven
