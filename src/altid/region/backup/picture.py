"""What `altid status` and `altid backup list` show of the backups, read from their folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from altid.record.backup.catalogue import good, read_backups
from altid.record.backup.state import read_state
from altid.region.backup.folder import backup_folder
from altid.region.layout import Layout
from altid.region.topology import Region


def picture(where: Layout, region: Region) -> dict[str, Any]:
    """The newest backups, and how far the log is archived. Times are ISO 8601; null for what is not there."""
    folder = backup_folder(where, region)
    state = read_state(folder)
    try:
        usable = good(read_backups(folder))
    except PermissionError:
        return {"folder": str(folder), "state": "unreadable", "reason": "this user may not read the folder"}
    last = {kind: max((one.finished for one in usable if one.kind == kind), default=None) for kind in _KINDS}
    until, gap_at = state.archived_until, state.gap_at
    if gap_at and last["full"] and max(one.started for one in usable if one.kind == "full") >= gap_at:
        gap_at = None  # mended: a full backup was taken since
    return {
        "folder": str(folder),
        "state": state.state,
        "last_full": _text(last["full"]),
        "last_incremental": _text(last["incremental"]),
        "archived_until": _text(until),
        "age_s": None if until is None else round(max(0.0, (datetime.now(UTC) - until).total_seconds()), 1),
        "verified": _text(usable[-1].verified if usable else None),
        "gap_at": _text(gap_at),
        "reason": state.reason,
    }


_KINDS = ("full", "incremental")


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
