"""What a receipt costs in questions to the primary, which may be far away: no more than a plain create does.

Counted, not timed: so it holds at any distance, and on any machine.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

from .ordering import DRUG, PATIENT, drug, medication, patient, requisition

_ROUNDS, _EACH = 9, 4
_OTHERS = 0.6
"""What the server asks by itself meanwhile, of each request, in its quietest round."""


class Turns:
    """A way to PostgreSQL that counts how often it is asked and answers."""

    def __init__(self, dsn: str) -> None:
        self._url = urlsplit(dsn)
        asked = parse_qs(self._url.query)
        self._socket = f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}"
        self._lines: set[asyncio.Task[None]] = set()
        self.count = 0

    @contextmanager
    def counting(self) -> Iterator[str]:
        """Gives the DSN by this way."""
        opened: Future[tuple[int, Callable[[], None]]] = Future()
        thread = threading.Thread(target=asyncio.run, args=(self._run(opened),))
        thread.start()
        port, stop = opened.result(10)
        try:
            yield f"postgresql://{self._url.netloc.rstrip('@')}@127.0.0.1:{port}{self._url.path}"
        finally:
            stop()
            thread.join(10)

    async def _run(self, opened: Future[tuple[int, Callable[[], None]]]) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as serving:
            port = serving.sockets[0].getsockname()[1]
            opened.set_result((port, lambda: loop.call_soon_threadsafe(stop.set)))  # type: ignore[func-returns-value]
            await stop.wait()
            for line in self._lines:
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        is_asking = False

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, asks: bool) -> None:
            nonlocal is_asking
            while data := await source.read(65_536):
                self.count += asks and not is_asking
                is_asking = asks
                target.write(data)
            target.close()

        try:
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(
                    carry(reader, far_writer, asks=True), carry(far_reader, writer, asks=False)
                )
        finally:
            far_writer.transport.abort()
            writer.transport.abort()
            self._lines.discard(task)


@pytest.fixture(scope="module")
def asked(postgres: Cluster) -> Iterator[tuple[httpx.Client, Turns]]:
    """A server whose primary is reached by a way that counts; what it reads is read nearby."""
    dsn = make_database(postgres)
    turns = Turns(dsn)
    with (
        turns.counting() as far,
        running_worker(dsn, FhirSettings(), write_dsn=far) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        client.put(f"/fhir/Patient/{PATIENT}", json=patient()).raise_for_status()
        client.put(f"/fhir/Medication/{DRUG}", json=drug()).raise_for_status()
        yield client, turns


def _cost(turns: Turns, ask: Callable[[], httpx.Response]) -> float:
    """Questions to the primary for each request, of the round with the fewest: what the server asks by itself
    (it stores the audit) comes in between at some times and not at others. The first round has everything
    prepared."""
    rounds = []
    for _ in range(_ROUNDS):
        before = turns.count
        for _ in range(_EACH):
            assert ask().status_code == 201
        rounds.append((turns.count - before) / _EACH)
    return min(rounds[1:])


def _posting(client: httpx.Client, path: str, body: dict[str, Any]) -> Callable[[], httpx.Response]:
    def post() -> httpx.Response:
        return client.post(path, json=body, headers={"idempotency-key": str(uuid.uuid4())})

    return post


def test_a_receipt_asks_the_primary_no_more_than_a_plain_create(asked: tuple[httpx.Client, Turns]) -> None:
    client, turns = asked
    create = _cost(turns, _posting(client, "/fhir/MedicationRequest", medication()))
    sign = _cost(turns, _posting(client, "/orders", medication()))
    assert create >= 1
    assert sign < create + _OTHERS


def test_a_requisition_is_one_transaction_and_no_more(
    asked: tuple[httpx.Client, Turns],
) -> None:
    client, turns = asked
    create = _cost(turns, _posting(client, "/fhir/ServiceRequest", requisition()))
    sign = _cost(turns, _posting(client, "/orders", requisition()))
    assert sign < create + 3 + _OTHERS, "it begins, writes, and commits"
