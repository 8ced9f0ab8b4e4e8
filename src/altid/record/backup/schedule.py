"""When a base backup is due, and which are old enough to go. Pure: the clock and the backups come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from altid.record.backup.catalogue import Backup, Kind, chain, good


@dataclass(frozen=True, slots=True)
class Plan:
    """How often, and for how long."""

    full_every: timedelta
    incremental_every: timedelta
    keep: timedelta
    """Any moment within so long can be brought back."""


@dataclass(frozen=True, slots=True)
class Due:
    """The backup to take now."""

    kind: Kind
    parent: Backup | None = None


def due(
    backups: Sequence[Backup], now: datetime, plan: Plan, *, gap_at: datetime | None = None
) -> Due | None:
    """What is to be taken now. After a gap in the log only a full backup taken since then helps."""
    usable = [one for one in good(backups) if gap_at is None or _root(one, backups).started >= gap_at]
    if not usable:
        return Due("full")
    newest = usable[-1]
    if now - _root(newest, backups).started >= plan.full_every:
        return Due("full")
    if now - newest.started >= plan.incremental_every:
        return Due("incremental", newest)
    return None


def wished(kind: Kind, backups: Sequence[Backup], gap_at: datetime | None = None) -> Due:
    """What to take when somebody asks for one: an incremental needs a good one to stand on."""
    usable = [one for one in good(backups) if gap_at is None or _root(one, backups).started >= gap_at]
    return Due("incremental", usable[-1]) if kind == "incremental" and usable else Due("full")


def outdated(backups: Sequence[Backup], now: datetime, plan: Plan) -> list[Backup]:
    """The backups that may go. A chain goes as a whole, once a younger good full backup is older than `keep`.

    So the newest good chain always stays, and so does everything that a kept backup stands on.
    """
    fulls = [one for one in good(backups) if one.kind == "full" and one.finished <= now - plan.keep]
    if not fulls:
        return []
    first = fulls[-1]
    kept = {first.name}
    for one in sorted(backups, key=lambda backup: backup.started):
        if one.parent in kept or (one.kind == "full" and one.started >= first.started):
            kept.add(one.name)
    return [one for one in backups if one.name not in kept]


def log_needed_from(backups: Sequence[Backup]) -> int | None:
    """The position from which the log must be kept; None (keep all) while there is no good backup."""
    return min((one.first for one in good(backups)), default=None)


def _root(backup: Backup, backups: Sequence[Backup]) -> Backup:
    links = chain(backup, backups)
    assert links is not None, "asked only of good ones"
    return links[0]
