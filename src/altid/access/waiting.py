"""The line before what is expensive: who comes next, who is sent away, and what they are told.

Pure: it knows no loop and no clock of its own. `admission` runs it.

- Bounded in time: nobody is let into a line that is longer than `wait_s_max` at the present pace.
- By priority; the first come is the first served while all goes well. When the oldest has waited longer than
  `target_s` for `interval_s` (CoDel's test of a standing queue), the newest is served first: somebody is
  answered at once instead of everybody too late, and whoever is pushed out learns it soon.
- Nobody whose deadline has passed, or would pass before the work is done, is served.
- Whoever is sent away gets a time of their own to come back at, one after the other at the pace of the work,
  instead of all at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Smaller goes first."""

    REENTRY = 0
    """Somebody at work, back at a ward's PC."""
    EMERGENCY = 1
    RETURNING = 2
    """Was sent away and comes back at the time that was told."""
    ORDINARY = 3
    SUSPECT = 4
    """From an address with many wrong tries."""


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Of one line."""

    at_once: int
    """What the machine does side by side: for hashing the pool's threads, and one that fetches."""
    wait_s_max: float = 0.5
    """With the work itself and a write the answer comes within a second."""
    waiting_max: int = 200
    """Whatever the pace: memory and the time to look through them."""
    target_s: float = 0.1
    interval_s: float = 0.1
    first_service_s: float = 0.05
    """Taken for the length of the work until some was measured."""
    come_back_s_max: float = 120.0
    """Nobody is told to wait longer; who comes then is told again."""
    come_back_share: float = 0.8
    """Of the pace is given to those who come back: the rest is for those who come first."""


@dataclass(slots=True, eq=False)
class Ticket:
    """Somebody in the line."""

    priority: Priority
    arrived_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Away:
    """Sent away: `place` in the order of coming back, after `wait_s`. `late`: the deadline has passed."""

    place: int
    wait_s: float
    late: bool = False


_PACE_MEMORY = 0.1
"""Weight of the newest service time in the moving mean."""
_SERVICE_S_MIN, _SERVICE_S_MAX = 0.0001, 2.0
"""Nothing is quicker; longer is somebody's hanging connection, not the pace of the work."""


class Line:
    """The state of one line."""

    def __init__(self, limits: LineLimits) -> None:
        self.limits = limits
        self.busy = 0
        self.service_s = limits.first_service_s
        self._waiting: tuple[deque[Ticket], ...] = tuple(deque() for _ in Priority)
        self._above_since_s: float | None = None
        self._newest_first = False
        self._next_return_s = float("-inf")

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting))

    @property
    def is_overloaded(self) -> bool:
        return self._newest_first

    @property
    def pace(self) -> float:
        """What is done in a second when all are at work."""
        return self.limits.at_once / self.service_s

    def offer(self, priority: Priority, deadline_s: float, now_s: float) -> Ticket | Away:
        """A ticket that waits (ask `take` who is next), or away at once. Others may be pushed out."""
        if now_s + self.service_s > deadline_s:
            return self._away(now_s, late=True)
        if self._ahead_of(priority) >= self._room:
            return self._away(now_s)
        ticket = Ticket(priority, now_s, deadline_s)
        self._waiting[priority].append(ticket)
        return ticket

    def pushed(self, now_s: float) -> list[tuple[Ticket, Away]]:
        """Those whom a newcomer has pushed out: too many wait, so the last in order goes."""
        out: list[tuple[Ticket, Away]] = []
        while self.waiting > self._room:
            queue = next(queue for queue in reversed(self._waiting) if queue)
            ticket = queue.popleft() if self._newest_first else queue.pop()
            out.append((ticket, self._away(now_s)))
        return out

    def take(self, now_s: float) -> tuple[Ticket | None, list[tuple[Ticket, Away]]]:
        """Whoever is next if a place is free (it is taken then), and those for whom it is too late."""
        late: list[tuple[Ticket, Away]] = []
        while self.busy < self.limits.at_once:
            self._look(now_s)
            queue = next((queue for queue in self._waiting if queue), None)
            if queue is None:
                break
            ticket = queue.pop() if self._newest_first else queue.popleft()
            if now_s + self.service_s > ticket.deadline_s:
                late.append((ticket, self._away(now_s, late=True)))
                continue
            self.busy += 1
            return ticket, late
        return None, late

    def done(self, service_s: float | None) -> None:
        """A place is free again. `service_s`: how long the work took; None if it was not done to the end."""
        assert self.busy > 0
        self.busy -= 1
        if service_s is not None:
            measured = min(max(service_s, _SERVICE_S_MIN), _SERVICE_S_MAX)
            self.service_s += _PACE_MEMORY * (measured - self.service_s)

    def leave(self, ticket: Ticket) -> None:
        """Somebody who waits goes away."""
        self._waiting[ticket.priority].remove(ticket)

    def overdue(self, now_s: float) -> list[tuple[Ticket, Away]]:
        """Those who have waited in vain as long as anybody should; they are out of the line."""
        out: list[tuple[Ticket, Away]] = []
        for queue in self._waiting:
            while queue and now_s - queue[0].arrived_s >= self.limits.wait_s_max:
                out.append((queue.popleft(), self._away(now_s)))
        return out

    @property
    def _room(self) -> int:
        """How many can wait without waiting too long."""
        return min(self.limits.waiting_max, max(1, int(self.limits.wait_s_max * self.pace)))

    def _ahead_of(self, priority: Priority) -> int:
        """How many would be served before a newcomer, or could not be pushed out for one."""
        last = priority if not self._newest_first else priority - 1
        return sum(len(queue) for queue in self._waiting[: last + 1])

    def _look(self, now_s: float) -> None:
        """CoDel's test, on the one who has waited longest."""
        oldest_s = min((queue[0].arrived_s for queue in self._waiting if queue), default=now_s)
        if now_s - oldest_s < self.limits.target_s:
            self._above_since_s = None
            self._newest_first = False
            return
        if self._above_since_s is None:
            self._above_since_s = now_s
        if now_s - self._above_since_s >= self.limits.interval_s:
            self._newest_first = True

    def _away(self, now_s: float, *, late: bool = False) -> Away:
        """The next free time to come back at."""
        step_s = 1 / (self.pace * self.limits.come_back_share)
        earliest_s = now_s + max(1.0, self.waiting / self.pace)
        self._next_return_s = max(self._next_return_s + step_s, earliest_s)
        # Beyond the longest wait the times are spread over its second half: none is told exactly the same.
        limit_s = now_s + self.limits.come_back_s_max
        if self._next_return_s > limit_s:
            self._next_return_s = now_s + self.limits.come_back_s_max / 2
        wait_s = self._next_return_s - now_s
        return Away(max(1, round(wait_s * self.pace)), wait_s, late)
