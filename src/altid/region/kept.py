"""Keeps what a rewind would throw away: the write-ahead log of a primary that ended without a shutdown.

When such a site comes back and the other one leads, pg_rewind makes it a copy of that one. What it had
written beyond was never acknowledged, but somebody may want to see it (`pg_waldump`). So, before its
PostgreSQL is started again, the segments since its last checkpoint are copied to `kept/` in its folder.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_SEGMENTS_MAX = 8
"""128 MB: more than a primary of a region writes between its last checkpoint's neighbourhood and its end."""

_FOLDERS_MAX = 5
"""Of so many ends the log is kept; the oldest goes first."""

_CONTROL_S_MAX = 10
_SEGMENT = re.compile(r"[0-9A-F]{24}")


def keep(cluster: Path, kept: Path, postgres_bin: Path) -> Path | None:
    """Copy the segments if the cluster was a running primary when it ended; gives the folder, or None."""
    told = _control(cluster, postgres_bin)
    if told.get("Database cluster state") != "in production":
        return None
    first = told.get("Latest checkpoint's REDO WAL file", "")
    if not _SEGMENT.fullmatch(first):
        return None
    # The first eight digits are the timeline, the rest the place in the log.
    segments = sorted(
        path
        for path in (cluster / "pg_wal").iterdir()
        if _SEGMENT.fullmatch(path.name) and path.name[:8] == first[:8] and path.name >= first
    )
    folder = kept / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder.mkdir(parents=True, mode=0o700)
    for segment in segments[:_SEGMENTS_MAX]:
        shutil.copyfile(segment, folder / segment.name)
    _prune(kept)
    return folder


def _control(cluster: Path, postgres_bin: Path) -> dict[str, str]:
    """What pg_controldata tells of the cluster; nothing if there is none."""
    if not (cluster / "global" / "pg_control").is_file():
        return {}
    try:
        result = subprocess.run(  # noqa: S603
            [str(postgres_bin / "pg_controldata"), "-D", str(cluster)],
            capture_output=True,
            text=True,
            timeout=_CONTROL_S_MAX,
            check=False,
            env={"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = (line.split(":", 1) for line in result.stdout.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in lines}


def _prune(kept: Path) -> None:
    folders = sorted(path for path in kept.iterdir() if path.is_dir())
    for folder in folders[:-_FOLDERS_MAX]:
        shutil.rmtree(folder)
