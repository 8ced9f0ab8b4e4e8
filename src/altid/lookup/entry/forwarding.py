"""Tells the record of the looks at this place, in order and without a gap, as soon as there is a line.

The record says how far it has got; nothing else is kept of that here. So what is sent twice is the same look,
and a record that was restored from a backup is told again what it lost, as long as it is still here.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import orjson

from altid.access.journal.sealed import Head, Record
from altid.access.journal.segment import Reader
from altid.lookup.entry.line import Line
from altid.lookup.entry.looks import Looks

PATH = "/feed/looks"
BATCH = 500
"""Looks in one request: some 300 kB."""
KEPT_SEGMENTS_MIN = 2
"""Stay on this disk though the record has them: what a restored record is told again."""

_log = logging.getLogger("altid.lookup.entry")


class ForwardError(Exception):
    """The record does not take the looks, or knows other ones of this copy. For people: nothing is lost."""


class Forwarder:
    """Of one process's looks."""

    def __init__(self, looks: Looks, line: Line) -> None:
        self._looks, self._line = looks, line

    async def forward(self) -> int:
        """Send all that the record does not have yet; gives how many. Raises `LineDownError`,
        `ForwardError`."""
        journal = self._looks.journal
        last = await self._send([])
        sent = 0
        reader = _reader_after(self._looks, last)
        while last < journal.head.seq:
            before = reader.head
            records = reader.read(journal.head.seq, BATCH)
            if not records:
                raise ForwardError(f"looks after {last} can't be read: {len(reader.damages)} damages")
            last = await self._send(_as_sent(before, records))
            if last != records[-1].seq:
                raise ForwardError(f"the record has kept {last}, and not {records[-1].seq}")
            sent += len(records)
        self._release(last)
        return sent

    async def _send(self, looks: list[dict[str, Any]]) -> int:
        """How far the record has got."""
        body = json.dumps({"copy": self._looks.journal.writer, "looks": looks}, ensure_ascii=False).encode()
        answer = await self._line("POST", PATH, body)
        if answer.status != 200:
            raise ForwardError(f"{PATH} has answered {answer.status}")
        try:
            last = int(orjson.loads(answer.body)["last"])
        except (ValueError, KeyError, TypeError):
            raise ForwardError(f"{PATH} has answered something else than how far it is") from None
        if last > self._looks.journal.head.seq:
            raise ForwardError(
                f"the record has {last} looks of this copy, which has {self._looks.journal.head.seq}"
            )
        return last

    def _release(self, last: int) -> None:
        firsts = self._looks.journal.firsts()
        if len(firsts) > KEPT_SEGMENTS_MIN:
            self._looks.journal.release(min(last, firsts[-KEPT_SEGMENTS_MIN] - 1))


def _reader_after(looks: Looks, last: int) -> Reader:
    reader = Reader(looks.journal.folder, looks.journal.sealer)
    reader.skip_to(last)
    if last < looks.journal.head.seq and reader.head.seq != last:
        raise ForwardError(f"looks after {last} are not on this disk any more")
    return reader


def _as_sent(before: Head, records: list[Record]) -> list[dict[str, Any]]:
    sent = []
    for record in records:
        body = orjson.loads(record.body)
        sent.append({"sequence": record.seq, "before": before.hash.hex(), "hash": record.hash.hex(), **body})
        before = record.head
    return sent
