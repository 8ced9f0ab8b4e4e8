"""Decides what to ask the record next, for ever: the first load, then changes, and comparisons.

Where it was is kept in the copy with what it brought, so nothing is asked twice and nothing left out,
whenever the process dies. After a first load, and after a change of epoch, everything is compared; that it
has to be is kept in the copy too.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from altid.lookup.change import Digest, Position
from altid.lookup.copy import SET_META, Copy
from altid.lookup.damage import CopyDamagedError, CopyFullError
from altid.lookup.entry.line import LineDownError
from altid.lookup.file import Connection
from altid.lookup.rows import DIGEST_BYTES
from altid.lookup.sync.feed import PARTS_MAX, Batch, Digests, EpochError, Feed, FeedError

SOURCE = "record"
COMPARE_EVERY_S = 600.0
"""So often all groups are compared: a second's work for the record."""
_PATIENTS_EVERY_S = 5.0
"""How soon a ward's copy has somebody who comes to the ward."""
_PAUSE_S = (1.0, 10.0)
_AFTER, _DONE, _EPOCH, _CURSOR = "load after", "load done", "load epoch", "load cursor"
_COMPARE, _YES = "must compare", "yes"
_FETCHED_MAX = 30_000
"""Resources that are asked for at once when groups are fetched again: some tens of MB."""
_BATCHES_MAX = 100
"""Of changes, before a comparison: who is further behind compares later."""
_FULL_PAUSE_S = 30.0

Phase = Literal["waiting", "loading", "following", "repairing"]

_log = logging.getLogger("altid.lookup.sync")


@dataclass(slots=True)
class State:
    """For whoever looks: what it is doing. `done` of `total` and `per_s`: of the first load."""

    phase: Phase = "waiting"
    done: int = 0
    total: int = 0
    per_s: float = 0.0
    source: str | None = None
    problem: str = ""
    """Why it does not get on; "" when it does."""
    differences: int = 0
    """Groups of patients that differed from the record for no reason that we know, and were fetched again: an
    alarm."""
    compared_s: float | None = None
    """When everything was last compared and the same (time.time())."""


