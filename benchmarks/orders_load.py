"""An open loop: orders arrive when they arrive, whether or not those before them are answered.

Latency counts from the moment when a request was to be sent: a server that lags is not spared by its own lag.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.latency import Latency, summarize
from benchmarks.processes import cpu_seconds
from benchmarks.response import ResponseParser

CONNECTIONS_MAX = 128
_ANSWER_S_MAX = 30.0

Make = Callable[[], bytes]
"""Gives the next request, ready to be sent."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one run; latencies leave the warm-up out."""

    name: str
    offered_per_second: float
    answered_per_second: float
    latency: Latency | None
    errors: int
    server_us: float | None = None
    """Processor time of the server for each order, in a saturated run: what others do on the machine
    changes it less than the rate."""


class _Pool:
    """Keep-alive connections, each with one request underway."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)

    async def ask(self, data: bytes) -> int:
        """The answer's status."""
        async with self._slots:
            if self._idle:
                reader, writer = self._idle.pop()
            else:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            writer.write(data)
            parser = ResponseParser()
            while True:
                received = await reader.read(65_536)
                if not received:
                    raise ConnectionError("the server hung up")
                if responses := parser.feed(received):
                    self._idle.append((reader, writer))
                    return responses[0].status

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def offered(
    name: str,
    port: int,
    make: Make,
    per_second: float,
    seconds: float,
    warmup_s: float,
    seed: int = 1,
    host: str = "127.0.0.1",
) -> Found:
    """Poisson arrivals at this rate."""
    dice, pool = random.Random(seed), _Pool(port, host)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    begin = time.perf_counter()
    due, tasks = begin, set[asyncio.Task[None]]()

    async def one(due: float) -> None:
        async with asyncio.timeout(_ANSWER_S_MAX):
            status = await pool.ask(make())
        statuses[status] += 1
        if due >= begin + warmup_s:
            latencies.append(time.perf_counter() - due)

    while (due := due + dice.expovariate(per_second)) < begin + warmup_s + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.add(asyncio.create_task(one(due)))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    took_s = time.perf_counter() - begin - warmup_s
    pool.close()
    failed = sum(isinstance(result, BaseException) for result in results)
    failed += sum(count for status, count in statuses.items() if status != 201)
    return Found(name, per_second, round(len(latencies) / took_s, 1), summarize(latencies), failed)


async def saturated(
    name: str, port: int, pid: int, make: Make, connections: int, seconds: float, warmup_s: float
) -> Found:
    """A closed loop of so many connections: what the server can do."""
    pool, latencies = _Pool(port), list[float]()
    begin, before_s = time.perf_counter(), cpu_seconds([pid])
    errors = sent = 0

    async def many() -> None:
        nonlocal errors, sent
        while (sent_s := time.perf_counter()) < begin + warmup_s + seconds:
            sent += 1
            errors += await pool.ask(make()) != 201
            if sent_s >= begin + warmup_s:
                latencies.append(time.perf_counter() - sent_s)

    await asyncio.gather(*(many() for _ in range(connections)))
    took_s = time.perf_counter() - begin - warmup_s
    pool.close()
    server_us = (cpu_seconds([pid]) - before_s) / max(sent, 1) * 1e6
    rate = round(len(latencies) / took_s, 1)
    return Found(name, 0.0, rate, summarize(latencies), errors, round(server_us))
