"""What is kept beside orders and is settled goes after a while, or it would grow for ever.

Every server process does it now and then, a bounded number of rows at once: two at a time do no harm.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import NamedTuple

from altid.record.database import Connection, Database
from altid.record.primary import FAILURES, NoPrimaryError

DELIVERIES_KEPT = timedelta(days=90)
"""From when a delivery was acknowledged or given up. Receivers ask about the last months, not years."""
RECOVERIES_KEPT = timedelta(days=90)
"""From when a person decided. The decision itself stays in the audit."""
OUTBOXES_KEPT = timedelta(days=30)
"""From when a browser let go of a key: reconciliation of an older time does without its word."""
AT_MOST = 5_000
"""Rows of each kind at once: some tens of milliseconds of the primary."""
_EVERY_S = 3_600.0
_FULL_PAUSE_S = 5.0
"""Where there was more than `AT_MOST`."""
_TRIM_S_MAX = 15.0

_log = logging.getLogger("altid.orders")


class Trimmed(NamedTuple):
    """How many rows of each kind are gone."""

    deliveries: int
    recovered: int
    outboxes: int


async def keep_trimmed(database: Database, rng: random.Random) -> None:
    """Trim now and then, until cancelled. Where the primary is away, the next time does it."""
    pause_s = _EVERY_S
    while True:
        await asyncio.sleep(rng.uniform(0.5, 1.5) * pause_s)
        try:
            async with asyncio.timeout(_TRIM_S_MAX), database.writing() as connection:
                taken = await trim(connection)
        except (NoPrimaryError, TimeoutError, *FAILURES) as error:
            _log.info("what is settled stays for now (%s)", type(error).__name__)
            continue
        pause_s = _FULL_PAUSE_S if max(taken) >= AT_MOST else _EVERY_S


async def trim(connection: Connection, at_most: int = AT_MOST) -> Trimmed:
    """Take away what has been settled for long enough, in one statement."""
    row = await connection.fetchrow(_TRIM, DELIVERIES_KEPT, RECOVERIES_KEPT, OUTBOXES_KEPT, at_most)
    assert row is not None
    return Trimmed(*row)


_TRIM = "SELECT * FROM trim_orders($1, $2, $3, $4)"
