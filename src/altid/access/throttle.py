"""Guessing is slowed, for each account and for each address; nobody is locked out by others.

Wrong tries fill leaky buckets that empty by themselves. What a bucket's level costs:

- account from one address: a growing pause after some free tries. It is the guesser's own.
- account from anywhere: the same, later and shorter, and not for an address that has recently known the
  password: an attacker far away can't keep the owner out.
- address: only a short pause and a place at the end of the line, since a whole ward stands behind one
  address; nothing at all for those who have logged on from there.

In memory of one server; nothing is written for a wrong try.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from altid.access.settings import Clock

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What wrong tries of one kind cost."""

    free: float
    """Wrong tries that cost nothing."""
    leak_s: float
    """One wrong try is forgotten after so long."""
    first_pause_s: float
    pause_s_max: float

    def pause_s(self, level: float) -> float:
        """Doubles with each wrong try beyond the free ones."""
        beyond = level - self.free
        if beyond <= 0:
            return 0.0
        doubled: float = self.first_pause_s * 2.0 ** min(beyond, 30.0)
        return min(doubled / 2, self.pause_s_max)


PAIR = Bucket(free=3, leak_s=60, first_pause_s=1, pause_s_max=60)
ACCOUNT = Bucket(free=20, leak_s=60, first_pause_s=1, pause_s_max=30)
ADDRESS = Bucket(free=100, leak_s=2, first_pause_s=0.25, pause_s_max=2)
KNOWN_S = 30 * 24 * 3600
"""A password that was right from an address makes the two known to each other for so long."""
ENTRIES_MAX = 100_000
"""Of each kind; the oldest make room. About 200 bytes each."""


@dataclass(frozen=True, slots=True)
class Pause:
    """`refuse_s`: say "try again then". `hold_s`: wait so long, then go on, at the end of the line."""

    refuse_s: float = 0.0
    hold_s: float = 0.0


@dataclass(slots=True)
class _Level:
    level: float
    at_s: float


class _Levels(Generic[_Key]):
    """Leaky buckets by key, bounded."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._levels: OrderedDict[_Key, _Level] = OrderedDict()

    def now(self, key: _Key, now_s: float) -> float:
        kept = self._levels.get(key)
        return 0.0 if kept is None else max(0.0, kept.level - (now_s - kept.at_s) / self.bucket.leak_s)

    def fill(self, key: _Key, now_s: float) -> None:
        self._levels[key] = _Level(self.now(key, now_s) + 1, now_s)
        self._levels.move_to_end(key)
        if len(self._levels) > ENTRIES_MAX:
            self._levels.popitem(last=False)

    def empty(self, key: _Key) -> None:
        self._levels.pop(key, None)

    def remaining_s(self, key: _Key, now_s: float) -> float:
        """Of the pause that began with the last wrong try."""
        kept = self._levels.get(key)
        return 0.0 if kept is None else kept.at_s + self.bucket.pause_s(kept.level) - now_s

    @property
    def entries(self) -> int:
        return len(self._levels)


class Throttle:
    """One for a server process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pairs: _Levels[tuple[str, str]] = _Levels(PAIR)
        self._accounts: _Levels[str] = _Levels(ACCOUNT)
        self._addresses: _Levels[str] = _Levels(ADDRESS)
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def pause(self, account: str, address: str) -> Pause:
        """Before a try. `account` is what was typed, in one spelling, whether it exists or not."""
        now = self._clock()
        pair = (account, address)
        own_s = self._pairs.remaining_s(pair, now)
        if self._is_known(pair, now):
            return Pause(refuse_s=max(0.0, own_s))
        return Pause(
            refuse_s=max(0.0, own_s, self._accounts.remaining_s(account, now)),
            hold_s=ADDRESS.pause_s(self._addresses.now(address, now)),
        )

    def failed(self, account: str, address: str) -> None:
        now = self._clock()
        self._pairs.fill((account, address), now)
        self._accounts.fill(account, now)
        self._addresses.fill(address, now)

    def succeeded(self, account: str, address: str) -> None:
        """Own wrong tries are forgotten, and the two know each other from now on."""
        pair = (account, address)
        self._pairs.empty(pair)
        self._known[pair] = self._clock()
        self._known.move_to_end(pair)
        if len(self._known) > ENTRIES_MAX:
            self._known.popitem(last=False)

    def wrong_tries(self, account: str, address: str) -> float:
        """The level of the two together."""
        return self._pairs.now((account, address), self._clock())

    @property
    def entries(self) -> int:
        """Of the largest table."""
        tables = (self._pairs, self._accounts, self._addresses)
        return max(len(self._known), *(table.entries for table in tables))

    def _is_known(self, pair: tuple[str, str], now_s: float) -> bool:
        since = self._known.get(pair)
        return since is not None and now_s - since < KNOWN_S
