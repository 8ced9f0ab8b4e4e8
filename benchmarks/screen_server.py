"""How long the server takes for a page: as it says itself in `Server-Timing`, and in processor time, which
tells the same on a busy machine."""

from __future__ import annotations

import http.client
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.latency import percentile
from benchmarks.server import HOST, Server

_ANSWER_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Of many looks one after another. `cpu_ms`: processor time for one of them, of Altid and PostgreSQL;
    `busy_cores`: what else kept the machine busy. Above 0.1 cores the times are not to be trusted."""

    p50_ms: float
    p99_ms: float
    slowest_ms: float
    cpu_ms: float
    busy_cores: float


Ask = Callable[[Sequence[str], int], Asked]


def asking(server: Server, cookies: str) -> Ask:
    """Asks for pages by turns, as whoever has these cookies."""

    def took_ms(path: str) -> float:
        # A connection each: the kernel spreads them over the server's processes.
        connection = http.client.HTTPConnection(HOST, server.port, timeout=_ANSWER_S_MAX)
        connection.request("GET", path, headers={"Cookie": cookies})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, f"a page answered {answer.status}"
        return float(answer.headers["Server-Timing"].partition("dur=")[2].partition(",")[0])

    def ask(paths: Sequence[str], times: int) -> Asked:
        before = _used(server)
        took = sorted(took_ms(path) for path in itertools.islice(itertools.cycle(paths), times))
        own, others, clock = (after - was for after, was in zip(_used(server), before, strict=True))
        return Asked(
            percentile(took, 50),
            percentile(took, 99),
            took[-1],
            round(own / times * 1_000, 1),
            round(max(0.0, others) / clock, 2),
        )

    return ask


def _used(server: Server) -> tuple[float, float, float]:
    """Processor time of Altid with PostgreSQL, of all else but this process, and the clock, in seconds."""
    own = processes.cpu_seconds(processes.tree(server.pid))
    others = processes.machine_cpu_seconds() - own - processes.cpu_seconds([os.getpid()])
    return own, others, time.monotonic()
