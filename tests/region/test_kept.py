"""What is kept of a former primary's log before a rewind throws it away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from altid.region import events, kept
from altid.region.kept import keep
from altid.region.layout import Layout

_LAST = "000000020000000000000005"


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "A" / "postgres"
    for part in ("global", "pg_wal"):
        (folder / part).mkdir(parents=True)
    (folder / "global" / "pg_control").write_bytes(b"x")
    for number in range(16):
        (folder / "pg_wal" / f"{_LAST[:-1]}{number:X}").write_text(f"{number:X}")
    (folder / "pg_wal" / "00000001000000000000000F").write_text("another timeline")
    (folder / "pg_wal" / "00000002.history").write_text("no segment")
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A pg_controldata that names the last segment, and a pg_rewind that says what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {
        "pg_controldata": f'echo "Latest checkpoint\'s REDO WAL file:    {_LAST}"',
        "pg_rewind": 'echo "rewinding $*"; exit 3',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_segments_around_the_last_checkpoint_are_copied(
    cluster: Path, programs: Path, tmp_path: Path
) -> None:
    folder = keep(cluster, tmp_path / "kept", programs)
    assert folder is not None
    assert {path.name[-1]: path.read_text() for path in folder.iterdir()} == {
        number: number for number in "23456789"
    }


def test_only_the_newest_ends_are_kept(cluster: Path, programs: Path, tmp_path: Path) -> None:
    folders = [keep(cluster, tmp_path / "kept", programs) for _ in range(7)]
    assert sorted((tmp_path / "kept").iterdir()) == folders[-5:]


def test_a_site_without_a_cluster_keeps_nothing(tmp_path: Path) -> None:
    assert keep(tmp_path / "none", tmp_path / "kept", tmp_path) is None


def _rewind(cluster: Path, programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program that Patroni is given, as Patroni does."""
    data = cluster.parent.parent
    program = data / "pg_rewind"
    program.write_text(kept.script(Layout(data), "A", Path(sys.executable), programs))
    program.chmod(0o700)
    return subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )


def test_before_a_rewind_the_log_is_kept_and_then_it_goes_its_way(cluster: Path, programs: Path) -> None:
    done = _rewind(cluster, programs, "-D", str(cluster), "--source-server", "host=b user='it''s'")
    assert done.returncode == 3
    assert done.stdout == f"rewinding -D {cluster} --source-server host=b user='it''s'\n"
    assert len(list((cluster.parent / "kept").iterdir())) == 1
    assert [event["event"] for event in events.read(cluster.parent.parent / "events.jsonl")] == ["log kept"]


def test_a_question_about_the_program_keeps_nothing(cluster: Path, programs: Path) -> None:
    assert _rewind(cluster, programs, "--help").stdout == "rewinding --help\n"
    assert not (cluster.parent / "kept").exists()


def test_what_cannot_be_kept_stops_no_rewind(cluster: Path, programs: Path) -> None:
    (cluster.parent / "kept").write_text("in the way")
    done = _rewind(cluster, programs, "-D", str(cluster))
    assert done.stdout == f"rewinding -D {cluster}\n"
    told = list(events.read(cluster.parent.parent / "events.jsonl"))
    assert [event["event"] for event in told] == ["log not kept"]
