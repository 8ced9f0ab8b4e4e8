"""When somebody must look: dead letters, orders that wait too long, results that found no place, nobody
sending.

An alarm is a line in the log with counts and names of destinations, told when it begins, changes and ends,
and repeated as long as it lasts: by the one process that sends, or by each where nobody does. The same
figures are at `/health/orders` for whatever watches the region.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from altid.orders.downstream import queue
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.dispatcher import LOCK
from altid.orders.downstream.queue import Figures
from altid.record.database import Connection

_REPEAT_S = 300.0
_LATE_S = 300.0
"""Of a destination that is in no file any more."""

_log = logging.getLogger("altid.orders.downstream")


@dataclass(frozen=True, slots=True)
class Health:
    """How orders leave, without anything of a patient."""

    destinations: tuple[Figures, ...]
    held: int
    """Results that found no place."""
    sending: bool
    """Somebody in the region sends, or there is nobody to send to."""
    alarms: tuple[str, ...]
    """Short words: `dead pharmacy`, `late pharmacy`, `held`, `not-sending`."""

    @property
    def json(self) -> dict[str, Any]:
        return {
            "status": "alarm" if self.alarms else "ok",
            "alarms": list(self.alarms),
            "sending": self.sending,
            "held": self.held,
            "destinations": [
                {**asdict(one), "oldest_s": round(one.oldest_s, 1)} for one in self.destinations
            ],
        }


async def health(connection: Connection, settings: Downstream) -> Health:
    """Looked up at the primary."""
    figures = tuple(await queue.figures(connection))
    held: int = await connection.fetchval(_HELD)
    sending = not settings.destinations or bool(
        await connection.fetchval(_SENDING, LOCK >> 32, LOCK & 0xFFFFFFFF)
    )
    late_s = {one.name: one.late_s for one in settings.destinations}
    alarms = [f"dead {one.destination}" for one in figures if one.dead]
    alarms += [
        f"late {one.destination}" for one in figures if one.oldest_s > late_s.get(one.destination, _LATE_S)
    ]
    alarms += ["held"] * bool(held) + ["not-sending"] * (not sending)
    return Health(figures, held, sending, tuple(alarms))


class Bell:
    """Tells the log of alarms."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: tuple[Mapping[str, int], float] | None = None

    def ring(self, found: Health, *, leads: bool) -> None:
        """Call it every few seconds. `leads`: this process sends."""
        if found.sending and not leads:
            self._told = None  # another one rings
            return
        if not found.alarms:
            if self._told is not None:
                _log.warning("orders alarm: over")
            self._told = None
            return
        counts = {one.destination: one.dead for one in found.destinations} | {"": found.held}
        counts |= dict.fromkeys(found.alarms, 1)
        now_s = self._clock()
        if self._told is None or self._told[0] != counts or now_s > self._told[1] + _REPEAT_S:
            _log.error("orders alarm: %s", _line(found))
            self._told = counts, now_s


def _line(found: Health) -> str:
    """All there is to know without asking."""
    parts = [
        f"{one.destination}: {one.dead} dead, {one.waiting} waiting, oldest {one.oldest_s:.0f} s"
        for one in found.destinations
    ]
    return f"{', '.join(found.alarms)} ({'; '.join([*parts, f'{found.held} results held'])})"


_HELD = "SELECT count(*) FROM inbound WHERE state = 'held'"
_SENDING = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid::bigint = $1 AND objid::bigint = $2)
"""
