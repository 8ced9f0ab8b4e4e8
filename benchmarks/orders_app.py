"""The server of the orders' benchmark: the product's own worker; `--without-journal` keeps no intents.

Run as `python -m benchmarks.orders_app` where a server would run `python -m altid.server.worker`. The product
has no such switch: what a journal costs can only be told beside a server that has none.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Sequence

from altid.orders.intent import Intent
from altid.orders.notebook import Notebook
from altid.server.worker import WorkerSettings, application_of, run

_numbers = itertools.count(1)


async def _begin(_notebook: Notebook, intents: Sequence[Intent]) -> list[int]:
    return [next(_numbers) for _ in intents]


def main() -> int:
    logging.basicConfig(level=logging.WARNING)
    if "--without-journal" in sys.argv:
        Notebook.begin = _begin  # type: ignore[method-assign]
        Notebook.settle = lambda *_: None  # type: ignore[assignment]
    settings = WorkerSettings.load(sys.stdin.readline())
    return run(settings, application_of(settings))


if __name__ == "__main__":
    sys.exit(main())
