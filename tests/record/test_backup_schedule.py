"""When backups are due, and which may go: never the newest good chain, and what stays can be restored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from altid.record.backup.catalogue import Backup, chain, good, make_folder, write_backup
from altid.record.backup.prune import prune
from altid.record.backup.schedule import Due, Plan, due, log_needed_from, outdated, wished
from altid.record.backup.wal import SEGMENT_BYTES, Segment, read_archive
from altid.record.postgres import account as accounts

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_PLAN = Plan(timedelta(hours=168), timedelta(hours=24), timedelta(days=35))


def _backup(name: str, age_h: float, parent: str | None = None, *, sound: bool = True) -> Backup:
    started = _NOW - timedelta(hours=age_h)
    first = int(10_000_000 - age_h * 1_000)
    return Backup(
        name=name,
        kind="incremental" if parent else "full",
        parent=parent,
        started=started,
        finished=started + timedelta(minutes=6),
        source="B",
        timeline=1,
        first=first,
        last=first + 10,
        bytes=1,
        verified=started + timedelta(minutes=7) if sound else None,
    )


@st.composite
def _histories(draw: st.DrawFn) -> list[Backup]:
    """Backups of three months as a schedule makes them, some of them damaged, some missing."""
    ages = sorted(draw(st.lists(st.integers(1, 2_200), unique=True, max_size=25)), reverse=True)
    made: list[Backup] = []
    for number, age_h in enumerate(ages):
        on_another = made and draw(st.integers(0, 3))
        parent = made[-1].name if on_another else None
        made.append(_backup(f"b{number}", age_h, parent, sound=draw(st.integers(0, 9)) > 0))
    return [one for one in made if draw(st.integers(0, 19)) > 0]


def _kept(backups: list[Backup]) -> list[Backup]:
    gone = outdated(backups, _NOW, _PLAN)
    return [one for one in backups if one not in gone]


@given(_histories())
def test_the_newest_that_can_be_restored_stays(backups: list[Backup]) -> None:
    assert good(_kept(backups))[-1:] == good(backups)[-1:]


@given(_histories())
def test_what_stays_and_was_good_is_still_good(backups: list[Backup]) -> None:
    kept = _kept(backups)
    assert [one for one in kept if chain(one, backups)] == [one for one in kept if chain(one, kept)]


@given(_histories(), st.floats(0, 35 * 24))
def test_every_moment_within_the_time_to_keep_stays_in_reach(backups: list[Backup], age_h: float) -> None:
    moment = _NOW - timedelta(hours=age_h)
    before = [one for one in good(backups) if one.finished <= moment]
    after = [one for one in good(_kept(backups)) if one.finished <= moment]
    assert bool(before) == bool(after)
    assert before[-1:] == after[-1:]


@given(_histories())
def test_the_log_is_kept_from_the_oldest_good_backup_on(backups: list[Backup]) -> None:
    kept = _kept(backups)
    needed = log_needed_from(kept)
    assert all(needed is not None and needed <= one.first for one in good(kept))


@given(_histories())
def test_cleaning_twice_removes_nothing_more(backups: list[Backup]) -> None:
    assert outdated(_kept(backups), _NOW, _PLAN) == []


def test_an_old_chain_goes_once_a_younger_one_covers_the_time() -> None:
    backups = [
        _backup("old", 2_000),
        _backup("old-1", 1_976, "old"),
        _backup("edge", 900),
        _backup("new", 100),
    ]
    assert [one.name for one in outdated(backups, _NOW, _PLAN)] == ["old", "old-1"]


def test_a_damaged_full_backup_covers_nothing() -> None:
    backups = [_backup("old", 2_000), _backup("damaged", 900, sound=False)]
    assert outdated(backups, _NOW, _PLAN) == []


def test_the_first_is_full() -> None:
    assert due([], _NOW, _PLAN) == Due("full")


def test_a_day_later_an_incremental_stands_on_the_newest() -> None:
    backups = [_backup("full", 49), _backup("second", 25, "full")]
    assert due(backups, _NOW, _PLAN) == Due("incremental", backups[1])


def test_in_between_nothing_is_due() -> None:
    assert due([_backup("full", 23)], _NOW, _PLAN) is None


def test_a_week_later_it_is_full_again() -> None:
    assert due([_backup("full", 168), _backup("second", 1, "full")], _NOW, _PLAN) == Due("full")


def test_on_a_damaged_one_nothing_is_built() -> None:
    backups = [_backup("full", 30), _backup("damaged", 2, "full", sound=False)]
    assert due(backups, _NOW, _PLAN) == Due("incremental", backups[0])


def test_after_a_gap_in_the_log_only_a_full_one_helps() -> None:
    backups = [_backup("full", 5), _backup("second", 1, "full")]
    gap_at = _NOW - timedelta(hours=2)
    assert due(backups, _NOW, _PLAN, gap_at=gap_at) == Due("full")
    assert wished("incremental", backups, gap_at) == Due("full")
    assert due([*backups, _backup("after", 0.5)], _NOW, _PLAN, gap_at=gap_at) is None


def test_an_incremental_that_is_asked_for_needs_one_to_stand_on() -> None:
    full = _backup("full", 5)
    assert wished("incremental", [full]) == Due("incremental", full)
    assert wished("incremental", []) == Due("full")
    assert wished("full", [full]) == Due("full")


def test_backups_that_stand_on_each_other_in_a_circle_are_not_good() -> None:
    one, other = _backup("one", 2, "other"), _backup("other", 1, "one")
    assert good([one, other]) == []


def test_what_is_written_down_is_read_back() -> None:
    backup = replace(_backup("full", 5), fault="x")
    assert Backup.from_json(backup.as_json()) == backup


def test_clearing_up_removes_an_old_chain_with_its_log_and_nothing_else(tmp_path: Path) -> None:
    account, segment = accounts.current(), Segment(0, 1)
    make_folder(tmp_path, {"owner": "test"}, account)
    kept_from = 40 * SEGMENT_BYTES + 5
    chains = [("old", 2_000, None, 0), ("old-1", 1_990, "old", 1), ("edge", 900, None, kept_from)]
    for name, age_h, parent, first in chains:
        (tmp_path / "base" / name).mkdir()
        backup = replace(_backup(name, age_h, parent), first=first, last=first)
        write_backup(tmp_path / "base" / name, backup, account)
    for number in (39, 40, 41):
        (tmp_path / "wal" / f"{replace(segment, number=number).name}.gz").touch()
    gone = prune(tmp_path, _PLAN, _NOW)
    assert {one.name for one in gone} == {"old", "old-1"}
    assert [path.name for path in (tmp_path / "base").iterdir()] == ["edge"]
    assert {one.number for one in read_archive(tmp_path).complete} == {40, 41}
