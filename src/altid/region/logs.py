"""Logs that don't grow for ever. A process keeps its file open to append to, so it is copied and cut."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def rotate(folder: Path, bytes_max: int) -> list[str]:
    """Set aside each `*.log` that has grown past the limit, as `*.log.1`; gives their names."""
    rotated = []
    for log in sorted(folder.glob("*.log")):
        try:
            if log.stat().st_size <= bytes_max:
                continue
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)
        except OSError:
            continue  # a full disk: the next round tries again
        rotated.append(log.name)
    return rotated
