"""Which backups bring back a moment, and what the archive holds at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from altid.record.backup.catalogue import Backup, chain, good, read_backups
from altid.record.backup.moment import show
from altid.record.backup.state import read_state
from altid.record.backup.wal import Archive, Segment, read_archive
from altid.record.postgres.error import PostgresError

_CLOCK = timedelta(seconds=1)
"""A backup's end is timed by the clock beside the archive, commits by the leader's: so far apart at most."""


@dataclass(frozen=True, slots=True)
class Span:
    """Any moment from `begin` to `end` can be brought back."""

    begin: datetime
    end: datetime
    proven: bool
    """See `Choice.proven`."""

    def __str__(self) -> str:
        return f"{show(self.begin)} to {'' if self.proven else 'at most '}{show(self.end)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to restore: the chain of base backups, and the log after it up to `end`."""

    chain: tuple[Backup, ...]
    segments: tuple[Segment, ...]
    """The segments of the log from the last backup on."""

    end: datetime
    whole: bool
    """Whether that is all the log there is: nothing lies beyond a gap."""

    proven: bool
    """Whether all that was committed up to `end` is known to be there. If not, `end` is when the last piece
    of the log arrived, and only the replay shows whether the log reaches a moment before it."""


def choose(folder: Path, moment: datetime | None, now: datetime) -> Choice:
    """The newest chain that ends before the moment (None: the latest). Raises `PostgresError`."""
    if moment is not None and moment > now:
        raise PostgresError(f"{show(moment)} is in the future: it is {show(now)} now.")
    backups, archive = read_backups(folder), read_archive(folder)
    if not good(backups):
        raise PostgresError(
            f"{folder} holds no good base backup yet: `altid backup list` shows what there is."
        )
    until = read_state(folder).archived_until
    for backup in reversed(good(backups)):
        if moment is not None and backup.finished + _CLOCK > moment:
            continue
        found = _choice(backup, backups, archive, until)
        if found and (found.whole if moment is None else moment <= found.end):
            return found
        break
    raise PostgresError(_refusal(moment, spans(backups, archive, until)))


def spans(backups: Sequence[Backup], archive: Archive, until: datetime | None) -> list[Span]:
    """What can be brought back, oldest first; more than one where the log has gaps."""
    found: list[Span] = []
    for backup in good(backups):
        choice = _choice(backup, backups, archive, until)
        begin = backup.finished + _CLOCK
        if choice is None or choice.end < begin:
            continue
        if found and (found[-1].end, found[-1].proven) == (choice.end, choice.proven):
            continue  # the same run of the log
        found.append(Span(begin, choice.end, choice.proven))
    return found


def _choice(
    backup: Backup, backups: Sequence[Backup], archive: Archive, until: datetime | None
) -> Choice | None:
    links = chain(backup, backups)
    segments, whole = archive.run_from(backup.last)
    if links is None or not segments:
        return None
    if whole and until:
        return Choice(links, tuple(segments), until, whole, proven=True)
    arrived = datetime.fromtimestamp(archive.path(segments[-1]).stat().st_mtime, UTC)
    return Choice(links, tuple(segments), arrived, whole, proven=False)


def _refusal(moment: datetime | None, held: Sequence[Span]) -> str:
    if not held:
        return "The archive has no log that follows on its base backups: nothing can be brought back from it."
    told = " and ".join(map(str, held))
    if moment is None:
        return f"The log has a gap after the newest base backup; the archive holds everything from {told}."
    kind = "before the oldest base backup" if moment < held[0].begin else "not in the archive"
    if any(one.end < moment < other.begin for one, other in pairwise(held)):
        kind = "in a gap of the log"
    return f"{show(moment)} is {kind}; the archive holds everything from {told}."
