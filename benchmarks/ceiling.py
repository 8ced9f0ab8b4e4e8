"""How much the load generator can do by itself: driven against a server that only ever says the same.

What is measured near this figure, or with `busy` near 1, is a figure of the generator and not of the record.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import cast

import orjson
import uvloop

from benchmarks import dataset, workloads
from benchmarks.dataset import Dataset
from benchmarks.load import Outcome, Plan, Workload, run
from benchmarks.workloads import Source

HOST = "127.0.0.1"


def measure(connections: int, seconds: float, warmup_seconds: float) -> Outcome:
    """Read one and the same Observation of 1 kB again and again."""
    with _same_answer_server() as port:
        make = functools.partial(_reads, f"{HOST}:{port}")
        return run(Plan(make, HOST, port, connections, seconds, warmup_seconds))


def _reads(host: str) -> Workload:
    return workloads.read(Source(Dataset(patients=1, analyses=1, repeats=1), host, random.Random(1)))


@contextmanager
def _same_answer_server() -> Iterator[int]:
    """A process with the server; gives its port."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Pipe) -> None:
    uvloop.run(_serve_forever(pipe))


async def _serve_forever(pipe: Pipe) -> None:
    server = await asyncio.get_running_loop().create_server(_SameAnswer, HOST, 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _answer() -> bytes:
    stored = dataset.observation(0, 0, 0) | {"meta": {"versionId": "1"}}
    body = orjson.dumps(stored)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {workloads.JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _SameAnswer(asyncio.Protocol):
    """Answers whatever arrives; requests without a body come in one piece."""

    answer = _answer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, _data: bytes) -> None:
        self._transport.write(self.answer)
