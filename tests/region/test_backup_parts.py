"""The archive's pieces that need no region: connection strings, marks, folders, wishes, errors."""

from __future__ import annotations

import asyncio
import shlex
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.cli.app import run
from altid.record.backup.catalogue import make_folder
from altid.record.postgres import PostgresError
from altid.record.postgres import account as accounts
from altid.region.backup import ask
from altid.region.backup.access import APPLICATION, conninfo, write_passfile
from altid.region.backup.folder import backup_folder, owner_of
from altid.region.backup.receiver import Receiver
from altid.region.backup.watch import Marks, Sight, leader_among
from altid.region.builtin import builtin_region
from altid.region.layout import Layout, Secrets
from altid.region.patroni import dynamic_configuration
from altid.region.topology import Backup

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SITES = builtin_region().sites


def _sight(number: int = 0, *, primary: bool = True, timeline: int = 1, **found: int) -> Sight:
    at = _AT + timedelta(seconds=found.get("second", 0))
    return Sight(_SITES[number], primary, timeline, at, found.get("written", 0), found.get("archived"))


def test_the_password_is_in_the_file_and_not_on_the_command_line(tmp_path: Path) -> None:
    dsn = "postgresql://role:se%3Acret@127.0.1.1:15432/altid"
    passfile = tmp_path / "pgpass"
    write_passfile(passfile, [dsn], accounts.current())
    assert passfile.read_text() == "127.0.1.1:15432:*:role:se\\:cret\n"
    assert stat.S_IMODE(passfile.stat().st_mode) == 0o600
    assert "cret" not in conninfo(dsn, passfile)


def test_a_connection_string_has_every_word_quoted() -> None:
    words = dict(word.split("=", 1) for word in shlex.split(conninfo("postgresql://r@h:1/d", Path("/a b"))))
    assert (words["host"], words["port"], words["user"], words["passfile"]) == ("h", "1", "r", "/a b")


def test_a_socket_is_reached_too() -> None:
    assert "host='/run/x' port='5'" in conninfo("postgresql://r@/d?host=/run/x&port=5", Path("/p"))


def test_the_archive_is_no_member_so_nobody_waits_for_it() -> None:
    assert APPLICATION not in [site.name for site in _SITES]


def test_both_sites_keep_log_for_the_archive_but_not_without_bound() -> None:
    settings = dynamic_configuration()
    assert settings["slots"] == {"altid_archive": {"type": "physical"}}
    assert settings["postgresql"]["parameters"]["max_slot_wal_keep_size"] == "4GB"


def test_of_two_primaries_the_one_promoted_last_is_followed() -> None:
    sights = [_sight(0, timeline=2), _sight(1, timeline=3)]
    assert leader_among(sights) == sights[1]
    assert leader_among([_sight(0, primary=False)]) is None


def test_archived_until_is_the_newest_moment_whose_log_is_durable() -> None:
    marks = Marks()
    marks.note(_sight(second=1, written=100, archived=50))
    assert marks.archived_until is None
    marks.note(_sight(second=2, written=200, archived=150))
    assert marks.archived_until == _AT + timedelta(seconds=1)
    marks.note(_sight(second=3, written=200, archived=200))
    assert marks.archived_until == _AT + timedelta(seconds=3)


def test_positions_of_another_timeline_prove_nothing() -> None:
    marks = Marks()
    marks.note(_sight(second=1, written=100))
    marks.note(_sight(second=2, written=200, archived=150, timeline=2))
    assert marks.archived_until is None


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 50))))
def test_archived_until_never_goes_back(steps: list[tuple[int, int | None]]) -> None:
    marks, before = Marks(), None
    for second, (written, archived) in enumerate(steps):
        marks.note(replace(_sight(second=second, written=written), archived=archived))
        assert before is None or (marks.archived_until is not None and marks.archived_until >= before)
        before = marks.archived_until


