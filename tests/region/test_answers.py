"""The small HTTP parts: the guardian's answers, the client that asks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from altid.region import certificates
from altid.region.error import RegionError
from altid.region.guardian.answers import serve
from altid.region.http import Connection, HttpError, ask_json, get_json
from altid.region.tls import Identity
from tests.ports import free_port
from tests.region.certified import Certified

_HOST = "127.0.0.1"


def _with_guardian(own: Certified, work: Callable[[int], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        port, answer = free_port(), {"place": "W", "unseen_s": {"A": 0.1}}
        server = asyncio.create_task(serve(_HOST, port, lambda: answer, own.identity("W").server))
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


@pytest.mark.parametrize("holder", ["A", "operator", "monitoring"])
def test_a_guardian_tells_those_of_the_region_what_it_sees(certified: Certified, holder: str) -> None:
    tls = certified.identity(holder).client
    told = _with_guardian(certified, lambda port: get_json(_HOST, port, "/view", 5.0, tls))
    assert told == {"place": "W", "unseen_s": {"A": 0.1}}


def test_a_guardian_tells_nobody_else(certified: Certified, stranger: Certified) -> None:
    without = ssl.create_default_context(cafile=certificates.authority(certified.where.pki))
    foreign = stranger.identity("A").client
    foreign.load_verify_locations(certificates.authority(certified.where.pki))
    for tls in (None, without, foreign):
        told = _with_guardian(certified, lambda port, tls=tls: get_json(_HOST, port, "/view", 5.0, tls))
        assert told is None


def test_whoever_asks_is_sure_that_it_is_the_guardian(certified: Certified, stranger: Certified) -> None:
    tls = certified.identity("A").client
    assert _with_guardian(stranger, lambda port: get_json(_HOST, port, "/view", 5.0, tls)) is None


def test_a_guardian_keeps_the_connection_of_those_who_ask_again(certified: Certified) -> None:
    async def work(port: int) -> int:
        connection = _Counted(_HOST, port, certified.identity("A").client)
        for _ in range(5):
            assert await ask_json(connection, "/view", 5.0) is not None
        connection.close()
        return connection.opened

    assert _with_guardian(certified, work) == 1


class _Counted(Connection):
    """Counts how often it was opened."""

    opened = 0

    async def _open(self, s_max: float) -> None:
        self.opened += self._streams is None
        await super()._open(s_max)


def test_a_guardian_survives_those_who_ask_badly(certified: Certified) -> None:
    tls = certified.identity("A").client

    async def work(port: int) -> Any:
        _, writer = await asyncio.open_connection(_HOST, port, ssl=tls)
        writer.write(b"x" * 10_000)
        writer.transport.abort()
        return await get_json(_HOST, port, "/view", 5.0, tls)

    assert _with_guardian(certified, work) is not None


def test_those_who_only_knock_leave_no_line_in_the_log(
    certified: Certified, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(port: int) -> Any:
        for _ in range(20):
            assert await _listens(port)
        return await get_json(_HOST, port, "/view", 5.0, certified.identity("A").client)

    assert _with_guardian(certified, work) is not None
    assert caplog.records == []


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    own = Certified(tmp_path / "data")
    identity = own.identity("W")
    before = _shown(identity)
    assert not identity.refresh()
    own.renew_anyway("W")
    assert identity.refresh()
    assert _shown(identity) != before


def _shown(identity: Identity) -> bytes:
    """The certificate that a server shows to those who connect."""
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = identity.server.wrap_bio(there, here, server_side=True)
    client = identity.client.wrap_bio(here, there, server_hostname="127.0.0.1")
    for _ in range(3):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_an_expired_certificate_opens_nothing(tmp_path: Path) -> None:
    own, long_ago = Certified(tmp_path / "data"), datetime.now(UTC) - timedelta(days=500)
    holder = certificates.people(own.where)[0]
    assert certificates.renew(own.where, holder, _write, long_ago)
    tls = own.identity(holder.name).client
    assert _with_guardian(own, lambda port: get_json(_HOST, port, "/view", 5.0, tls)) is None


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def test_without_an_identity_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="holds no identity that can be read: `altid up` makes"):
        Identity(tmp_path)


def test_where_nobody_listens_nothing_was_sent() -> None:
    with pytest.raises(HttpError) as caught:
        asyncio.run(Connection(_HOST, free_port()).ask("GET", "/", s_max=1.0))
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
