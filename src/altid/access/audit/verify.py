"""Proves that the table `audit` is what was recorded: nothing missing, altered, moved or cut off.

Each writer's chain is computed again from its first event, with the access secret. A tail that was cut off
leaves a chain that is whole, so how far each chain must go is taken from elsewhere: the checkpoints in the
chains of other writers, and the journals on disk, which let go of a segment only when the table had it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from altid.access.audit.event import decode
from altid.access.audit.store import PURPOSE, Row, row_of
from altid.access.journal.journals import SET_ASIDE, journals
from altid.access.journal.sealed import START, Chain, Head, Record, Sealer
from altid.access.journal.segment import DamageError, Reader, read_header, read_mark, segments
from altid.access.secret import AccessSecret, equal
from altid.record.database import Connection

FINDINGS_MAX = 1000
"""Who has to look at more than this has lost the table."""
_ROWS = 2000
_MOVED_MAX = 64
"""Altered rows among which it is looked whether they only changed places."""


class Kind(StrEnum):
    MISSING = "missing"
    """Events that are not there, though later ones of the same writer are."""
    ALTERED = "altered"
    """A row that is not what was recorded."""
    MOVED = "moved"
    """An event that stands under another number than its own."""
    CUT = "cut"
    """The newest events of a writer are not there."""
    JOURNAL = "journal"
    """A journal on disk was altered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`first` to `last` are numbers of events of the writer."""

    kind: Kind
    writer: str
    first: int
    last: int
    text: str


@dataclass(slots=True)
class Report:
    """Sound, if nothing was found."""

    events: int = 0
    writers: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings

    def add(self, kind: Kind, writer: str, first: int, last: int, text: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(kind, writer, first, last, text))


async def verify(
    connection: Connection, secret: AccessSecret, folders: Iterable[Path] = (), since: datetime | None = None
) -> Report:
    """Look at all rows, or at those from the first of each writer on that is not older than `since`.

    `folders`: those of journals that can be read here. Call it in a transaction of its own that sees one
    state (REPEATABLE READ).
    """
    report, chain = Report(), Chain(secret, PURPOSE)
    anchors: dict[str, Head] = {}
    for folder in folders:
        _look_at_journals(folder, secret, anchors, report)
    ends: dict[str, Head] = {}
    for writer in [row["writer"] for row in await connection.fetch(_WRITERS)]:
        before = await _before(connection, writer, since)
        if before is not None:
            ends[writer] = await _verify_writer(connection, chain, writer, before, anchors, report)
    report.writers = len(ends)
    await _look_at_ends(connection, anchors, ends, report)
    return report


async def _before(connection: Connection, writer: str, since: datetime | None) -> Head | None:
    """The row that the chain is taken up after; None if there is nothing of that time."""
    if since is None:
        return START
    first = await connection.fetchval(_FIRST_SINCE, writer, since)
    if first is None:
        return None
    row = await connection.fetchrow(_ROW_BEFORE, writer, first)
    return START if row is None else Head(row["seq"], row["hash"])


async def _verify_writer(
    connection: Connection,
    chain: Chain,
    writer: str,
    before: Head,
    anchors: dict[str, Head],
    report: Report,
) -> Head:
    """Follow one chain to its end; collect the anchors that its checkpoints hold."""
    wrong: list[tuple[Head, Row]] = []
    async for row in _rows(connection, writer, before.seq):
        report.events += 1
        report.oldest = min(report.oldest or row.at, row.at)
        report.newest = max(report.newest or row.at, row.at)
        if row.seq != before.seq + 1:
            report.add(Kind.MISSING, writer, before.seq + 1, row.seq - 1, "not in the table")
        elif not equal(chain.link(before.hash, writer, row.seq, row.body), row.hash):
            wrong.append((before, row))
        elif not _is_indexed_right(row):
            report.add(Kind.ALTERED, writer, row.seq, row.seq, "a column differs from the event")
        elif row.action == "checkpoint":
            _take_anchors(row, anchors)
        before = Head(row.seq, row.hash)
    _judge(chain, writer, wrong, report)
    return before


async def _rows(connection: Connection, writer: str, after: int) -> AsyncIterator[Row]:
    while True:
        rows = await connection.fetch(_CHAIN, writer, after, _ROWS)
        for row in rows:
            yield Row(*row)
        if len(rows) < _ROWS:
            return
        after = rows[-1]["seq"]


def _is_indexed_right(row: Row) -> bool:
    try:
        return row == row_of(row.writer, Record(row.seq, row.hash, row.body))
    except ValueError:
        return False


def _judge(chain: Chain, writer: str, wrong: Sequence[tuple[Head, Row]], report: Report) -> None:
    """Of rows that don't follow the one before: moved, or altered."""
    some = wrong[:_MOVED_MAX]
    hashes = {before.hash for before, _ in some} | {row.hash for _, row in some}
    numbers = {row.seq for _, row in some}
    for _, row in wrong:
        own = next((n for n in numbers - {row.seq} if _fits(chain, writer, n, row, hashes)), None)
        if own is not None:
            report.add(Kind.MOVED, writer, row.seq, row.seq, f"this is event {own}")
        elif not _fits(chain, writer, row.seq, row, hashes):
            report.add(Kind.ALTERED, writer, row.seq, row.seq, "not what was recorded")


