"""Where results come in: MLLP with TLS, each caller a system that the file names.

Every server process listens at the same address, so results come in as long as one of them is there. A
message is answered when its fate is certain: AA when the record has it, AE when it is held or must be sent
again, AR when no repetition would help. Its sender keeps it until then.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from altid.access.audit.unavailable import AuditUnavailableError
from altid.hl7 import acknowledgement
from altid.hl7.mllp import FRAME_BYTES_MAX, framed, read_frame
from altid.hl7.text import Hl7Error, Message, parse
from altid.orders.downstream import inbox
from altid.orders.downstream.destinations import Listener, Source
from altid.orders.downstream.dispatcher import Tell
from altid.orders.downstream.line import server_context
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.database import Database
from altid.record.primary import FAILURES, NoPrimaryError

CALLERS_MAX = 32
"""At once, in one process."""
_IDLE_S_MAX = 3_600.0
_BACKLOG = 16
_BUSY_S = 0.05

_log = logging.getLogger("altid.orders.downstream")


class Results:
    """Answers messages. One for each process."""

    def __init__(self, database: Database, listener: Listener, tell: Tell, rng: random.Random) -> None:
        self._database, self._listener, self._tell, self._rng = database, listener, tell, rng

    async def answer(self, data: bytes, names: frozenset[str]) -> bytes:
        """The answer to a message of a caller whose certificate has these names."""
        message: Message | None = None
        try:
            message = parse(data)
            source = self._source(message, names)
            if message.kind != inbox.KIND:
                raise Hl7Error("unknown-kind")
            if not message.control_id:
                raise Hl7Error("no-control-id")
        except Hl7Error as error:
            _log.error("a message with results was rejected: %s", error.code)
            return self._acknowledge(message, "AR", error.code)
        try:
            placed = await inbox.place(self._database, source.client, data, message)
            await self._tell(inbox.events_of(source.client, placed))
        except (
            OutcomeUnknownError,
            NotStoredError,
            NoPrimaryError,
            AuditUnavailableError,
            *FAILURES,
        ) as error:
            _log.warning("a message with results must be sent again (%s)", type(error).__name__)
            return self._acknowledge(message, "AE", "again")
        if placed.code:
            _log.error("a message with results from %s is held: %s", source.client, placed.code)
            return self._acknowledge(message, "AE", placed.code)
        return self._acknowledge(message, "AA", "")

    def _source(self, message: Message, names: frozenset[str]) -> Source:
        """Who it is from, as the file names it. Raises `Hl7Error`."""
        application, facility = message.header.text(3), message.header.text(4)
        for source in self._listener.sources:
            named = (source.application, source.facility) == (application, facility)
            if named and (self._listener.tls is None or source.peer in names):
                return source
        raise Hl7Error("unknown-source")

    def _acknowledge(self, message: Message | None, code: str, reason: str) -> bytes:
        id_ = f"{self._rng.getrandbits(64):016x}"
        return acknowledgement.write(message, code, reason, control_id=id_, now=datetime.now(UTC))


@asynccontextmanager
async def listening(results: Results, listener: Listener) -> AsyncIterator[int]:
    """Answer callers as long as the context lasts; gives the port. Raises `OSError`."""
    context = server_context(listener.tls) if listener.tls else None
    callers: set[asyncio.Task[Any]] = set()
    places = asyncio.Semaphore(CALLERS_MAX)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        callers.add(task)
        try:
            if not places.locked():
                async with places:
                    await _converse(results, reader, writer)
        finally:
            callers.discard(task)
            writer.close()

    server = await asyncio.start_server(
        answer, sock=_socket(listener), ssl=context, limit=FRAME_BYTES_MAX, backlog=_BACKLOG
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in callers.copy():
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def _converse(results: Results, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    names = _names_of(writer.get_extra_info("peercert"))
    with suppress(OSError, TimeoutError, Hl7Error):
        while True:
            async with asyncio.timeout(_IDLE_S_MAX):
                data = await read_frame(reader)
            if data is None:
                return
            writer.write(framed(await results.answer(data, names)))
            await writer.drain()


def _names_of(certificate: Any) -> frozenset[str]:
    """The DNS names of a caller's certificate."""
    names = (certificate or {}).get("subjectAltName", ())
    return frozenset(value for kind, value in names if kind == "DNS")


def _socket(listener: Listener) -> socket.socket:
    """Shared with the other server processes."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((listener.host, listener.port))
    except OSError:
        made.close()
        raise
    return made
