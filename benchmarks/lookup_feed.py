"""How fresh a copy is while the record is written to, and how fast it is loaded: a feed without a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from altid.lookup.change import Change
from altid.lookup.copy import Copy
from altid.lookup.entry.line import Answer
from altid.lookup.sync.feed import Feed
from altid.lookup.sync.syncer import Syncer
from benchmarks.latency import Latency, summarize

RATE = 200.0
_PAGE = 1_000


@dataclass
class Record:
    """Lines of the feed, made beforehand; `write` adds some."""

    lines: list[bytes]
    written_s: list[float] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    first: int = 0

    def write(self, line: bytes) -> None:
        self.lines.append(line)
        self.written_s.append(time.perf_counter())
        self.changed.set()

    async def __call__(self, _method: str, path: str, _body: bytes | None) -> Answer:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        after = int(query.get("after", 0))
        if parts.path == "/feed/digests":
            # As if all were the same: the comparison is not what is measured.
            return Answer(200, orjson.dumps({"cursor": str(len(self.lines)), "epoch": "1", "groups": []}))
        if parts.path == "/feed/changes" and after >= len(self.lines):
            self.changed.clear()
            try:
                async with asyncio.timeout(float(query["wait"])):
                    await self.changed.wait()
            except TimeoutError:
                pass
        some = self.lines[after : after + _PAGE]
        last: dict[str, Any] = {"cursor": str(after + len(some)), "epoch": "1"}
        if parts.path == "/feed/snapshot":
            last |= {"after": after + len(some), "done": after + len(some) >= len(self.lines)}
            last |= {"total": len(self.lines), "cursor": str(len(self.lines))}
        else:
            beat = {"at": datetime.now(UTC).isoformat()}
            last |= {"caught_up": after + len(some) >= len(self.lines), "heartbeat": beat}
        return Answer(200, b"\n".join([*some, orjson.dumps(last)]))


def line_of(change: Change) -> bytes:
    told = {"type": change.type, "id": change.id, "version": change.version, "at": change.at.isoformat()}
    return orjson.dumps(told)[:-1] + b',"body":' + (change.body or b"null") + b"}"


async def first_load(copy: Copy, changes: Sequence[Change]) -> float:
    """Resources a second, with the reading of the lines."""
    record = Record([line_of(change) for change in changes])
    began_s = time.perf_counter()
    await Syncer(copy, Feed(record)).step()
    return len(changes) / (time.perf_counter() - began_s)


async def freshness(copy: Copy, changes: Sequence[Change], seconds: float) -> Latency | None:
    """From a change in the record until the copy has it on its disk, at `RATE` changes a second."""
    record = Record([line_of(change) for change in changes])
    syncer = Syncer(copy, Feed(record), compare_every_s=1e9)
    await syncer.step()
    copy.set_meta("must compare", "")
    record.first, here_s = len(record.lines), list[float]()
    observations = [change for change in changes if change.type == "Observation"]
    writing = asyncio.create_task(_write(record, observations, seconds))
    while not writing.done() or len(here_s) < len(record.written_s):
        await syncer.step()
        have = int(copy.positions()["record"].cursor) - record.first
        here_s += [time.perf_counter()] * (have - len(here_s))
    return summarize([here - written for here, written in zip(here_s, record.written_s, strict=True)])


async def _write(record: Record, observations: Sequence[Change], seconds: float) -> None:
    began_s, count = time.perf_counter(), int(RATE * seconds)
    for number in range(count):
        await asyncio.sleep(max(0.0, began_s + number / RATE - time.perf_counter()))
        one = observations[number % len(observations)]
        version = 2 + number // len(observations)
        record.write(line_of(Change(one.type, one.id, version, datetime.now(UTC), one.body)))
