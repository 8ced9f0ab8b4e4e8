"""The judge: from what clients were told and what the record holds, without knowing how either works.

- *missing*: a write was acknowledged and none of the register's versions holds it;
- *duplicated*: a write was done more often than it was sent, or again after a later one;
- *stale*: a session read less than it had written or read before (reads must never go back in time);
- *two leaders*: two different writes were acknowledged as the same version of a register, or one was
  acknowledged as a version that holds another value. One leader gives each version once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from altid.drills.history import Kept, Operation

_EXAMPLES_MAX = 20
"""A verdict names so many offences; the histories in the evidence hold all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    acknowledged: int
    missing: int
    duplicated: int
    stale_reads: int
    two_leaders: int
    reads: int
    unknown: int
    """Writes that got no answer within their deadline: neither done nor not done, and known as such."""

    examples: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing was lost, doubled, forked or seen to go back, and there was something to judge."""
        offences = self.missing + self.duplicated + self.stale_reads + self.two_leaders
        return self.acknowledged > 0 and not offences


def check(operations: Iterable[Operation], kept: Iterable[Kept]) -> Verdict:
    """Judge a whole run. Operations of one session come in the order in which it made them."""
    sessions: defaultdict[int, list[Operation]] = defaultdict(list)
    for operation in operations:
        sessions[operation.session].append(operation)
    held = {register.register: register.values for register in kept}
    everything = [one for session in sessions.values() for one in session]
    writes = [one for one in everything if one.kind == "write"]
    missing = list(_missing(writes, held))
    duplicated = list(_duplicated(writes, held))
    stale = [line for session in sessions.values() for line in _stale(session)]
    forked = list(_forked(everything))
    return Verdict(
        acknowledged=sum(one.acknowledged for one in writes),
        missing=len(missing),
        duplicated=len(duplicated),
        stale_reads=len(stale),
        two_leaders=len(forked),
        reads=sum(one.acknowledged for one in everything if one.kind == "read"),
        unknown=sum(not one.acknowledged for one in writes),
        examples=tuple([*missing, *duplicated, *stale, *forked][:_EXAMPLES_MAX]),
    )


def _missing(writes: Sequence[Operation], held: dict[str, tuple[int, ...]]) -> Iterable[str]:
    for write in writes:
        if write.acknowledged and write.value not in held.get(write.register, ()):
            yield f"{write.register}: {write.value} was acknowledged at {write.ended_s:.3f} and is missing"


def _duplicated(writes: Sequence[Operation], held: dict[str, tuple[int, ...]]) -> Iterable[str]:
    attempts: Counter[tuple[str, int | None]] = Counter()
    for write in writes:
        attempts[write.register, write.value] += write.attempts
    for register, values in held.items():
        for value, times in Counter(values).items():
            sent = attempts[register, value]
            if times > sent:
                yield f"{register}: {value} was sent {sent} times and done {times} times"
        for before, after in pairwise(values):
            if after < before:
                yield f"{register}: {after} was done again after {before}"


def _stale(session: Sequence[Operation]) -> Iterable[str]:
    """Reads of one session, against all that it knew when each began."""
    known: dict[str, int] = {}
    for operation in sorted(session, key=lambda one: one.ended_s):
        if not operation.acknowledged or operation.value is None:
            continue
        least = known.get(operation.register, 0)
        if operation.kind == "read" and operation.value < least:
            yield (
                f"{operation.register}: session {operation.session} read {operation.value} at "
                f"{operation.site} at {operation.ended_s:.3f}, after {least}"
            )
        known[operation.register] = max(least, operation.value)


def _forked(operations: Sequence[Operation]) -> Iterable[str]:
    """Versions that are two things at once, by what clients were told of them."""
    writers: dict[tuple[str, int], tuple[int, int | None]] = {}
    values: dict[tuple[str, int], int | None] = {}
    for one in sorted(operations, key=lambda one: one.ended_s):
        if not one.acknowledged or one.version is None:
            continue
        where = (one.register, one.version)
        what = f"{one.register}: version {one.version}"
        if one.kind == "write":
            writer = writers.setdefault(where, (one.session, one.value))
            if writer != (one.session, one.value):
                yield f"{what} was acknowledged to sessions {writer[0]} and {one.session}"
        if values.setdefault(where, one.value) != one.value:
            yield f"{what} is {values[where]} and also {one.value}, told by {one.site} at {one.ended_s:.3f}"