def _fits(chain: Chain, writer: str, seq: int, row: Row, hashes: Iterable[bytes]) -> bool:
    return any(equal(chain.link(before, writer, seq, row.body), row.hash) for before in hashes)


def _take_anchors(row: Row, anchors: dict[str, Head]) -> None:
    event, _ = decode(row.body)
    for writer, seq, hash_ in event.heads:
        _anchor(anchors, writer, Head(seq, bytes.fromhex(hash_)))


def _anchor(anchors: dict[str, Head], writer: str, head: Head) -> None:
    if head.seq > anchors.get(writer, START).seq:
        anchors[writer] = head


async def _look_at_ends(
    connection: Connection, anchors: dict[str, Head], ends: dict[str, Head], report: Report
) -> None:
    """Whether each chain goes as far as was noted, and through what was noted."""
    for writer, noted in sorted(anchors.items()):
        row = await connection.fetchrow(_ROW_AT, writer, noted.seq)
        if row is not None:
            if not equal(row["hash"], noted.hash):
                report.add(Kind.ALTERED, writer, noted.seq, noted.seq, "another event was noted elsewhere")
            continue
        end = ends.get(writer) or Head(*(await connection.fetchrow(_END, writer) or START))
        if end.seq < noted.seq:
            report.add(Kind.CUT, writer, end.seq + 1, noted.seq, "noted elsewhere, and not in the table")


def _look_at_journals(folder: Path, secret: AccessSecret, anchors: dict[str, Head], report: Report) -> None:
    """Read the journals of a folder, also while they are written."""
    for path in journals(folder):
        sealer = Sealer(secret, PURPOSE, path.name)
        known = segments(path)
        try:
            acknowledged = read_mark(path, sealer)
            if known:
                _anchor(anchors, path.name, read_header(known[0], sealer))
        except DamageError as error:
            report.add(Kind.JOURNAL, path.name, 0, 0, str(error))
            continue
        except FileNotFoundError:
            continue  # shipped and deleted in this moment
        reader = Reader(path, sealer)
        with suppress(FileNotFoundError):  # likewise, while it was read
            reader.skip_to(0)
            while reader.read(acknowledged, _ROWS):
                pass
        for damage in reader.damages:
            report.add(Kind.JOURNAL, path.name, reader.head.seq + 1, acknowledged, str(damage))
        if (path / SET_ASIDE).exists() and not reader.damages:
            report.add(Kind.JOURNAL, path.name, 0, 0, f"{path} was set aside")


_WRITERS = """
WITH RECURSIVE w AS (
    (SELECT writer FROM audit ORDER BY writer LIMIT 1)
    UNION ALL
    SELECT (SELECT a.writer FROM audit a WHERE a.writer > w.writer ORDER BY a.writer LIMIT 1)
      FROM w WHERE w.writer IS NOT NULL
)
SELECT writer FROM w WHERE writer IS NOT NULL
"""
_CHAIN = """
SELECT writer, seq, at, subject, action, patients, body, hash
  FROM audit WHERE writer = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
_FIRST_SINCE = "SELECT min(seq) FROM audit WHERE writer = $1 AND at >= $2"
_ROW_BEFORE = "SELECT seq, hash FROM audit WHERE writer = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1"
_ROW_AT = "SELECT hash FROM audit WHERE writer = $1 AND seq = $2"
_END = "SELECT seq, hash FROM audit WHERE writer = $1 ORDER BY seq DESC LIMIT 1"
