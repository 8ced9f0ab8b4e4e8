"""Reading HTTP/1.1 responses (RFC 9112) off a connection: just what a load generator needs, and cheap."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES_MAX = 64 * 1024
"""A response head longer than this is a fault of the server."""

_END_OF_HEAD = b"\r\n\r\n"


class HttpError(Exception):
    """The server sent what is not HTTP/1.1."""


class Response(NamedTuple):
    """One whole response; `head` holds the header lines in lower case, without the status line."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """Value of the header `name` (in lower case), or None."""
        return _header(self.head, name)


class ResponseParser:
    """Cuts the bytes of a connection into responses, however they arrive."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Response]:
        """The responses that are complete now. Raises `HttpError`."""
        buffer = self._buffer + data if self._buffer else data
        responses: list[Response] = []
        start = 0
        while start < len(buffer):
            found = _read_response(buffer, start)
            if found is None:
                break
            response, start = found
            responses.append(response)
        self._buffer = buffer[start:]
        return responses


def _read_response(buffer: bytes, start: int) -> tuple[Response, int] | None:
    end = buffer.find(_END_OF_HEAD, start)
    if end < 0:
        if len(buffer) - start > HEAD_BYTES_MAX:
            raise HttpError("The head of a response is too long.")
        return None
    status_end = buffer.find(b"\r\n", start)
    status = _status(buffer[start:status_end])
    head = buffer[status_end:end].lower() + b"\r\n"
    body_start = end + len(_END_OF_HEAD)
    if status in (204, 304) or status < 200:
        return Response(status, head, b""), body_start
    if _header(head, b"transfer-encoding") == b"chunked":
        return _read_chunked(buffer, body_start, status, head)
    length = _header(head, b"content-length")
    if length is None or not length.isdigit():
        raise HttpError("A response has no valid length.")
    body_end = body_start + int(length)
    if len(buffer) < body_end:
        return None
    return Response(status, head, buffer[body_start:body_end]), body_end


def _status(line: bytes) -> int:
    if line[:7] != b"HTTP/1." or not line[9:12].isdigit():
        raise HttpError("A response does not begin with a status line.")
    return int(line[9:12])


def _header(head: bytes, name: bytes) -> bytes | None:
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    value_start = at + len(name) + 3
    return head[value_start : head.find(b"\r\n", value_start)].strip()


def _read_chunked(buffer: bytes, start: int, status: int, head: bytes) -> tuple[Response, int] | None:
    """The chunks from `start` on (RFC 9112 §7.1), without trailers."""
    chunks: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        try:
            size = int(buffer[start:line_end].split(b";")[0], 16)
        except ValueError:
            raise HttpError("A chunk has no valid size.") from None
        chunk_start, chunk_end = line_end + 2, line_end + 2 + size
        if len(buffer) < chunk_end + 2:
            return None
        if size == 0:
            return Response(status, head, b"".join(chunks)), chunk_end + 2
        chunks.append(buffer[chunk_start:chunk_end])
        start = chunk_end + 2
