"""Whether a disk can be written: a folder, a full file system, and a small disk for a part's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from altid.region import smalldisk
from altid.region.error import RegionError
from altid.region.guardian.disk import probe
from altid.region.layout import PlaceFolders


def test_a_folder_that_can_be_written_is_well_and_left_empty(tmp_path: Path) -> None:
    assert probe(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert probe(tmp_path / "none") is None


def test_a_folder_that_refuses_is_named_by_its_error(tmp_path: Path) -> None:
    (tmp_path / "altid.probe").symlink_to(tmp_path / "elsewhere")
    assert probe(tmp_path) == "ELOOP"


@pytest.fixture
def place() -> Iterator[PlaceFolders]:
    """A place whose PostgreSQL folder holds a file."""
    try:
        smalldisk.check()
    except RegionError as error:
        pytest.skip(str(error))
    root = Path(tempfile.mkdtemp(prefix="altid-disk-"))
    folders = PlaceFolders(root)
    folders.postgres.mkdir(mode=0o700)
    (folders.postgres / "kept").write_text("kept")
    try:
        try:
            smalldisk.shrink(folders, "postgres")
        except RegionError as error:
            pytest.skip(f"this machine mounts no image: {error}")
        yield folders
    finally:
        mount = root / "small" / "postgres"
        if mount.is_mount():
            subprocess.run(["umount", str(mount)], check=True, timeout=30)
        shutil.rmtree(root)


def test_a_small_disk_holds_what_the_folder_held(place: PlaceFolders) -> None:
    assert (place.postgres / "kept").read_text() == "kept"
    assert place.postgres.stat().st_mode & 0o777 == 0o700
    assert probe(place.postgres) == ""


def test_a_full_disk_refuses_and_an_emptied_one_takes_again(place: PlaceFolders) -> None:
    smalldisk.fill(place, "postgres")
    assert probe(place.postgres) == "0 MB are free"
    with pytest.raises(OSError, match="No space left"):
        (place.postgres / "more").write_bytes(os.urandom(1 << 20))
    smalldisk.empty(place, "postgres")
    assert probe(place.postgres) == ""


def test_put_back_the_folder_is_an_ordinary_one_with_all_that_was_written(place: PlaceFolders) -> None:
    (place.postgres / "later").write_text("later")
    smalldisk.put_back(place)
    assert not place.postgres.is_symlink()
    assert {path.name for path in place.postgres.iterdir()} == {"kept", "later"}
    assert not smalldisk.any_small(place)


def test_a_small_disk_that_was_unmounted_is_attached_again(place: PlaceFolders) -> None:
    subprocess.run(["umount", str(place.root / "small" / "postgres")], check=True, timeout=30)
    assert not (place.postgres / "kept").exists()
    smalldisk.attach(place)
    assert (place.postgres / "kept").read_text() == "kept"
