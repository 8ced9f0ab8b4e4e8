"""`python -m altid.region.reconciling DATA SITE`: started by the site's supervisor."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from altid.region.layout import Layout, load_region
from altid.region.reconciling.service import Reconciler


async def _main(data: str, site: str) -> None:
    layout = Layout(Path(data))
    region = load_region(layout)
    work = asyncio.create_task(Reconciler(layout, region, region.site(site)).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
