"""Whom an identity has grounds for, quickly: looked up once for a whole place of work, and for each person.

A ward's patients are the same for all who work there, so they are read once for all, and at most some seconds
old. What is a person's own (list, broken glass, what patients have blocked) is read for each, and younger
still. Before a refusal stands the caller asks for `fresh` ones.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from altid.access.grounds import NOBODY, TREATING, Own, Place, Reach, reach_of_system
from altid.access.identity import Identity, Role
from altid.access.relations import own_of, place_of
from altid.record.database import Database

PLACE_S, OWN_S = 5.0, 2.0
"""How old what is known of a place, and of a person, may be. Whoever was discharged, or has blocked somebody,
is shown for no longer than this; whoever is newly admitted is seen at once, by the fresh look."""
FRESH_S = 0.2
"""A look that is no older than this is fresh: many refusals must not become many questions."""
PLACES_MAX = 500
"""Wards and hospitals of a region, each with some thousand patients at most: about 100 bytes a patient."""
PEOPLE_MAX = 5_000
"""People that one server process answers within seconds of each other."""

Value = TypeVar("Value")


@dataclass(slots=True)
class _Known(Generic[Value]):
    at_s: float
    value: Value = field(repr=False)


class _Cache(Generic[Value]):
    """The newest value of each key, read by one for all who ask meanwhile."""

    def __init__(self, size_max: int, clock: Callable[[], float]) -> None:
        self._size_max, self._clock = size_max, clock
        self._known: OrderedDict[str, _Known[Value]] = OrderedDict()
        self._underway: dict[str, tuple[float, asyncio.Task[Value]]] = {}

    async def get(self, key: str, age_s_max: float, read: Callable[[], Awaitable[Value]]) -> Value:
        now_s, known = self._clock(), self._known.get(key)
        if known is not None and now_s - known.at_s <= age_s_max:
            self._known.move_to_end(key)
            return known.value
        underway = self._underway.get(key)
        if underway is None or now_s - underway[0] > age_s_max:
            task = asyncio.create_task(self._read(key, read))
            task.add_done_callback(_look_at)
            underway = self._underway[key] = (now_s, task)
        return await asyncio.shield(underway[1])

    def forget(self, key: str) -> None:
        """It has changed: whoever asks from now on is read anew."""
        self._known.pop(key, None)
        self._underway.pop(key, None)

    async def _read(self, key: str, read: Callable[[], Awaitable[Value]]) -> Value:
        began_s = self._clock()
        is_newest = False
        try:
            value = await read()
        finally:
            underway = self._underway.get(key)
            if underway is not None and underway[1] is asyncio.current_task():
                del self._underway[key]
                is_newest = True
        if is_newest:  # what a fresh read has overtaken, or what was forgotten meanwhile, is not kept
            self._keep(key, _Known(began_s, value))
        return value

    def _keep(self, key: str, known: _Known[Value]) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > self._size_max:
            self._known.popitem(last=False)


def _look_at(task: asyncio.Task[Value]) -> None:
    """Whoever asked may have hung up."""
    if not task.cancelled():
        task.exception()


def _utc() -> datetime:
    return datetime.now(UTC)


class Reaches:
    """One for a server process."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """`clock` tells how old something is, `now` what has ended."""
        self._database, self._now = database, now
        self._places: _Cache[Place] = _Cache(PLACES_MAX, clock)
        self._people: _Cache[Own] = _Cache(PEOPLE_MAX, clock)

    async def of(self, identity: Identity, *, fresh: bool = False) -> Reach:
        """Whom the identity has grounds for. Raises what the database raises."""
        if identity.role is Role.SYSTEM:
            return reach_of_system(identity.patient)
        if identity.role not in TREATING:
            return NOBODY
        place = await self._places.get(
            identity.organisation,
            FRESH_S if fresh else PLACE_S,
            lambda: self._read_place(identity.organisation),
        )
        own = await self._people.get(
            _key(identity),
            FRESH_S if fresh else OWN_S,
            lambda: self._read_own(identity, place),
        )
        return Reach(False, place, own, self._now(), identity.patient)

    def forget(self, identity: Identity) -> None:
        """What is the person's own has changed, say by broken glass: it is seen at once."""
        self._people.forget(_key(identity))

    async def _read_place(self, organisation: str) -> Place:
        async with self._database.reading_within() as connection:
            return await place_of(connection, organisation, self._now())

    async def _read_own(self, identity: Identity, place: Place) -> Own:
        async with self._database.reading_within() as connection:
            return await own_of(connection, identity, place.above, self._now())


def _key(identity: Identity) -> str:
    return f"{identity.subject} {identity.role} {identity.organisation}"
