"""A small HTTP client with a hard limit on every wait: for the region's own parts, and for drills.

Waits are the point: whoever asks a site must see how long it really took, and hang up in time. One connection
at a time, opened when it is first needed and again after a failure; no opinion on retries.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

CONNECT_S_MAX = 0.3
"""A part of the region takes a connection in milliseconds, or it is gone."""

_GOODBYE_S_MAX = 0.5
"""How long TLS waits for the other end's good-bye."""

_BODY_BYTES_MAX = 16 * 1024 * 1024


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpError(Exception):
    """No answer within the limits. `sent` tells whether the request may have been done."""

    def __init__(self, reason: str, *, sent: bool = True) -> None:
        super().__init__(reason)
        self.sent = sent


class Connection:
    """One connection to one server; encrypted, and with both ends proven, if `tls` is given."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        connect_s_max: float = CONNECT_S_MAX,
    ) -> None:
        self.host, self.port, self._tls = host, port, tls
        self._connect_s_max = connect_s_max
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        s_max: float,
    ) -> Answer:
        """Send a request and wait `s_max` seconds for its answer. Raises `HttpError`."""
        await self._open(min(s_max, self._connect_s_max))
        assert self._streams is not None
        reader, writer = self._streams
        try:
            async with asyncio.timeout(s_max):
                writer.write(self._request(method, path, body, headers or {}))
                await writer.drain()
                answer = await _answer(reader)
        except (OSError, TimeoutError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
            self.close()
            raise HttpError(type(error).__name__) from None
        except BaseException:
            self.close()
            raise
        if answer.headers.get("connection", "").lower() == "close" or "content-length" not in answer.headers:
            self.close()
        return answer

    def close(self) -> None:
        """Hang up: a request that is underway ends with its socket, never by a cancel."""
        if self._streams is not None:
            writer = self._streams[1]
            if self._tls is None:
                writer.close()
            else:
                writer.transport.abort()  # TLS would wait for the other end's good-bye
        self._streams = None

    async def _open(self, s_max: float) -> None:
        if self._streams is not None:
            return
        try:
            async with asyncio.timeout(s_max):
                self._streams = await asyncio.open_connection(
                    self.host,
                    self.port,
                    ssl=self._tls,
                    ssl_shutdown_timeout=_GOODBYE_S_MAX if self._tls else None,
                )
        except (OSError, TimeoutError) as error:
            raise HttpError(type(error).__name__, sent=False) from None

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


async def get_json(
    host: str, port: int, path: str, s_max: float, tls: ssl.SSLContext | None = None
) -> dict[str, Any] | None:
    """The object at the path, whatever the status; None when there is none in time."""
    connection = Connection(host, port, tls)
    try:
        return await ask_json(connection, path, s_max)
    finally:
        connection.close()


async def ask_json(connection: Connection, path: str, s_max: float) -> dict[str, Any] | None:
    """Likewise, over a connection that is kept: for whoever asks again and again."""
    try:
        value = json.loads((await connection.ask("GET", path, s_max=s_max)).body)
    except (HttpError, ValueError):
        return None
    return value if isinstance(value, dict) else None


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, status = head[0].split(" ", 2)[:2]
    pairs = (line.split(":", 1) for line in head[1:] if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Answer(int(status), headers, await _body(reader, headers))


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    if "content-length" not in headers:
        return await reader.read(_BODY_BYTES_MAX)
    length = int(headers["content-length"])
    if length > _BODY_BYTES_MAX:
        raise ValueError("the answer is too long")
    return await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if len(body) + size > _BODY_BYTES_MAX:
            raise ValueError("the answer is too long")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return bytes(body)
