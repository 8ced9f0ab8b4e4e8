"""The load generator against servers that behave, and servers that do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.load import Outcome, Plan, Request, Workload, drive
from benchmarks.response import Response

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def requests(count: int, status: int = 200) -> Workload:
    made: Iterator[Request] = (
        Request("ask", b"GET / HTTP/1.1\r\n\r\n", status, _must_be_ok) for _ in range(count)
    )
    return lambda: next(made, None)


def _must_be_ok(response: Response) -> str | None:
    return None if response.body == b"ok" else "not ok"


def driven(workload: Workload, answer: bytes, connections: int = 3, seconds: float = 60) -> Outcome:
    """The outcome against a server that always answers the same, or hangs up if that is empty."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n") and answer:
            writer.write(answer)
        writer.close()

    async def serve_until_left(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    async def run() -> Outcome:
        server = await asyncio.start_server(serve_until_left, HOST, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await drive(Plan(lambda: workload, HOST, port, connections, seconds, warmup_seconds=0))

    return asyncio.run(run())


def test_every_request_is_sent_once_and_counted() -> None:
    outcome = driven(requests(200), OK)
    assert (outcome.sent, outcome.answered, outcome.errors) == (200, 200, 0)
    assert outcome.statuses == {"200": 200}
    assert outcome.answered_of == {"ask": 200}
    assert outcome.body_bytes_mean == 2


def test_latencies_are_measured() -> None:
    latency = driven(requests(50), OK).latency
    assert latency is not None
    assert 0 < latency.p50_ms <= latency.p99_ms <= latency.max_ms


def test_a_run_ends_by_its_time() -> None:
    outcome = driven(requests(10**9), OK, seconds=0.05)
    assert outcome.answered > 0
    assert outcome.errors == 0


def test_a_wrong_status_is_an_error_and_no_latency() -> None:
    outcome = driven(requests(20, status=201), OK)
    assert (outcome.answered, outcome.errors) == (0, 20)
    assert outcome.findings == ["ask: 200 instead of 201 (20 times)"]


def test_wrong_content_is_found_in_the_sample() -> None:
    outcome = driven(requests(100), OK[:-2] + b"no")
    assert outcome.checked >= 1
    assert outcome.errors == outcome.checked


def test_a_connection_that_is_closed_with_a_request_under_way_is_an_error() -> None:
    assert driven(requests(100), b"", connections=2).errors == 2


def test_what_is_not_http_is_an_error() -> None:
    outcome = driven(requests(100), b"nonsense\r\n\r\n", connections=1)
    assert outcome.errors >= 1
    assert outcome.answered == 0


def test_a_fault_of_the_workload_is_not_lost() -> None:
    def broken() -> Request | None:
        raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        driven(broken, OK)
