"""What a machine needs to run Altid, each thing checked by itself: what was found, and how to mend it."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from altid.record.postgres import PostgresError
from altid.record.postgres.account import Account, choose, current, reaches
from altid.record.postgres.folder import check_ours, cluster_folder
from altid.record.postgres.programs import find
from altid.record.postgres.settings import machine_memory_bytes

Level = Literal["ok", "warn", "fail"]

_GIB = 1024**3
_DISK_BYTES_FAIL, _DISK_BYTES_WARN = _GIB, 10 * _GIB
_MEMORY_BYTES_FAIL, _MEMORY_BYTES_WARN = _GIB // 2, 2 * _GIB
_FILES_FAIL, _FILES_WARN = 256, 1024
_SYNC_MS_WARN = 20.0
"""A commit waits for one sync; with 20 ms a lone writer gets 50 commits a second."""
_SYNC_MS_UNBELIEVABLE = 0.01
_SYNCS = 15
_CLOCK_SECONDS_MAX = 300.0
"""A file from further in the future than this means that the clock was or is wrong."""

_VOLATILE = ("tmpfs", "ramfs")
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs")


class Finding(NamedTuple):
    """One checked thing."""

    check: str
    level: Level
    text: str
    mend: str = ""


def local_findings(data: Path) -> Iterator[Finding]:
    """All checks of this machine and the data folder, without starting anything."""
    yield _python()
    yield _text_encoding()
    yield _clock(data)
    yield _memory()
    yield _open_files()
    user, account = _user(data)
    yield user
    if account is not None:
        yield _programs(account)
        yield _data_folder(data, account)
    yield _file_system(data)
    yield _disk_space(data)
    yield _sync_time(data)


def port_finding(host: str, port: int) -> Finding:
    """Whether `altid serve` could listen where it does by default."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding("port", "warn", f"{port} at {host}: {error.strerror}", "altid serve --port OTHER")
    return Finding("port", "ok", f"{port} at {host} is free")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036  an environment that was made by hand may have any
        return Finding("python", "fail", version, "Install Python 3.11 or newer and run make setup.")
    return Finding("python", "ok", version)


def _text_encoding() -> Finding:
    name = sys.getfilesystemencoding()
    if name != "utf-8":
        return Finding("locale", "warn", f"file names are read as {name}", "Set LANG=C.UTF-8.")
    return Finding("locale", "ok", name)


def _clock(data: Path) -> Finding:
    """Compared with what was written before: a clock behind that would date new versions wrongly."""
    newest = max(path.stat().st_mtime for path in _dated(data))
    behind = newest - time.time()
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if behind > _CLOCK_SECONDS_MAX:
        text = f"{now}, but files here are {behind / 60:.0f} minutes newer"
        return Finding("clock", "fail", text, "Set the clock (timedatectl set-ntp true).")
    return Finding("clock", "ok", now)


def _dated(data: Path) -> list[Path]:
    cluster = cluster_folder(data)
    candidates = [Path(__file__), data, cluster / "global" / "pg_control", cluster / "postmaster.pid"]
    return [path for path in candidates if _exists(path)]


def _memory() -> Finding:
    size = machine_memory_bytes()
    return _amount("memory", size, _MEMORY_BYTES_FAIL, _MEMORY_BYTES_WARN, "Give the machine more memory.")


def _disk_space(data: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data)).free
    return _amount("disk", free, _DISK_BYTES_FAIL, _DISK_BYTES_WARN, "Free space, or choose another --data.")


def _amount(check: str, size_bytes: int, fail: int, warn: int, mend: str) -> Finding:
    text = f"{size_bytes / _GIB:.1f} GiB"
    if size_bytes < warn:
        return Finding(check, "fail" if size_bytes < fail else "warn", f"only {text}", mend)
    return Finding(check, "ok", text)


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES_WARN:
        level: Level = "fail" if soft < _FILES_FAIL else "warn"
        return Finding("open files", level, f"only {soft} allowed", "ulimit -n 4096")
    return Finding("open files", "ok", "unlimited" if soft == resource.RLIM_INFINITY else str(soft))


