"""The guardian's face: one tiny HTTP answer in JSON, whatever is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_REQUEST_BYTES_MAX = 4096
_REQUEST_S_MAX = 1.0


async def serve(host: str, port: int, answer: Callable[[], dict[str, Any]]) -> None:
    """Answer for ever. A connection without a request (a probe) is simply closed."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S_MAX):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(answer()))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a probe, or one who asks badly
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, host, port, limit=_REQUEST_BYTES_MAX)
    async with server:
        await server.serve_forever()


def _response(answer: dict[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Cache-Control: no-store\r\nConnection: close\r\n\r\n" + body