class Syncer:
    """Of one copy. `wards`: what it keeps; none: everything."""

    def __init__(
        self,
        copy: Copy,
        feed: Feed,
        wards: Collection[str] = (),
        *,
        named: Callable[[], str | None] = lambda: None,
        compare_every_s: float = COMPARE_EVERY_S,
    ) -> None:
        self._copy, self._feed, self._wards, self._named = copy, feed, wards, named
        self._compare_every_s = compare_every_s
        self._compare_at_s = time.monotonic() + compare_every_s * random.uniform(0.2, 1.0)
        self._patients_at_s = 0.0
        self._keeps_some = bool(wards)
        self.state = State()

    async def run(self) -> None:
        """Never ends by itself; raises `CopyDamagedError`: then the copy must be made anew."""
        pause_s = _PAUSE_S[0]
        while True:
            try:
                await self.step()
                pause_s, self.state.problem = _PAUSE_S[0], ""
                self.state.source = self._named()
                continue
            except LineDownError:
                self._hold("no line")
            except FeedError as error:
                self._hold(str(error))
            except CopyFullError:
                self._hold("the disk is full")
                pause_s = _FULL_PAUSE_S
            except (CopyDamagedError, asyncio.CancelledError):
                raise
            except Exception as error:  # a fault of ours must not end the feed; it is told and tried again
                self._hold(type(error).__name__)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, _PAUSE_S[1])

    async def step(self) -> None:
        """One question and what comes of it."""
        position = (await _in_thread(self._copy.positions)).get(SOURCE)
        if position is None:
            await self._load()
        elif time.monotonic() >= self._compare_at_s or await self._must_compare():
            await self._compare(position)
        else:
            await self._follow(position)

    async def _must_compare(self) -> bool:
        return await _in_thread(self._copy.meta, _COMPARE) == _YES

    def _hold(self, problem: str) -> None:
        if problem != self.state.problem:
            _log.warning("the copy does not get on: %s", problem)
        self.state.problem = problem
        if self.state.phase != "loading":
            self.state.phase = "waiting"

    # The first load

    async def _load(self) -> None:
        """Page by page, resuming in the middle; the position is set when all is there."""
        wanted = await self._feed.patients() if self._wards else None
        self._keeps_some = wanted is not None
        after = await _in_thread(self._copy.meta, _AFTER) or ""
        progress = _Progress(self.state, int(await _in_thread(self._copy.meta, _DONE) or 0) if after else 0)
        while True:
            page = await self._feed.snapshot(after)
            told = {_AFTER: page.after, _DONE: str(self.state.done + len(page.changes))}
            if not after:
                # The changes go on from the first page: what is written while we load comes again with them.
                told |= {_CURSOR: page.cursor, _EPOCH: page.epoch}
            elif page.epoch != await _in_thread(self._copy.meta, _EPOCH):
                await _in_thread(self._copy.set_meta, _AFTER, "")
                return  # anew; what the old past leaves behind is found by the comparison at the end
            await _in_thread(partial(self._copy.load, page.changes, SOURCE, told, only=wanted))
            progress.add(len(page.changes), page.total)
            after = page.after
            if page.is_last:
                break
        if wanted is not None:
            await self._keep_patients(wanted)
        cursor = await _in_thread(self._copy.meta, _CURSOR) or ""
        epoch = await _in_thread(self._copy.meta, _EPOCH) or ""
        await self._begin_at(Position(SOURCE, epoch, cursor))

    async def _begin_at(self, position: Position) -> None:
        """All is there that was there at this position; then what came since, then a comparison. Until that
        is done no heartbeat is believed."""

        def also(connection: Connection) -> None:
            connection.executemany(SET_META, [(_COMPARE, _YES), (_AFTER, "")])

        await _in_thread(self._copy.apply, (), position, None, also)

    # Changes

    async def _follow(self, position: Position) -> None:
        if self._wards and time.monotonic() >= self._patients_at_s:
            await self._keep_patients(await self._feed.patients())
        try:
            batch = await self._feed.changes(position.cursor, position.epoch)
        except EpochError:
            await self._repair()
            return
        await self._take(batch)

    async def _take(self, batch: Batch, *, believed: bool = True) -> None:
        heartbeat = batch.heartbeat if believed else None
        position = Position(SOURCE, batch.epoch, batch.cursor)
        only = await _in_thread(self._copy.patients) if self._keeps_some and batch.changes else None
        await _in_thread(partial(self._copy.apply, batch.changes, position, heartbeat, only=only))
        self.state.phase = "following"

    async def _keep_patients(self, wanted: Collection[str] | None) -> None:
        """Of a ward's copy: bring who has come, forget who has left."""
        self._patients_at_s = time.monotonic() + _PATIENTS_EVERY_S
        if wanted is None:
            return
        known = await _in_thread(self._copy.patients)
        for identity in sorted(set(wanted) - known):
            changes = await self._feed.patient(identity)
            await _in_thread(self._copy.replace_patient, SOURCE, identity, changes)
        gone = sorted(known - set(wanted))
        if gone:
            await _in_thread(self._copy.forget, gone)

    # Comparing

    async def _compare(self, position: Position) -> None:
        """All groups with the record's; those that differ twice are fetched again, whole."""
        self._compare_at_s = time.monotonic() + self._compare_every_s * random.uniform(0.8, 1.2)
        try:
            theirs, suspects = await self._differing(position)
            if suspects:
                theirs, again = await self._differing(position)
                suspects &= again
        except EpochError:
            await self._repair()
            return
        if suspects:
            _log.error("%d groups of patients differ from the record: fetching them again", len(suspects))
        await self._fetch_again(theirs, suspects)
        self.state.differences += len(suspects)
        self.state.compared_s = time.time()
        await _in_thread(self._copy.set_meta, _COMPARE, "")
        self.state.phase = "following"

    async def _differing(self, position: Position) -> tuple[Digests, set[int]]:
        """What the record has at some moment, and which groups differ from it when we are just there."""
        believed = not await self._must_compare()
        if self._wards:
            await self._keep_patients(await self._feed.patients())
        position = await self._catch_up(position, believed=believed)
        theirs = await self._feed.digests()
        if theirs.epoch != position.epoch:
            raise EpochError(theirs.epoch)
        await self._catch_up(position, believed=believed, until=theirs.cursor)
        return theirs, await self._unequal(theirs)

    async def _repair(self) -> None:
        """The record's past has changed: what differs is fetched, and only then the position is of the new
        past. Whenever this is broken off, it is begun anew."""
        _log.warning("the record's past may have changed: comparing everything")
        theirs = await self._feed.digests()
        await self._fetch_again(theirs, await self._unequal(theirs))
        await self._begin_at(Position(SOURCE, theirs.epoch, theirs.cursor))

    async def _fetch_again(self, theirs: Digests, groups: Collection[int]) -> None:
        for some in _portions(theirs, sorted(groups)):
            self.state.phase = "repairing"
            await _in_thread(self._copy.replace_parts, SOURCE, some, await self._feed.parts(some))

    async def _catch_up(self, position: Position, *, believed: bool, until: str | None = None) -> Position:
        for _ in range(_BATCHES_MAX):
            batch = await self._feed.changes(position.cursor, position.epoch, wait_s=0, until=until)
            await self._take(batch, believed=believed)
            position = Position(SOURCE, batch.epoch, batch.cursor)
            if batch.is_caught_up:
                break
        return position

    async def _unequal(self, theirs: Digests) -> set[int]:
        """Groups that differ now."""
        ours = await _in_thread(self._copy.digests, SOURCE)
        return {
            number
            for number in ours.keys() | theirs.parts.keys()
            if ours.get(number, _NOTHING) != theirs.parts.get(number, _NOTHING)
        }


def _portions(theirs: Digests, groups: Sequence[int]) -> Iterator[list[int]]:
    """So many groups at once as an answer holds; one that has more by itself."""
    some: list[int] = []
    size = 0
    for number in groups:
        count = theirs.parts.get(number, _NOTHING).count
        if some and (len(some) == PARTS_MAX or size + count > _FETCHED_MAX):
            yield some
            some, size = [], 0
        some.append(number)
        size += count
    if some:
        yield some


class _Progress:
    """Of the first load, for whoever waits for it."""

    def __init__(self, state: State, done: int) -> None:
        state.phase, state.done = "loading", done
        self._state, self._began, self._began_s = state, done, time.monotonic()

    def add(self, count: int, total: int) -> None:
        self._state.done += count
        self._state.total = total
        self._state.per_s = (self._state.done - self._began) / max(1e-3, time.monotonic() - self._began_s)


_NOTHING = Digest(0, bytes(DIGEST_BYTES))
_in_thread = asyncio.to_thread
