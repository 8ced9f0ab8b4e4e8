"""What the record's feed can be asked (docs/lookup-feed.md): requests out, plain data back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from altid.fhir import json
from altid.lookup.change import Change, Digest, Heartbeat
from altid.lookup.entry.line import Line

WAIT_S = 5
"""So long the record keeps a question for changes open: when nothing is written, the age is known to this."""
PAGE = 1_000
PARTS_MAX = 16
"""Groups that the record gives at once; it looks through everything for them."""


class FeedError(Exception):
    """The answer is none of a feed, or a refusal. `status` is HTTP's; nothing of the answer is quoted."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the feed answered {status}")
        self.status = status


class EpochError(Exception):
    """The source's past may have changed."""

    def __init__(self, epoch: str) -> None:
        super().__init__("the feed has another epoch")
        self.epoch = epoch


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the first load. `cursor`: where the changes begin that it does not have."""

    changes: tuple[Change, ...]
    after: str
    is_last: bool
    cursor: str
    epoch: str
    total: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes, and where to go on. `heartbeat`: the source's, when it had just what comes before `cursor`."""

    changes: tuple[Change, ...]
    cursor: str
    epoch: str
    is_caught_up: bool
    heartbeat: Heartbeat | None


@dataclass(frozen=True, slots=True)
class Digests:
    """What the record has, by group of patients."""

    cursor: str
    epoch: str
    parts: Mapping[int, Digest]


class Feed:
    """Asks over a line. Everything raises `LineDownError` and `FeedError`."""

    def __init__(self, line: Line, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._line, self._clock = line, clock

    async def snapshot(self, after: str) -> Page:
        """The next resources of the first load; `after` is "" at first."""
        query = {"count": PAGE} | ({"after": after} if after else {})
        lines, last = await self._lines(f"/feed/snapshot?{urlencode(query)}")
        return Page(
            tuple(lines),
            str(last["after"]),
            last["done"] is True,
            last["cursor"],
            last["epoch"],
            int(last.get("total", 0)),
        )

    async def changes(
        self, cursor: str, epoch: str, *, wait_s: int = WAIT_S, until: str | None = None
    ) -> Batch:
        """What came after the cursor, and before `until`; waits for it. Raises `EpochError`."""
        query = {"after": cursor, "epoch": epoch, "wait": wait_s} | ({"until": until} if until else {})
        lines, last = await self._lines(f"/feed/changes?{urlencode(query)}")
        return Batch(
            tuple(lines),
            last["cursor"],
            last["epoch"],
            last["caught_up"] is True,
            self._heartbeat(last.get("heartbeat")),
        )

    async def digests(self) -> Digests:
        told = await self._json("/feed/digests")
        parts = {int(one["group"]): _digest(one) for one in told["groups"]}
        return Digests(told["cursor"], told["epoch"], parts)

    async def parts(self, numbers: Sequence[int]) -> tuple[Change, ...]:
        """Some groups of patients, whole: at most `PARTS_MAX`."""
        return tuple((await self._lines(f"/feed/group/{','.join(map(str, numbers))}"))[0])

    async def patients(self) -> frozenset[str] | None:
        """Whom a ward's copy keeps now; None: everybody."""
        told = (await self._json("/feed/patients"))["patients"]
        return None if told is None else frozenset(str(one) for one in told)

    async def patient(self, identity: str) -> tuple[Change, ...]:
        """All of one patient."""
        return tuple((await self._lines(f"/feed/patient/{quote(identity, safe='')}"))[0])

    async def _lines(self, path: str) -> tuple[list[Change], dict[str, Any]]:
        """The changes, and the last line, which is none."""
        body = await self._ask(path)
        lines = [line for line in body.split(b"\n") if line]
        if not lines:
            raise FeedError(200)
        try:
            last: dict[str, Any] = orjson.loads(lines[-1])
            # Not in the loop that answers the pages: a thousand changes take some tens of milliseconds.
            return await asyncio.to_thread(_changes, lines[:-1]), last
        except (ValueError, KeyError, TypeError):
            raise FeedError(200) from None

    async def _json(self, path: str) -> Any:
        try:
            return orjson.loads(await self._ask(path))
        except orjson.JSONDecodeError:
            raise FeedError(200) from None

    async def _ask(self, path: str) -> bytes:
        answer = await self._line("GET", path, None)
        if answer.status == 409:
            raise EpochError(_epoch_of(answer.body))
        if answer.status != 200:
            raise FeedError(answer.status)
        return answer.body

    def _heartbeat(self, told: Any) -> Heartbeat | None:
        if not isinstance(told, dict) or not told.get("at"):
            return None
        return Heartbeat(datetime.fromisoformat(told["at"]), self._clock())


def _changes(lines: Sequence[bytes]) -> list[Change]:
    return [_change(line) for line in lines]


def _change(line: bytes) -> Change:
    """The body's bytes stay as they came, where it stands last in its line, as the record writes it."""
    head, mark, tail = line.partition(b',"body":')
    told: dict[str, Any] = orjson.loads(head + b"}") if mark else json.loads(line)
    body = tail[: tail.rindex(b"}")] if mark else json.dumps(told["body"])
    return Change(
        told["type"],
        told["id"],
        int(told["version"]),
        datetime.fromisoformat(told["at"]),
        None if body == b"null" else body,
    )


def _digest(told: Mapping[str, Any]) -> Digest:
    return Digest(int(told["count"]), bytes.fromhex(told["digest"]))


def _epoch_of(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["epoch"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise FeedError(409) from None
