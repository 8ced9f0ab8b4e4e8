"""Where a region's backups are, and how it is known that they are its own."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from altid.record.backup.schedule import Plan
from altid.region.layout import Layout, Secrets
from altid.region.topology import Region

_KEY_CHARACTERS = 16


def backup_folder(where: Layout, region: Region) -> Path:
    """The folder of the region file, else `backup` in the witness' folder."""
    if region.backup.folder:
        return Path(region.backup.folder)
    return where.place(region.witness.name).root / "backup"


def owner_of(region: Region, secrets: Secrets) -> dict[str, str]:
    """What marks a backup folder as this region's: a restored region has other passwords, so another key."""
    key = hashlib.sha256(f"backup {secrets.replication}".encode()).hexdigest()[:_KEY_CHARACTERS]
    return {"region": region.name, "key": key}


def plan_of(region: Region) -> Plan:
    """The region's schedule."""
    backup = region.backup
    return Plan(
        timedelta(hours=backup.full_every_h),
        timedelta(hours=backup.incremental_every_h),
        timedelta(days=backup.keep_days),
    )
