"""The folder of the Unix socket: private to the service user, and with a path short enough for the kernel."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from altid.record.postgres.account import Account, reaches
from altid.record.postgres.error import PostgresError

PORT = 5432
"""Only a part of the socket's name: nothing listens on TCP."""

_PATH_BYTES_MAX = 107
"""sockaddr_un.sun_path holds 108 bytes with the closing zero."""


def place(data: Path, account: Account) -> Path:
    """Make and return the socket's folder: `DATA/run`, or a short one when that is too long or barred."""
    inside = data.resolve() / "run"
    if _fits(inside) and reaches(account, data):
        _make_private(inside, account)
        return inside
    key = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    base = _short_base(account)
    _make_private(base, account)
    _make_private(base / key, account)
    return base / key


def remove(folder: Path, data: Path) -> None:
    """Remove a short folder again, if it is empty; `DATA/run` stays."""
    if folder.parent == data.resolve():
        return
    try:
        folder.rmdir()
        folder.parent.rmdir()
    except OSError:
        return  # another data folder of this user has its socket there


def _short_base(account: Account) -> Path:
    if os.geteuid() == 0 and Path("/run").is_dir():
        return Path("/run") / f"altid-{account.uid}"
    return Path("/tmp") / f"altid-{account.uid}"  # noqa: S108  `_make_private` refuses one that is another's


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}.lock")) <= _PATH_BYTES_MAX


def _make_private(folder: Path, account: Account) -> None:
    """Make `folder` for `account` alone, or prove that it is so already: in /tmp anyone may have made it."""
    try:
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise PostgresError(f"The folder {folder} for the socket cannot be made: {error.strerror}.") from None
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or status.st_mode & 0o077:
        raise PostgresError(
            f"{folder} must be a folder of {account.name} that nobody else may enter: remove it."
        )
