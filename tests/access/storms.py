"""A storm on paper: clients that give up and try again against one line, on a clock of its own.

Events in a heap instead of processes, so a minute of storm takes a moment and always goes the same way.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from altid.access.waiting import Away, Line, LineLimits, Priority, Ticket

CAPACITY = 60.0
AT_ONCE = 2
SERVICE_S = AT_ONCE / CAPACITY
PATIENCE_S = 1.0
TRIES_MAX = 3
RETRY_S = 0.2
"""Mean pause of an impatient client before the next try, whatever it was told."""


class Door(Protocol):
    """What decides who is served."""

    def arrive(self, now_s: float, deadline_s: float) -> object | None: ...
    def take(self, now_s: float) -> object | None: ...
    def done(self, service_s: float) -> None: ...


class Guarded:
    """Our line."""

    def __init__(self) -> None:
        self.line = Line(LineLimits(at_once=AT_ONCE))

    def arrive(self, now_s: float, deadline_s: float) -> Ticket | None:
        answer = self.line.offer(Priority.ORDINARY, deadline_s, now_s)
        self.line.pushed(now_s)
        return None if isinstance(answer, Away) else answer

    def take(self, now_s: float) -> Ticket | None:
        self.line.overdue(now_s)
        return self.line.take(now_s)[0]

    def done(self, service_s: float) -> None:
        self.line.done(service_s)


@dataclass
class Unguarded:
    """What a server without protections does: all wait, first come, first served, to the bitter end."""

    queue: list[object] = field(default_factory=list)
    busy: int = 0

    def arrive(self, _now_s: float, _deadline_s: float) -> object:
        self.queue.append(someone := object())
        return someone

    def take(self, _now_s: float) -> object | None:
        if self.busy == AT_ONCE or not self.queue:
            return None
        self.busy += 1
        return self.queue.pop(0)

    def done(self, _service_s: float) -> None:
        self.busy -= 1


@dataclass
class Storm:
    """`good` counts answers that somebody still waited for, by the second of the answer."""

    door: Door
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    arrived: dict[int, int] = field(default_factory=dict)
    good: dict[int, int] = field(default_factory=dict)
    waits_s: list[float] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _people: dict[object, tuple[float, int]] = field(default_factory=dict)

    def run(self, phases: list[tuple[float, float]]) -> None:
        """Phases of (seconds, load as a multiple of the capacity)."""
        start = 0.0
        for seconds, load in phases:
            at = start
            while (at := at + self.rng.expovariate(load * CAPACITY)) < start + seconds:
                self._plan(at, lambda now: self._try(now, 1))
            start += seconds
        while self._events:
            now, _, happen = heapq.heappop(self._events)
            happen(now)

    def goodput(self, first_s: int, last_s: int) -> float:
        """Share of the capacity in the seconds first to last."""
        return sum(self.good.get(second, 0) for second in range(first_s, last_s)) / (
            CAPACITY * (last_s - first_s)
        )

    def success(self, first_s: int, last_s: int) -> float:
        """Answers per first try."""
        arrived = sum(self.arrived.get(second, 0) for second in range(first_s, last_s))
        return sum(self.good.get(second, 0) for second in range(first_s, last_s)) / arrived

    def _plan(self, at: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), happen))

    def _try(self, now: float, number: int) -> None:
        if number == 1:
            self.arrived[int(now)] = self.arrived.get(int(now), 0) + 1
        someone = self.door.arrive(now, now + PATIENCE_S)
        if someone is None:
            self._again(now, number)
            return
        self._people[someone] = (now, number)
        self._plan(now + PATIENCE_S, lambda later: self._give_up(later, someone, number))
        self._serve(now)

    def _again(self, now: float, number: int) -> None:
        if number < TRIES_MAX:
            pause = self.rng.uniform(0, 2 * RETRY_S)
            self._plan(now + pause, lambda later: self._try(later, number + 1))

    def _give_up(self, now: float, someone: object, number: int) -> None:
        if someone in self._people:
            del self._people[someone]
            self._again(now, number)
        self._serve(now)

    def _serve(self, now: float) -> None:
        while (someone := self.door.take(now)) is not None:
            service = SERVICE_S * self.rng.uniform(0.8, 1.2)
            self._plan(now + service, lambda later, who=someone, s=service: self._served(later, who, s))

    def _served(self, now: float, someone: object, service_s: float) -> None:
        self.door.done(service_s)
        waited = self._people.pop(someone, None)
        if waited is not None:
            self.good[int(now)] = self.good.get(int(now), 0) + 1
            self.waits_s.append(now - waited[0])
        self._serve(now)
