"""Turn this process into another program, as another user, tied to the life of its parent.

Run as a script by `command`: it enters a folder (before dropping, so that one below a private folder works),
drops to the account, asks the kernel for a signal at the death of the parent, and execs. A separate
program because the same steps between fork and exec of a threaded Python process may deadlock.

The kernel counts the *thread* that started the process as its parent, so that thread must live as long.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from altid.record.postgres.account import Account

_PR_SET_PDEATHSIG = 1
_EXIT_CANNOT_EXECUTE = 126
_EXIT_PARENT_IS_GONE = 125


def command(account: Account, folder: Path, program: Sequence[str], *, tied: bool = False) -> list[str]:
    """The command line that runs `program` as `account` inside `folder`.

    With `tied`, the program gets SIGINT (to PostgreSQL: fast shutdown) when the calling thread ends.
    """
    drop = f"{account.uid}:{account.gid}:{','.join(map(str, account.groups))}" if os.geteuid() == 0 else "-"
    parent = str(os.getpid()) if tied else "-"
    return [sys.executable, "-I", "-S", __file__, drop, str(folder), parent, *program]


def _main(drop: str, folder: str, parent: str, program: list[str]) -> int:
    try:
        os.chdir(folder)
        os.umask(0o077)
        if drop != "-":
            _become(*drop.split(":"))
        if parent != "-" and not _tie(int(parent)):
            return _EXIT_PARENT_IS_GONE
        os.execv(program[0], program)  # noqa: S606
    except OSError as error:
        print(f"{error.filename or program[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
    return _EXIT_CANNOT_EXECUTE


def _become(uid: str, gid: str, groups: str) -> None:
    os.setgroups([int(group) for group in groups.split(",") if group])
    os.setresgid(int(gid), int(gid), int(gid))
    os.setresuid(int(uid), int(uid), int(uid))


def _tie(parent: int) -> bool:
    """Ask for SIGINT at the parent's death; false if it is dead already. Dropping later would undo it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    return os.getppid() == parent


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
