"""The data folder: what lies where, who holds it, and the making of a new cluster.

```
DATA/            lock          held by the one supervisor
DATA/postgres/                 the cluster, of the service user, 0700
DATA/postgres.partial/         a cluster being made; renamed when complete
DATA/run/                      the socket, where its path is short and reachable enough
```
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from altid.record.postgres import launch
from altid.record.postgres.account import Account, reaches
from altid.record.postgres.error import PostgresError
from altid.record.postgres.programs import MAJOR, Programs

SUPERUSER = "altid"
OWN_CONFIGURATION = "altid.conf"
RESTORING = ".restoring"
"""Inside a data folder that a restore is making: it holds no record yet."""

_INITDB_SECONDS_MAX = 300
"""initdb takes one second; a slow disk that must sync 40 MB gets this long."""

_SELF = Path("/proc/self/cwd")
"""What PostgreSQL calls its folder when one above bars its user: it starts inside and never climbs."""


def default_data() -> Path:
    """`ALTID_DATA`, else /var/lib/altid for root, whose home PostgreSQL can't reach, else the user's own."""
    if chosen := os.environ.get("ALTID_DATA"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/altid")
    return Path.home() / ".local" / "share" / "altid"


def cluster_folder(data: Path) -> Path:
    """Where the cluster of a data folder lies."""
    return data / "postgres"


def seen_by(account: Account, cluster: Path) -> Path:
    """The path to give to a program that runs as `account` with `cluster` as its working folder."""
    return cluster if reaches(account, cluster) else _SELF


def make_data(data: Path, account: Account) -> None:
    """Make the data folder if it is missing (then it belongs to `account`); never alter one that is there."""
    try:
        if data.is_dir():
            return
        data.parent.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700)
        _give(data, account)
    except OSError as error:
        raise PostgresError(f"The data folder {data} cannot be made: {error.strerror}.") from None


@contextmanager
def held(data: Path, account: Account) -> Iterator[None]:
    """Hold the data folder for this process; the kernel lets go when the process ends, however it ends."""
    path = data / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PostgresError(f"The data folder {data} cannot be written: {error.strerror}.") from None
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, account.uid, account.gid)
        _lock(descriptor, data)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        raise PostgresError(
            f"The data folder {data} is in use by process {holder}: stop that one, or give another --data."
        ) from None


def check_ours(data: Path) -> None:
    """Raise `PostgresError` if the folder holds a PostgreSQL that is not ours or not of our version."""
    if (data / "PG_VERSION").exists():
        raise PostgresError(
            f"{data} is itself a PostgreSQL cluster, not a data folder of Altid: give another --data."
        )
    if (data / RESTORING).exists():
        raise PostgresError(f"{data} holds a restore that was broken off: remove it, and restore again.")
    cluster = cluster_folder(data)
    if not cluster.exists():
        return
    version = cluster / "PG_VERSION"
    if not version.is_file() or not (cluster / OWN_CONFIGURATION).is_file():
        raise PostgresError(f"{cluster} was not made by Altid: move it away, or give another --data.")
    found = version.read_text().strip()
    if found != str(MAJOR):
        raise PostgresError(
            f"{cluster} is of PostgreSQL {found[:8]}, and this Altid brings {MAJOR}: "
            "use the Altid that made it, or export there and load here."
        )


def make_cluster(data: Path, account: Account, programs: Programs) -> None:
    """Make the cluster of `data` if there is none. It appears under its name only when it is complete."""
    cluster = cluster_folder(data)
    if cluster.exists():
        return
    partial = cluster.with_name("postgres.partial")
    if partial.exists():  # from a start that was interrupted; ours by its name inside our folder
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    _give(partial, account)
    _initdb(partial, account, programs)
    write_owned(partial / "postgresql.conf", f"include '{OWN_CONFIGURATION}'\n", account)
    write_owned(partial / OWN_CONFIGURATION, "", account)
    partial.rename(cluster)
    _sync_folder(data)


def _initdb(cluster: Path, account: Account, programs: Programs) -> None:
    program = [str(programs.bin / "initdb"), "--pgdata", str(seen_by(account, cluster))]
    program += ["--username", SUPERUSER, "--auth", "peer", "--encoding", "UTF8", "--data-checksums"]
    program += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    try:
        result = subprocess.run(  # noqa: S603
            launch.command(account, cluster, program),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INITDB_SECONDS_MAX,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise PostgresError(f"initdb did not finish within {_INITDB_SECONDS_MAX} s.") from None
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "error" in line.lower() or "FATAL" in line]
        raise PostgresError(
            f"The cluster could not be made: {(lines or ['initdb gave no reason'])[0].strip()}"
        )


def environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: nothing of the caller's, so no PG* and no secrets."""
    return {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def write_owned(path: Path, text: str, account: Account) -> None:
    """Write a file of the cluster, complete or not at all, readable by the service user only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(os.fsencode(text))
        if os.geteuid() == 0:
            os.fchown(descriptor, account.uid, account.gid)
        file.flush()
        os.fsync(descriptor)
    fresh.rename(path)


def _give(path: Path, account: Account) -> None:
    if os.geteuid() == 0:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
