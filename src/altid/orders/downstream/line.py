"""The line to a destination, and the certificates at both of its ends."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from pathlib import Path

from altid.hl7 import acknowledgement
from altid.hl7.acknowledgement import Acknowledgement
from altid.hl7.mllp import framed, read_frame
from altid.hl7.text import Hl7Error, parse
from altid.orders.downstream.destinations import Destination, Tls

ANSWER_BYTES_MAX = 64 * 1024
_CLOSE_S = 0.5
_EARLIER_MAX = 64
"""Answers that come twice are those of the last few messages."""


class UnreachableError(Exception):
    """There is no line: nothing was sent."""


class UnansweredError(Exception):
    """It was sent, or part of it, and there is no answer to it: the receiver may have it. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Line:
    """The connection to one destination: opened when it is needed, kept while it is good."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._earlier: deque[str] = deque(maxlen=_EARLIER_MAX)

    async def open(self) -> None:
        """Connect, unless it is. Raises `UnreachableError`."""
        await self._open()

    async def exchange(self, message: bytes, control_id: str) -> Acknowledgement:
        """Send, and wait for the answer. Raises `UnreachableError` or `UnansweredError`; then it is shut."""
        reader, writer = await self._open()
        try:
            async with asyncio.timeout(self._destination.answer_s):
                writer.write(framed(message))
                await writer.drain()
                return await self._answer(reader, control_id)
        except TimeoutError:
            await self.close()
            raise UnansweredError("no-answer") from None
        except OSError:
            await self.close()
            raise UnansweredError("line-broken") from None
        except Hl7Error as error:
            await self.close()
            raise UnansweredError(error.code) from None
        except BaseException:
            self._abort()
            raise

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await writer.wait_closed()

    def _abort(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _answer(self, reader: asyncio.StreamReader, control_id: str) -> Acknowledgement:
        """The answer to this message. One to a message before it came twice; any other is no answer at all,
        and a line that brings it is not believed any more."""
        while True:
            frame = await read_frame(reader)
            if frame is None:
                raise Hl7Error("line-ended")
            answer = acknowledgement.read(parse(frame))
            if answer.control_id == control_id:
                self._earlier.append(control_id)
                return answer
            if answer.control_id not in self._earlier:
                raise Hl7Error("wrong-id")

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and not self._streams[0].at_eof():
            return self._streams
        await self.close()
        self._earlier.clear()
        where = self._destination
        try:
            context = await asyncio.to_thread(client_context, where.tls) if where.tls else None
            async with asyncio.timeout(where.connect_s):
                self._streams = await asyncio.open_connection(
                    where.host, where.port, ssl=context, limit=ANSWER_BYTES_MAX
                )
        except (OSError, TimeoutError):  # an SSL error is an OSError
            raise UnreachableError from None
        return self._streams


def client_context(tls: Tls) -> ssl.SSLContext:
    """We show our certificate and believe only those of the authority. Raises `OSError`."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.authority)
    return _ours(context, tls)


def server_context(tls: Tls) -> ssl.SSLContext:
    """Whoever calls shows a certificate of the authority. Raises `OSError`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return _ours(context, tls)


def _ours(context: ssl.SSLContext, tls: Tls) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(Path(tls.certificate), Path(tls.key))
    return context
