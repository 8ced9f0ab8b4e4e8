"""Where a sender calls: MLLP, with TLS and a certificate that names the caller, one message at a time.

The messages of one sender are placed one after the other, as they came: what happens to a patient has an
order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from altid.hl7 import acknowledgement
from altid.hl7.mllp import FRAME_BYTES_MAX, framed, read_frame
from altid.hl7.text import Hl7Error, Message, parse
from altid.lookup.beside.hl7.inbox import HeldFullError, place, try_again
from altid.lookup.beside.sources import Hl7Source, Tls
from altid.lookup.beside.store import Store, tell

CALLERS_MAX = 8
"""At once, of one sender."""
IDLE_S_MAX = 3_600.0
PLACE_S_MAX = 60.0
RETRY_S = 5.0
_BACKLOG = 8

_log = logging.getLogger("altid.lookup.beside")


class Answering:
    """Of one sender."""

    def __init__(self, store: Store, source: Hl7Source) -> None:
        self._store, self._source = store, source
        self._turn = asyncio.Lock()

    async def answer(self, data: bytes, names: frozenset[str]) -> bytes:
        """The answer to a message of a caller whose certificate has these names."""
        message = _read(data, self._source)
        if not self._is_from(message, names):
            _log.error("somebody who is not %s has called as it", self._source.name)
            return _acknowledge(message, "AR", "unknown-source")
        try:
            async with self._turn:
                code = await asyncio.to_thread(place, self._store, self._source, data, datetime.now(UTC))
        except HeldFullError:
            return _acknowledge(message, "AE", "too-many-held")
        except Exception as error:  # whatever befalls the file: its sender keeps the message
            name = self._source.name
            _log.error("a message from %s must be sent again (%s)", name, type(error).__name__)
            return _acknowledge(message, "AE", "again")
        return _acknowledge(message, "AR" if code else "AA", code)

    async def retry(self) -> None:
        """Place what a person wants tried again."""
        async with self._turn:
            await asyncio.to_thread(try_again, self._store, self._source, datetime.now(UTC))

    def _is_from(self, message: Message | None, names: frozenset[str]) -> bool:
        """With TLS it is the certificate that says so; a message that can't be read is then held, too."""
        if self._source.tls is not None and self._source.peer not in names:
            return False
        if message is None:
            return True
        header = message.header
        return (header.text(3), header.text(4)) == (self._source.application, self._source.facility)


async def listen(store: Store, source: Hl7Source, *, opened: asyncio.Future[int] | None = None) -> None:
    """Answer the sender until this is cancelled. `opened` is told the port. Raises `OSError`."""
    answering = Answering(store, source)
    callers: set[asyncio.Task[Any]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(callers) < CALLERS_MAX:
                callers.add(task)
                await _converse(answering, reader, writer)
        finally:
            callers.discard(task)
            writer.close()

    context = _context(source.tls) if source.tls else None
    server = await asyncio.start_server(
        converse, source.host, source.port, ssl=context, limit=FRAME_BYTES_MAX, backlog=_BACKLOG
    )
    try:
        if opened is not None:
            opened.set_result(server.sockets[0].getsockname()[1])
        while True:
            await asyncio.to_thread(tell, store, source.name, "listening")
            await answering.retry()
            await asyncio.sleep(RETRY_S)
    finally:
        server.close()
        for task in callers.copy():
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def _converse(answering: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    certificate = writer.get_extra_info("peercert") or {}
    names = frozenset(value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")
    with suppress(OSError, TimeoutError, Hl7Error):
        while True:
            async with asyncio.timeout(IDLE_S_MAX):
                data = await read_frame(reader)
            if data is None:
                return
            answer = await answering.answer(data, names)
            async with asyncio.timeout(PLACE_S_MAX):
                writer.write(framed(answer))
                await writer.drain()


def _read(data: bytes, source: Hl7Source) -> Message | None:
    try:
        return parse(data, source.charset)
    except Hl7Error:
        return None


def _acknowledge(message: Message | None, code: str, reason: str) -> bytes:
    id_ = secrets.token_hex(8)
    return acknowledgement.write(message, code, reason, control_id=id_, now=datetime.now(UTC))


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tls.authority))
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(tls.certificate), str(tls.key))
    return context
