"""What is kept of a primary that ended without a shutdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from altid.region.kept import keep

_FIRST = "000000020000000000000005"


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    folder = tmp_path / "postgres"
    for part in ("global", "pg_wal"):
        (folder / part).mkdir(parents=True)
    (folder / "global" / "pg_control").write_bytes(b"x")
    for number in ("4", "5", "6"):
        (folder / "pg_wal" / (_FIRST[:-1] + number)).write_text(number)
    (folder / "pg_wal" / "00000001000000000000000F").write_text("another timeline")
    (folder / "pg_wal" / "00000002.history").write_text("no segment")
    return folder


def _programs(tmp_path: Path, state: str) -> Path:
    """A pg_controldata that says so."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "pg_controldata"
    program.write_text(
        "#!/bin/sh\n"
        f"echo 'Database cluster state:               {state}'\n"
        f'echo "Latest checkpoint\'s REDO WAL file:    {_FIRST}"\n'
    )
    program.chmod(0o755)
    return folder


def test_the_log_since_the_last_checkpoint_is_copied(cluster: Path, tmp_path: Path) -> None:
    folder = keep(cluster, tmp_path / "kept", _programs(tmp_path, "in production"))
    assert folder is not None
    assert {path.name[-1]: path.read_text() for path in folder.iterdir()} == {"5": "5", "6": "6"}


@pytest.mark.parametrize("state", ["shut down", "in archive recovery", "shut down in recovery"])
def test_of_one_that_ended_in_order_or_followed_nothing_is_kept(
    cluster: Path, tmp_path: Path, state: str
) -> None:
    assert keep(cluster, tmp_path / "kept", _programs(tmp_path, state)) is None
    assert not (tmp_path / "kept").exists()


def test_only_the_newest_ends_are_kept(cluster: Path, tmp_path: Path) -> None:
    programs = _programs(tmp_path, "in production")
    folders = [keep(cluster, tmp_path / "kept", programs) for _ in range(7)]
    assert sorted((tmp_path / "kept").iterdir()) == folders[-5:]


def test_a_site_without_a_cluster_keeps_nothing(tmp_path: Path) -> None:
    assert keep(tmp_path / "none", tmp_path / "kept", tmp_path) is None
