"""A line to a server that can be cut, and heal: to whoever asks it is a server that is killed and comes back,
and it costs no start of one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from tests.ports import free_port

_Result = TypeVar("_Result")
_WAIT_S_MAX = 30.0
_BYTES = 65_536


class Line:
    """From a port of its own to the server's, or to a socket's path, on a loop of its own."""

    def __init__(self, server: int | str) -> None:
        self.port = free_port()
        self._server = server
        self._listening: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._is_silent = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.heal()

    def heal(self) -> None:
        self._is_silent = False
        self._run(self._open())

    def cut(self) -> None:
        """Nobody is there: who asks is refused at once, and what is underway breaks off."""
        self._run(self._break())

    def silence(self) -> None:
        """Whoever asks is taken, and hears nothing."""
        self._is_silent = True
        self._run(self._drop())

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S_MAX)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S_MAX)

    async def _open(self) -> None:
        await self._drop()
        if self._listening is None:
            self._listening = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def _break(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        await self._drop()

    async def _drop(self) -> None:
        for end in tuple(self._ends):
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            if self._is_silent:
                await reader.read(-1)
                return
            there, back = await self._connect()
            self._ends.add(back)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pump(reader, back))
                    both.create_task(_pump(there, writer))
            finally:
                self._ends.discard(back)
                back.transport.abort()
        except (OSError, ExceptionGroup):
            return
        finally:
            self._ends.discard(writer)
            with suppress(OSError):
                writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._server, int):
            return await asyncio.open_connection("127.0.0.1", self._server)
        return await asyncio.open_unix_connection(self._server)


async def _pump(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(_BYTES):
            drain.write(piece)
            await drain.drain()
        drain.write_eof()
