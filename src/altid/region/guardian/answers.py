"""The guardian's face: one tiny HTTP answer in JSON, whatever is asked, to all who have a certificate.

Others ask ten times a second, so connections are kept. Who only knocks (a probe of `view`) is never waited
for: the kernel takes its connection, and TLS lets it go without a word.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from altid.region.tls import HANDSHAKE_S_MAX, SHUTDOWN_S_MAX

_REQUEST_BYTES_MAX = 4096
_IDLE_S_MAX = 5.0
"""Whoever has asked nothing for so long is let go."""

_CONNECTIONS_MAX = 64
"""Two guardians, the servers' gates and some operators keep one each."""


async def serve(host: str, port: int, answer: Callable[[], dict[str, Any]], tls: ssl.SSLContext) -> None:
    """Answer for ever."""
    kept: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(kept) >= _CONNECTIONS_MAX:
            writer.transport.abort()
            return
        kept.add(writer)
        try:
            while True:
                async with asyncio.timeout(_IDLE_S_MAX):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(_response(answer()))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # hung up, or one who asks badly
        finally:
            kept.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(
        handle,
        host,
        port,
        limit=_REQUEST_BYTES_MAX,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_S_MAX,
        ssl_shutdown_timeout=SHUTDOWN_S_MAX,
    )
    try:
        await asyncio.Event().wait()
    finally:
        server.close()
        for writer in kept:
            writer.transport.abort()


def _response(answer: dict[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Cache-Control: no-store\r\n\r\n" + body
