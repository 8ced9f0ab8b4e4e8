"""Load on one site's servers alone, at a rate that doesn't give way: reads and writes of synthetic resources.

Arrivals are random (Poisson) and don't wait for answers, as patients don't. Latency counts from the moment
that a request was due, so waiting for a free connection counts too. What the site could not do in time, it
could not do: nothing is sent again.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Literal

from altid.access.programs import Credentials
from altid.drills.figures import percentile
from altid.orders.synthetic import TEST_DATA
from altid.region.http import Connection, HttpError
from altid.region.topology import Site

ABOUT = "open loop, Poisson arrivals, latency from the moment due; of 10 reads 7 by id and 3 searches"

_REGISTERS = 64
"""Resources that are read and written: few enough to lie in memory, as today's patients do."""

_SEARCHES_OF_READS = 0.3
"""A page of a patient's observations for every two or three resources by id, as the patient's page asks."""

_PAGE = 10
_CONNECTIONS = 48
_ANSWER_S_MAX = 2.0
"""Whoever waits longer has gone elsewhere; the request counts as failed."""

_BACKLOG_MAX = 2_000
"""More requests than this are never underway: the rest fail at once, as the site's own doors would do."""

_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}

Kind = Literal["read", "write"]


@dataclass(slots=True)
class Outcome:
    """What became of one kind of request in one step."""

    due: int = 0
    done: int = 0
    failed: int = 0
    latencies_s: list[float] = field(default_factory=list)

    def p99_ms(self) -> float | None:
        value = percentile(self.latencies_s, 0.99)
        return None if value is None else round(value * 1000, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, held for a while."""

    reads_per_s: float
    writes_per_s: float
    seconds: float
    reads: Outcome
    writes: Outcome
    generator_busy: float
    """Share of one processor that this load generator itself needed."""


class SiteLoad:
    """A run's resources at one site, and the connections to that site's servers."""

    def __init__(self, site: Site, run: str, dice: random.Random, tokens: Credentials) -> None:
        self._site, self._run, self._dice, self._tokens = site, run, dice, tokens
        self._free: list[Connection] = []
        self._opened = 0
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._value = 0

    async def prepare(self, s_max: float) -> None:
        """Write the patient and the registers that the load is about. Raises `HttpError` when it can't."""
        end_s = time.monotonic() + s_max
        patient = {"resourceType": "Patient", "id": self._run, "active": False, "meta": {"tag": [TEST_DATA]}}
        await self._insist(f"/fhir/Patient/{self._run}", _dump(patient), end_s)
        for number in range(_REGISTERS):
            await self._insist(f"/fhir/Observation/{self._register(number)}", self._body(number), end_s)

    def close(self) -> None:
        for connection in self._free:
            connection.close()
        self._free.clear()

    async def step(self, reads_per_s: float, writes_per_s: float, seconds: float) -> Step:
        """Hold the rates for so long, then wait for what is underway."""
        outcomes: dict[Kind, Outcome] = {"read": Outcome(), "write": Outcome()}
        underway: set[asyncio.Task[None]] = set()
        cpu_s, began_s = time.process_time(), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for due_s, kind in self._arrivals(reads_per_s, writes_per_s, seconds):
                await _until(began_s + due_s)
                outcome = outcomes[kind]
                outcome.due += 1
                if len(underway) >= _BACKLOG_MAX:
                    outcome.failed += 1
                    continue
                task = tasks.create_task(self._one(kind, began_s + due_s, outcome))
                underway.add(task)
                task.add_done_callback(underway.discard)
            await _until(began_s + seconds)
        took_s = time.monotonic() - began_s
        busy = (time.process_time() - cpu_s) / took_s
        return Step(reads_per_s, writes_per_s, seconds, outcomes["read"], outcomes["write"], round(busy, 2))

    def _arrivals(self, reads_per_s: float, writes_per_s: float, seconds: float) -> list[tuple[float, Kind]]:
        rates: list[tuple[Kind, float]] = [("read", reads_per_s), ("write", writes_per_s)]
        return sorted((at_s, kind) for kind, rate in rates for at_s in self._poisson(rate, seconds))

    def _poisson(self, rate: float, seconds: float) -> list[float]:
        times: list[float] = []
        at_s = self._dice.expovariate(rate) if rate else seconds
        while at_s < seconds:
            times.append(at_s)
            at_s += self._dice.expovariate(rate)
        return times

    async def _one(self, kind: Kind, due_s: float, outcome: Outcome) -> None:
        number = self._dice.randrange(_REGISTERS)
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                await self._slots.acquire()
        except TimeoutError:
            outcome.failed += 1
            return
        try:
            status = await self._ask(kind, number)
        finally:
            self._slots.release()
        if status in (200, 201):
            outcome.done += 1
            outcome.latencies_s.append(time.monotonic() - due_s)
        else:
            outcome.failed += 1

    async def _ask(self, kind: Kind, number: int) -> int:
        """The status, or 0 when there is no answer."""
        register = self._register(number)
        if kind == "write":
            return await self._send("PUT", f"/fhir/Observation/{register}", self._body(number))
        if self._dice.random() < _SEARCHES_OF_READS:
            return await self._send("GET", f"/fhir/Observation?subject=Patient/{self._run}&_count={_PAGE}")
        return await self._send("GET", f"/fhir/Observation/{register}")

    async def _send(self, method: str, path: str, body: bytes = b"") -> int:
        headers = _HEADERS | await self._tokens.headers()
        connection = self._free.pop() if self._free else self._open()
        try:
            answer = await connection.ask(method, path, body, headers, s_max=_ANSWER_S_MAX)
        except HttpError:
            return 0
        finally:
            self._free.append(connection)
        return answer.status

    async def _insist(self, path: str, body: bytes, end_s: float) -> None:
        while await self._send("PUT", path, body) not in (200, 201):
            if time.monotonic() > end_s:
                raise HttpError(f"{self._site.name}'s servers take no writes")
            await asyncio.sleep(0.1)

    def _open(self) -> Connection:
        """A connection to the site's next server."""
        ports = self._site.server_ports
        self._opened += 1
        return Connection(self._site.host, ports[self._opened % len(ports)])

    def _register(self, number: int) -> str:
        return f"{self._run}-{number}"

    def _body(self, number: int) -> bytes:
        self._value += 1
        return _dump(
            {
                "resourceType": "Observation",
                "id": self._register(number),
                "meta": {"tag": [TEST_DATA]},
                "status": "final",
                "code": {"text": "capacity"},
                "subject": {"reference": f"Patient/{self._run}"},
                "valueInteger": self._value,
            }
        )


def _dump(resource: dict[str, object]) -> bytes:
    return json.dumps(resource, separators=(",", ":")).encode()


async def _until(moment_s: float) -> None:
    """Give way to others, and wait for the moment if it is still to come."""
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))
