"""Ctrl-C (and SIGTERM, and a terminal that is closed) ends a demo in good order, at whatever point it is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_T = TypeVar("_T")


def run_stoppable(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it; a signal cancels it once, and its clearing up is not disturbed by more of them.

    Raises `KeyboardInterrupt` when it was cancelled.
    """

    async def main() -> _T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            for number in _SIGNALS:
                loop.add_signal_handler(number, _already_stopping)
            task.cancel()

        for number in _SIGNALS:
            loop.add_signal_handler(number, stop)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _already_stopping() -> None:
    """A second Ctrl-C has nothing to add."""


async def until_stopped() -> None:
    """Wait for the signal, which is the proper end here."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
