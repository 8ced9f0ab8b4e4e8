"""The system user that PostgreSQL runs as.

PostgreSQL refuses to run as root, so a supervisor started by root drops to a system user. A cluster that
exists already decides: its files belong to somebody. A new one goes to `altid`, else to `postgres`, else
`altid` is created. A supervisor started by an ordinary user simply keeps that user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from altid.record.postgres.error import PostgresError

PREFERRED = ("altid", "postgres")
"""Users tried in this order for a new cluster when the supervisor is root."""

_USERADD_SECONDS_MAX = 30
"""useradd may wait for the lock of /etc/passwd; longer than this it hangs."""


class Account(NamedTuple):
    """A system user by number, so that nothing is looked up once PostgreSQL is being started."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def current() -> Account:
    """The user of this process. Raises `PostgresError` if the system has no name for it."""
    uid = os.geteuid()
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise PostgresError(
            f"User number {uid} has no entry in /etc/passwd, which PostgreSQL needs: use another user."
        ) from None


def choose(cluster: Path, *, create: bool = True) -> Account:
    """The user for the cluster in folder `cluster`, which may not exist yet; see the module for the order."""
    if os.geteuid() != 0:
        return current()
    if cluster.exists():
        return _owner(cluster)
    for name in PREFERRED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    if not create:
        raise PostgresError(f"None of the system users {', '.join(PREFERRED)} exists: useradd --system altid")
    return _create("altid")


def reaches(account: Account, path: Path) -> bool:
    """Whether `account` may search every folder down to `path` and enter it (by mode bits, without ACLs)."""
    resolved = path.resolve()
    return all(_may_search(account, folder) for folder in (*reversed(resolved.parents), resolved))


def _may_search(account: Account, folder: Path) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid or status.st_gid in account.groups:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _owner(cluster: Path) -> Account:
    uid = cluster.stat().st_uid
    if uid == 0:
        raise PostgresError(
            f"{cluster} belongs to root, and PostgreSQL does not run as root: chown it to a system user."
        )
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise PostgresError(
            f"{cluster} belongs to user number {uid}, which does not exist here: chown it to a system user."
        ) from None


def _create(name: str) -> Account:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise PostgresError(
            f"PostgreSQL needs a system user and useradd is missing: create the user {name!r}."
        )
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/var/lib/altid"]
    command += ["--shell", "/usr/sbin/nologin", "--comment", "Altid patient record", name]
    result = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=_USERADD_SECONDS_MAX, check=False
    )
    try:  # someone else may have created it in the same moment, so look rather than trust the exit code
        return _account(pwd.getpwnam(name))
    except KeyError:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PostgresError(f"The system user {name!r} could not be created: {reason}") from None


def _account(entry: pwd.struct_passwd) -> Account:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(groups))
