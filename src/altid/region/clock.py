"""A place's own wall clock, which can jump: for drills only.

While the file `clock` lies in a place's folder, its processes are started so that they read the wall clock
through it: seconds to add, which may change while they run. Two ways are needed. PostgreSQL gets Debian's
libfaketime by LD_PRELOAD. Python programs can't run with that (their `time.sleep` fails with it), so a
`sitecustomize` shifts `time.time` in them, and hands the preload on to the PostgreSQL that Patroni starts.
etcd, a static program, keeps the machine's clock: it counts its leases by the monotonic one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from altid.region.error import RegionError

_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
)
SECONDS_MAX = 10 * 365 * 86_400
_CACHE_S = 1
"""libfaketime looks at the file so often."""

_SITE = """
import os, sys, time

def _shifted(real=time.time, steady=time.monotonic, path={path!r}):
    state = [0.0, 0.0]
    def now():
        if steady() - state[0] > {cache_s}:
            state[0] = steady()
            try:
                with open(path) as file:
                    state[1] = float(file.read())
            except (OSError, ValueError):
                pass
        return real() + state[1]
    return now

time.time = _shifted()
if "patroni" in sys.orig_argv:
    os.environ["LD_PRELOAD"] = {library!r}
"""


def check() -> None:
    """Raise `RegionError` when this machine has no libfaketime."""
    _library()


def is_own(root: Path) -> bool:
    """Whether the place's processes read the clock through the file (if started since)."""
    return (root / "clock").exists()


def make_own(root: Path) -> None:
    """From its next start on the place has a clock of its own, which shows the right time."""
    owner = root.stat()
    site = root / "clock.d"
    site.mkdir(exist_ok=True)
    text = _SITE.format(path=str(root / "clock"), cache_s=_CACHE_S, library=_library())
    (site / "sitecustomize.py").write_text(text)
    for path in (site, site / "sitecustomize.py"):
        os.chown(path, owner.st_uid, owner.st_gid)
    jump(root, 0.0)


def jump(root: Path, seconds: float) -> None:
    """The place's clock shows so much more than the machine's, within a second or two."""
    owner, fresh = root.stat(), root / "clock.new"
    fresh.write_text(f"{seconds:+.0f}\n")
    os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.rename(root / "clock")


def give_up(root: Path) -> None:
    """From its next start on the place has the machine's clock again."""
    (root / "clock").unlink(missing_ok=True)
    shutil.rmtree(root / "clock.d", ignore_errors=True)


def environment(root: Path) -> dict[str, str]:
    """What the place's processes need in their environment; nothing as a rule."""
    if not is_own(root):
        return {}
    return {
        "PYTHONPATH": str(root / "clock.d"),
        "FAKETIME_TIMESTAMP_FILE": str(root / "clock"),
        "FAKETIME_CACHE_DURATION": str(_CACHE_S),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _library() -> str:
    for path in _LIBRARIES:
        if os.path.exists(path):
            return path
    raise RegionError("A clock that jumps needs libfaketime: apt-get install faketime.")
