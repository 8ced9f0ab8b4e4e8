"""Remove what the plan no longer keeps: old chains, the log that only they needed, void log of that age."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from altid.record.backup.catalogue import Backup, read_backups
from altid.record.backup.schedule import Plan, log_needed_from, outdated
from altid.record.backup.take import remove
from altid.record.backup.wal import read_archive, surplus


def prune(folder: Path, plan: Plan, now: datetime) -> list[Backup]:
    """Clear up the backup folder; gives the backups that went. Can be stopped at any point and run again."""
    backups = read_backups(folder)
    gone = outdated(backups, now, plan)
    for backup in gone:
        remove(folder, backup)
    needed = log_needed_from([one for one in backups if one not in gone])
    if needed is not None:
        archive = read_archive(folder)
        for segment in surplus(archive.complete, needed):
            archive.complete[segment].unlink(missing_ok=True)
    before = (now - plan.keep).timestamp()
    for path in (folder / "aside").iterdir():
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
    return gone