def _user(data: Path) -> tuple[Finding, Account | None]:
    """Whom PostgreSQL would run as."""
    try:
        account = choose(cluster_folder(data), create=False)
    except PostgresError as error:
        if os.geteuid() == 0 and shutil.which("useradd") and not cluster_folder(data).exists():
            return Finding("user", "ok", "the system user altid will be created at the first start"), None
        return Finding("user", "fail", str(error), "useradd --system altid"), None
    return Finding("user", "ok", f"PostgreSQL runs as {account.name}"), account


def _programs(account: Account) -> Finding:
    try:
        found = find(account)
    except PostgresError as error:
        return Finding("postgresql", "fail", str(error), "make setup")
    return Finding("postgresql", "ok", f"{found.version} in {found.bin}")


def _data_folder(data: Path, account: Account) -> Finding:
    try:
        check_ours(data)
    except (PostgresError, OSError) as error:
        return Finding("data folder", "fail", str(error), "Choose another with --data.")
    place = _nearest(data)
    if not os.access(place, os.W_OK | os.X_OK):
        text = f"{place} cannot be written by {current().name}"
        return Finding("data folder", "fail", text, "Choose another with --data, or change its owner.")
    if not _exists(data):
        return Finding("data folder", "ok", f"{data} will be made")
    if not reaches(account, data):
        text = f"{data} lies below a folder that {account.name} cannot enter"
        return Finding(
            "data folder", "warn", text, "Works, but tools run as that user can't: use /var/lib/altid."
        )
    return Finding("data folder", "ok", str(data))


def _file_system(data: Path) -> Finding:
    kind = _file_system_of(_nearest(data).resolve())
    if kind in _VOLATILE:
        return Finding(
            "file system", "warn", f"{kind}: gone when the machine restarts", "Choose a disk: --data."
        )
    if kind in _REMOTE:
        return Finding(
            "file system", "warn", f"{kind}: PostgreSQL needs a local disk", "Choose a disk: --data."
        )
    return Finding("file system", "ok", kind)


def _file_system_of(place: Path) -> str:
    """The type of the mount that holds `place`, as /proc/self/mounts names it."""
    found, kind = Path("/"), "unknown"
    try:
        lines = Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return kind
    for line in lines:
        fields = line.split()
        mount = Path(fields[1].replace("\\040", " "))
        if place.is_relative_to(mount) and len(mount.parts) >= len(found.parts):
            found, kind = mount, fields[2]
    return kind


def _sync_time(data: Path) -> Finding:
    """How long a commit must wait for the disk: the median of a few syncs of one page."""
    try:
        median_ms = _median_ms(_nearest(data), time.perf_counter)
    except OSError as error:
        return Finding("sync", "fail", f"cannot be tried: {error.strerror}", "Choose another --data.")
    text = f"{median_ms:.2f} ms"
    if median_ms > _SYNC_MS_WARN:
        return Finding("sync", "warn", f"{text}: writing will be slow", "Use a solid-state disk.")
    if median_ms < _SYNC_MS_UNBELIEVABLE:
        return Finding(
            "sync", "warn", f"{text}: too quick for a disk that keeps it", "Use a disk that syncs."
        )
    return Finding("sync", "ok", text)


def _median_ms(folder: Path, now: Callable[[], float]) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        times = []
        for _ in range(_SYNCS):
            file.write(b"\0" * 8192)
            file.flush()
            begin = now()
            os.fdatasync(file.fileno())
            times.append((now() - begin) * 1000)
    return statistics.median(times)


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above that exists."""
    absolute = path.absolute()
    return next(folder for folder in (absolute, *absolute.parents) if _exists(folder))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
