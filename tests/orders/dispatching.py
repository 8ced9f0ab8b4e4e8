"""A dispatcher process, for tests that kill it: `python -m tests.orders.dispatching`, told by its input."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from altid.access.audit.event import Event
from altid.orders.downstream.destinations import Destination
from altid.orders.downstream.dispatcher import Dispatcher
from altid.record.database import Limits, open_database


def destination(port: int, name: str = "pharmacy", **changed: Any) -> Destination:
    """The receiver of tests at this port, with little patience."""
    patience = {"answer_s": 1.0, "connect_s": 1.0, "pause_s": 0.02, "pause_s_max": 0.2, "attempts_max": 50}
    takes = ("MedicationRequest", "ServiceRequest")
    return Destination(name, "127.0.0.1", port, takes, **{**patience, **changed})


async def tell(_events: Sequence[Event]) -> None:
    """The audit has tests of its own."""


async def main(told: dict[str, Any]) -> None:
    where = [destination(port, name) for name, port in told["ports"].items()]
    async with open_database(told["read"], told["write"], limits=Limits(2, 2)) as database:
        await Dispatcher(database, where, tell, poll_s=0.02).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(json.loads(sys.stdin.readline())))
