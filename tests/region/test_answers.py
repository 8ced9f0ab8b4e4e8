"""The small HTTP parts: the guardian's answers, the client that asks, servers that answer only while live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from altid.region.guardian.answers import serve
from altid.region.http import Connection, HttpError, get_json
from altid.server.live import OnlyWhileLive

_HOST = "127.0.0.1"


def _free_port() -> int:
    import socket

    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _with_guardian(work: Callable[[int], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        port = _free_port()
        server = asyncio.create_task(serve(_HOST, port, lambda: {"place": "W", "unseen_s": {"A": 0.1}}))
        try:
            while not await _listens(port):  # noqa: ASYNC110  it is the server that says so
                await asyncio.sleep(0)
            return await work(port)
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server

    return asyncio.run(run())


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def test_a_guardian_tells_what_it_sees() -> None:
    told = _with_guardian(lambda port: get_json(_HOST, port, "/view", 5.0))
    assert told == {"place": "W", "unseen_s": {"A": 0.1}}


def test_a_guardian_survives_those_who_ask_badly() -> None:
    async def work(port: int) -> Any:
        _, writer = await asyncio.open_connection(_HOST, port)
        writer.write(b"x" * 10_000)
        writer.close()
        return await get_json(_HOST, port, "/view", 5.0)

    assert _with_guardian(work) is not None


def test_where_nobody_listens_nothing_was_sent() -> None:
    with pytest.raises(HttpError) as caught:
        asyncio.run(Connection(_HOST, _free_port()).ask("GET", "/", s_max=1.0))
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", b"{}"),
    ],
)
def test_bodies_are_read_however_they_are_sent(answer: bytes, body: bytes) -> None:
    assert _answered(answer) == body


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_leaves_it_unknown(answer: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        _answered(answer)
    assert caught.value.sent


def _answered(raw: bytes) -> bytes:
    async def run() -> bytes:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(raw)
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(handle, _HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            connection = Connection(_HOST, port)
            try:
                return (await connection.ask("GET", "/", s_max=5.0)).body
            finally:
                connection.close()

    return asyncio.run(run())


class _Lease:
    """A lease that holds for so many looks."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def holds(self) -> bool:
        self._looks -= 1
        return self._looks >= 0


async def _record(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the record"})


def _status(method: str, looks: int, path: str = "/fhir/Patient/1") -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        scope = {"type": "http", "method": method, "path": path}
        await OnlyWhileLive(_record, _Lease(looks))(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_while_the_lease_holds_the_record_answers() -> None:
    assert _status("GET", looks=2) == (200, b"the record")


def test_without_a_lease_nobody_gets_the_record() -> None:
    for method in ("GET", "PUT", "POST"):
        status, body = _status(method, looks=0)
        assert status == 503
        assert b"the record" not in body


def test_what_was_read_while_the_lease_ran_out_is_not_sent() -> None:
    status, body = _status("GET", looks=1)
    assert status == 503
    assert b"the record" not in body


def test_a_write_that_was_done_is_told_even_so() -> None:
    assert _status("PUT", looks=1) == (200, b"the record")


def test_the_process_is_alive_without_a_lease() -> None:
    assert _status("GET", looks=0, path="/health/live") == (200, b"the record")