def test_backups_go_to_the_witness_or_where_the_region_says(tmp_path: Path) -> None:
    region, where = builtin_region(), Layout(tmp_path)
    assert backup_folder(where, region) == tmp_path / "W" / "backup"
    elsewhere = replace(region, backup=Backup(folder="/srv/backup"))
    assert backup_folder(where, elsewhere) == Path("/srv/backup")


def test_two_records_never_share_a_folder(tmp_path: Path) -> None:
    region, account = builtin_region(), accounts.current()
    make_folder(tmp_path / "backup", owner_of(region, Secrets(*"abcde")), account)
    make_folder(tmp_path / "backup", owner_of(region, Secrets(*"abcde")), account)
    with pytest.raises(PostgresError, match="another record's backups"):
        make_folder(tmp_path / "backup", owner_of(region, Secrets(*"fghij")), account)


def test_a_wish_is_answered_once(tmp_path: Path) -> None:
    account = accounts.current()

    async def story() -> str:
        asking = asyncio.create_task(ask.ask(tmp_path, "full", account, lambda _line: None))
        async with asyncio.timeout(30):
            while (wish := ask.read_wish(tmp_path)) is None:  # noqa: ASYNC110  a file
                await asyncio.sleep(0)
        assert wish.kind == "full"
        ask.answer(tmp_path, wish, "name", "", account)
        return await asking

    assert asyncio.run(story()) == "name"
    assert ask.read_wish(tmp_path) is None


class _Repairs:
    """A receiver over a folder, and what it told."""

    def __init__(self, folder: Path) -> None:
        for name in ("incoming", "wal", "aside"):
            (folder / name).mkdir()
        self.folder, self.told = folder, list[str]()
        self.receiver = Receiver(
            folder,
            folder,
            {},
            accounts.current(),
            folder,
            lambda: None,
            lambda event, **_: self.told.append(event),
        )

    def mend(self, said: str) -> bool:
        return asyncio.run(self.receiver.mend(said))


def test_log_that_the_new_leader_never_had_stands_in_nobodys_way(tmp_path: Path) -> None:
    repairs = _Repairs(tmp_path)
    (tmp_path / "incoming" / "000000010000000000000006.partial").touch()
    said = (
        'pg_receivewal: error: could not send replication command "START_REPLICATION": ERROR:  requested '
        "starting point 0/6000000 on timeline 1 is not in this server's history\n"
        "DETAIL:  This server's history forked from timeline 1 at 0/5A0C8F0.\n"
    )
    assert repairs.mend(said)
    assert [path.name for path in (tmp_path / "aside").iterdir()] == ["000000010000000000000006.partial"]
    assert repairs.told == ["archive set log aside"]


def test_after_a_gap_the_archive_goes_on_and_says_so(tmp_path: Path) -> None:
    repairs = _Repairs(tmp_path)
    (tmp_path / "incoming" / "000000010000000000000006.partial").write_bytes(b"log")
    said = (
        "pg_receivewal: error: unexpected termination of replication stream: ERROR:  requested WAL segment "
        "000000010000000000000006 has already been removed\n"
    )
    assert repairs.mend(said)
    assert list((tmp_path / "incoming").iterdir()) == []
    assert (tmp_path / "wal" / "000000010000000000000006.partial.gz").exists()
    assert repairs.receiver.gap_at is not None


def test_a_line_that_breaks_is_no_gap(tmp_path: Path) -> None:
    repairs = _Repairs(tmp_path)
    assert not repairs.mend("pg_receivewal: error: could not receive data from WAL stream: timeout\n")
    assert repairs.receiver.gap_at is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "yesterday", "--into", "x"], "'yesterday' is no time"),
        (["--to", "latest", "--into", "x", "--from", "."], "holds no backups of Altid"),
        (["--to", "latest"], "--into"),
        (["--to", "latest", "--into", "x"], "holds no region"),
    ],
)
def test_bad_input_is_told_in_one_line_and_makes_nothing(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["restore", *arguments, "--data", str(tmp_path / "none")]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_backup_of_no_region_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backup", "list", "--data", str(tmp_path)]) == 2
    assert "start one with `altid up" in capsys.readouterr().err
