"""A disk that can be full without harm: a part's folder on a small file system of its own, kept in a file.

While a place is stopped, the folder of its PostgreSQL (or etcd, or its servers' intents) is moved onto an
ext4 file system in an image file, and a link put in its stead. A second file beside the data then takes all
the room that is left: whoever writes gets ENOSPC from a real file system, and the machine's own disk loses
nothing, for the image is sparse.

```
DATA/A/small/postgres.img   the image
DATA/A/small/postgres/      where it is mounted: data/ and, while the disk is full, full
DATA/A/postgres             a link to small/postgres/data
```
While the image is there, it is what counts. Only root may mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from altid.region.error import RegionError
from altid.region.layout import PlaceFolders

PARTS = ("postgres", "etcd", "intents")
_HEADROOM_MB = 768
"""Free space besides the data: PostgreSQL may keep 512 MB of its log for a standby (`wal_keep_size`)."""

_RUN_S_MAX = 120
_BLOCK_BYTES = 4096


def check() -> None:
    """Raise `RegionError` when this machine can't have small disks."""
    if os.geteuid() != 0:
        raise RegionError("A disk that can be full is mounted for it: that needs root.")
    for program in ("mkfs.ext4", "mount", "umount"):
        if _program(program) is None:
            raise RegionError(
                f"A disk that can be full needs the program {program}: apt-get install e2fsprogs."
            )


def is_small(folders: PlaceFolders, part: str) -> bool:
    return _image(folders, part).exists()


def any_small(folders: PlaceFolders) -> bool:
    return any(is_small(folders, part) for part in PARTS)


def shrink(folders: PlaceFolders, part: str) -> None:
    """Move the part's folder onto a small disk. The place must not run. Raises `RegionError`."""
    check()
    folder, image, mount = _folder(folders, part), _image(folders, part), _mount(folders, part)
    owner = folders.root.stat()
    mount.mkdir(parents=True, exist_ok=True)
    for made in (mount.parent, mount):
        os.chown(made, owner.st_uid, owner.st_gid)
        made.chmod(0o700)
    fresh = image.with_suffix(".new")
    size = _used_bytes(folder) + _HEADROOM_MB * 1024 * 1024
    with fresh.open("wb") as file:
        file.truncate(size)
    _run("mkfs.ext4", "-q", "-F", "-m", "0", str(fresh))
    _run("mount", "-o", "loop", str(fresh), str(mount))
    mount.chmod(0o755)
    _run("cp", "-a", str(folder), str(mount / "data"))
    shutil.rmtree(mount / "lost+found")
    fresh.rename(image)  # from here on the image counts
    shutil.rmtree(folder)
    folder.symlink_to(mount / "data")


def attach(folders: PlaceFolders) -> None:
    """Mount what isn't (the machine was started anew, say), so that the place can start."""
    for part in _small_parts(folders):
        if not _mount(folders, part).is_mount():
            _run("mount", "-o", "loop", str(_image(folders, part)), str(_mount(folders, part)))


def put_back(folders: PlaceFolders) -> None:
    """Move every part's folder back onto the ordinary disk. The place must not run."""
    for part in list(_small_parts(folders)):
        attach(folders)
        folder, mount = _folder(folders, part), _mount(folders, part)
        empty(folders, part)
        fresh = folder.with_name(folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _run("cp", "-a", str(mount / "data"), str(fresh))
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)  # the move onto the small disk was cut short: the image counts
        fresh.rename(folder)
        # Lazily: the namespaces of other places may hold a copy of the mount until they stop.
        _run("umount", "-l", str(mount))
        _image(folders, part).unlink()
        with suppress(OSError):  # another place's copy of the mount, or another part's disk, is there still
            mount.rmdir()
            mount.parent.rmdir()


def fill(folders: PlaceFolders, part: str) -> None:
    """Take all the room that is left."""
    with (_mount(folders, part) / "full").open("wb") as file:
        place, size = 0, 1 << 30
        while size >= _BLOCK_BYTES:
            try:
                os.posix_fallocate(file.fileno(), place, size)
                place += size
            except OSError:
                size //= 2


def empty(folders: PlaceFolders, part: str) -> None:
    """Give the room back."""
    (_mount(folders, part) / "full").unlink(missing_ok=True)


def _small_parts(folders: PlaceFolders) -> Iterator[str]:
    return (part for part in PARTS if is_small(folders, part))


def _folder(folders: PlaceFolders, part: str) -> Path:
    return {"postgres": folders.postgres, "etcd": folders.etcd, "intents": folders.intents}[part]


def _image(folders: PlaceFolders, part: str) -> Path:
    return folders.root / "small" / f"{part}.img"


def _mount(folders: PlaceFolders, part: str) -> Path:
    return folders.root / "small" / part


def _used_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def _run(name: str, *arguments: str) -> None:
    command = [_program(name) or name, *arguments]
    try:
        result = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_RUN_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise RegionError(f"`{name}` does not run.") from None
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RegionError(f"`{name}` for a small disk: {reason}")
