"""What a place has seen of another, and when.

A site is seen when any of its ports takes a TCP connection. A place that was frozen itself (a stopped
process, a busy machine) has not watched: `Sighting` counts only time during which probes were really sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

PROBE_EVERY_S = 0.1
PROBE_S_MAX = 0.25
"""A connection within a region takes milliseconds; longer than this is no sighting."""

STALL_S = 0.5
"""Two probes further apart than this: the watcher itself stood still, and what it missed it cannot know."""

FIRST_SIGHT_S = 5.0
"""A place that starts gives the others this long to start too, before "never seen" counts."""

_FAILED_MIN = 3
_UNPROVEN_S = 0.2
"""Fewer failed probes than this are no evidence: not more than two rounds are counted then."""


@dataclass(slots=True)
class Sighting:
    """What is known of one place. Times are of one monotonic clock, in seconds."""

    watching_since_s: float | None = None
    probed_at_s: float | None = None
    seen_at_s: float | None = None
    failed: int = 0

    def sent(self, now_s: float) -> None:
        """A probe is being sent."""
        if self.probed_at_s is None:
            self.watching_since_s = now_s + FIRST_SIGHT_S
        elif now_s - self.probed_at_s > STALL_S:
            self.watching_since_s, self.failed = now_s, 0
        self.probed_at_s = now_s

    def answered(self, sent_at_s: float, seen: bool) -> None:
        """The probe that was sent then has succeeded or failed; probes may end in any order."""
        if not seen:
            if self.seen_at_s is None or sent_at_s > self.seen_at_s:
                self.failed += 1
            return
        if self.seen_at_s is None or sent_at_s > self.seen_at_s:
            self.seen_at_s, self.failed = sent_at_s, 0
        if self.watching_since_s is not None:
            self.watching_since_s = min(self.watching_since_s, sent_at_s)

    @property
    def failing(self) -> bool:
        """The newest that is known is a failure."""
        return self.failed > 0

    def unseen_s(self, now_s: float) -> float | None:
        """For how long the place has certainly not been seen; None when that isn't known."""
        if self.probed_at_s is None or self.watching_since_s is None or now_s - self.probed_at_s > STALL_S:
            return None
        since_s = max(self.watching_since_s, self.seen_at_s or self.watching_since_s)
        unseen_s = max(0.0, now_s - since_s)
        return unseen_s if self.failed >= _FAILED_MIN else min(unseen_s, _UNPROVEN_S)


class Prober:
    """Probes one place, every tenth of a second, without waiting for the one before."""

    def __init__(self, host: str, ports: Sequence[int]) -> None:
        self._host = host
        self._ports = list(ports)
        self.sighting = Sighting()
        self._probes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Probe for ever."""
        try:
            while True:
                now_s = time.monotonic()
                self.sighting.sent(now_s)
                probe = asyncio.create_task(self._probe(now_s))
                self._probes.add(probe)
                probe.add_done_callback(self._probes.discard)
                await asyncio.sleep(PROBE_EVERY_S)
        finally:
            for probe in self._probes:
                probe.cancel()

    async def _probe(self, sent_at_s: float) -> None:
        """The first port is the cheapest to ask (PostgreSQL starts a process for each connection), so the
        others are asked only when it fails; once it has, all at once."""
        ports = self._ports if self.sighting.failing else self._ports[:1]
        seen = any(await asyncio.gather(*(_takes_connection(self._host, port) for port in ports)))
        if not seen and len(ports) == 1:
            rest = self._ports[1:]
            seen = any(await asyncio.gather(*(_takes_connection(self._host, port) for port in rest)))
        self.sighting.answered(sent_at_s, seen)


async def _takes_connection(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PROBE_S_MAX):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
