"""Keeps what a rewind would throw away: the end of the write-ahead log of a former primary.

When a site that led comes back, or only its PostgreSQL had died, and the other one leads, pg_rewind makes it
a copy of that one. What it had written beyond was never acknowledged, but somebody may want to see it
(`pg_waldump`). Patroni is told to run this in place of pg_rewind: it copies the last segments of the log to
`kept/` in the place's folder, and then becomes pg_rewind. Nothing of it can stop the rewind: the site's
return matters more.

`python -m altid.region.kept DATA PLACE BIN ARGUMENTS-OF-PG_REWIND...`
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from altid.region import events
from altid.region.layout import Layout

_SEGMENTS_MAX = 8
"""128 MB: more than a primary writes between losing its standby and its end."""

_FOLDERS_MAX = 5
"""Of so many ends the log is kept; the oldest goes first."""

_CONTROL_S_MAX = 10
_SEGMENT = re.compile(r"[0-9A-F]{24}")


def script(layout: Layout, place: str, python: Path, postgres_bin: Path) -> str:
    """The text of the program that Patroni calls for pg_rewind."""
    words = [str(python), "-m", "altid.region.kept", str(layout.data), place, str(postgres_bin)]
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    return f'#!/bin/sh\nexec {quoted} "$@"\n'


def keep(cluster: Path, kept: Path, postgres_bin: Path) -> Path | None:
    """Copy the newest segments of the cluster's own timeline; gives the folder, or None when there are none.

    The log ends with the segment of the latest checkpoint or soon after it: a primary that died may have
    written more since, one that was shut down or recovered has nothing beyond.
    """
    last = _control(cluster, postgres_bin).get("Latest checkpoint's REDO WAL file", "")
    if not _SEGMENT.fullmatch(last):
        return None
    names = sorted(
        path.name
        for path in (cluster / "pg_wal").iterdir()
        # The first eight digits are the timeline, the rest the place in the log.
        if _SEGMENT.fullmatch(path.name) and path.name[:8] == last[:8]
    )
    before = [name for name in names if name <= last][-_SEGMENTS_MAX // 2 :]
    after = [name for name in names if name > last][: _SEGMENTS_MAX // 2]
    if not before + after:
        return None
    folder = kept / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder.mkdir(parents=True, mode=0o700)
    for name in before + after:
        shutil.copyfile(cluster / "pg_wal" / name, folder / name)
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


def _cluster(arguments: Sequence[str]) -> Path | None:
    """The cluster that pg_rewind is going to change; None when it only tells something."""
    if "--help" in arguments or "--dry-run" in arguments:
        return None
    for option, value in pairwise(arguments):
        if option in ("-D", "--target-pgdata"):
            return Path(value)
    return None


def _keep_and_tell(layout: Layout, place: str, postgres_bin: Path, cluster: Path) -> None:
    try:
        folder = keep(cluster, layout.place(place).root / "kept", postgres_bin)
    except OSError as error:  # a full disk, say
        events.record(layout.events, place, "log not kept", reason=error.strerror)
        return
    if folder is not None:
        events.record(layout.events, place, "log kept", folder=folder.name)


def main(data: str, place: str, postgres_bin: str, arguments: Sequence[str]) -> None:
    """Keep, and become pg_rewind."""
    cluster = _cluster(arguments)
    if cluster is not None:
        _keep_and_tell(Layout(Path(data)), place, Path(postgres_bin), cluster)
    program = str(Path(postgres_bin) / "pg_rewind")
    os.execv(program, [program, *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
