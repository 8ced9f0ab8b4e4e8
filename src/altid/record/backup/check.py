"""Read all that is kept once more, and write down what was found: `altid backup verify`."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from altid.record.backup.catalogue import Backup, good, mark, read_backups
from altid.record.backup.verify import DamageError, verify
from altid.record.backup.wal import PACKED, SEGMENT_BYTES, read_archive
from altid.record.postgres.account import Account

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogCheck:
    """What was found of the log."""

    segments: int
    damaged: tuple[str, ...]
    whole: bool
    """Whether the log goes from the newest good backup to its end without a gap."""


def check_backup(folder: Path, backup: Backup, account: Account) -> Backup:
    """Read the whole backup; gives it with what was found, which is also written down beside it."""
    try:
        verify(folder / "base" / backup.name)
    except DamageError as error:
        return mark(folder, backup, None, str(error), account)
    return mark(folder, backup, datetime.now(UTC), "", account)


def check_log(folder: Path) -> LogCheck:
    """Read every complete segment of the log."""
    archive = read_archive(folder)
    damaged = [path.name for path in archive.complete.values() if not _is_whole(path)]
    newest = good(read_backups(folder))[-1:]
    whole = all(archive.run_from(backup.last)[1] for backup in newest)
    return LogCheck(len(archive.complete), tuple(sorted(damaged)), whole)


def _is_whole(path: Path) -> bool:
    size = 0
    try:
        with gzip.open(path) if path.name.endswith(PACKED) else path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                size += len(block)
    except FileNotFoundError:
        return True  # packed or removed in this very moment
    except (OSError, EOFError, zlib.error):
        return False
    return size == SEGMENT_BYTES
