"""`python -m altid.region.guardian DATA PLACE`: started by the place's supervisor."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from altid.region.guardian.service import guard
from altid.region.layout import Layout, load_region


async def _main(data: str, place: str) -> None:
    layout = Layout(Path(data))
    work = asyncio.create_task(guard(layout, load_region(layout), place))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
