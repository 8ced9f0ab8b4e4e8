"""The load generator: a closed loop of keep-alive connections, each with one request under way.

It runs in a process of its own and does as little as possible for each request, since it shares the machine
with what it measures. `busy` in the outcome is the part of a core it needed; near 1 it was the limit itself.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple, cast

import uvloop

from benchmarks.latency import Latency, summarize
from benchmarks.response import HttpError, Response, ResponseParser

CHECK_EVERY = 50
"""One response in so many is read and compared with what it must hold; the status of every one is."""

ANSWER_S_MAX = 30.0
"""A request without an answer for so long counts as an error, and the run ends."""

_FINDINGS_MAX = 5
"""Different faults that an outcome quotes; their number is counted in full."""


class Request(NamedTuple):
    """One request, ready to be sent, and what its response must be.

    `check` says what is wrong with a response's content, if anything; `learn` takes what later requests need.
    """

    kind: str
    data: bytes
    status: int
    check: Callable[[Response], str | None] | None = None
    learn: Callable[[Response], None] | None = None


Workload = Callable[[], Request | None]
"""Gives the next request, or None when there is no more work."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run of the load generator; `make` builds its workload in the generator's process."""

    make: Callable[[], Workload]
    host: str
    port: int
    connections: int
    seconds: float
    warmup_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has shown. All but `sent`, `errors` and the findings leave the warm-up out."""

    connections: int
    seconds: float
    sent: int
    answered: int
    per_second: float
    latency: Latency | None
    latency_of: dict[str, Latency | None]
    answered_of: dict[str, int]
    statuses: dict[str, int]
    checked: int
    errors: int
    findings: list[str]
    body_bytes_mean: float
    cpu_seconds: float
    """Of the load generator, warm-up included (as `sent`)."""
    process_cpu_seconds: float
    """The same with starting the generator's process."""
    busy: float


@dataclass(slots=True)
class _Run:
    """What the connections of a run share."""

    workload: Workload
    measure_from: float
    stop_at: float
    latencies: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    checked: int = 0
    body_bytes: int = 0
    last_answer: float = 0.0


class _Connection(asyncio.Protocol):
    """One connection; `done` is set when it has nothing more to do."""

    def __init__(self, run: _Run, done: asyncio.Future[None]) -> None:
        self._run = run
        self._done = done
        self._parser = ResponseParser()
        self._request: Request | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            responses = self._parser.feed(data)
        except HttpError as error:
            self._run.findings[str(error)] += 1
            self._transport.abort()
            return
        for response in responses:
            self._answered(response)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._request is not None:
            self._run.findings["The server closed a connection with a request under way."] += 1
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        run = self._run
        try:
            self._request = run.workload() if time.perf_counter() < run.stop_at else None
        except Exception as error:  # raised again by the run that waits: a callback's would be lost
            self._request = None
            self._done.set_exception(error)
        if self._request is None:
            self._transport.close()
            return
        run.sent += 1
        self._sent_at = time.perf_counter()
        self._transport.write(self._request.data)

    def _answered(self, response: Response) -> None:
        now, run, request = time.perf_counter(), self._run, self._request
        if request is None:
            run.findings["The server sent a response that nobody asked for."] += 1
            return
        self._request = None
        run.statuses[response.status] += 1
        if response.status != request.status:
            run.findings[f"{request.kind}: {response.status} instead of {request.status}"] += 1
        else:
            if request.learn is not None:
                request.learn(response)
            self._check(request, response)
            if self._sent_at >= run.measure_from:
                run.latencies.setdefault(request.kind, []).append(now - self._sent_at)
                run.body_bytes += len(response.body)
                run.last_answer = now
        self._send()

    def _check(self, request: Request, response: Response) -> None:
        if self._run.sent % CHECK_EVERY or request.check is None:
            return
        self._run.checked += 1
        try:
            finding = request.check(response)
        except (ValueError, LookupError, TypeError) as error:
            finding = f"content of another form ({type(error).__name__})"
        if finding:
            self._run.findings[f"{request.kind}: {finding}"] += 1


def run(plan: Plan) -> Outcome:
    """Run the plan in a process of its own and wait for its outcome."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run_here, args=(plan, theirs))
    process.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        raise RuntimeError("The load generator ended without an outcome; its last lines say why.") from None
    finally:
        process.join()
    assert isinstance(outcome, Outcome)
    return outcome


def _run_here(plan: Plan, pipe: Pipe) -> None:
    pipe.send(uvloop.run(drive(plan)))


async def drive(plan: Plan) -> Outcome:
    """Run the plan in this process. Raises what its workload raises, and `OSError` if nobody listens."""
    workload = plan.make()
    start, cpu_start = time.perf_counter(), time.process_time()
    measure_from = start + plan.warmup_seconds
    shared = _Run(workload, measure_from, measure_from + plan.seconds)
    loop = asyncio.get_running_loop()
    waiting = [await _connect(loop, plan, shared) for _ in range(plan.connections)]
    _, late = await asyncio.wait(waiting, timeout=plan.warmup_seconds + plan.seconds + ANSWER_S_MAX)
    for done in waiting:
        if done.done():
            done.result()
    if late:
        shared.findings[f"No answer within {ANSWER_S_MAX:.0f} s."] += len(late)
    return _outcome(plan, shared, time.perf_counter() - start, time.process_time() - cpu_start)


async def _connect(loop: asyncio.AbstractEventLoop, plan: Plan, shared: _Run) -> asyncio.Future[None]:
    done: asyncio.Future[None] = loop.create_future()
    await loop.create_connection(lambda: _Connection(shared, done), plan.host, plan.port)
    return done


def _outcome(plan: Plan, shared: _Run, elapsed_s: float, cpu_s: float) -> Outcome:
    everything = [latency for latencies in shared.latencies.values() for latency in latencies]
    seconds = max(shared.last_answer - shared.measure_from, 1e-9)
    return Outcome(
        connections=plan.connections,
        seconds=round(seconds, 3),
        sent=shared.sent,
        answered=len(everything),
        per_second=round(len(everything) / seconds, 1) if everything else 0.0,
        latency=summarize(everything),
        latency_of={kind: summarize(latencies) for kind, latencies in shared.latencies.items()},
        answered_of={kind: len(latencies) for kind, latencies in shared.latencies.items()},
        statuses={str(status): count for status, count in sorted(shared.statuses.items())},
        checked=shared.checked,
        errors=sum(shared.findings.values()),
        findings=[f"{text} ({count} times)" for text, count in shared.findings.most_common(_FINDINGS_MAX)],
        body_bytes_mean=round(shared.body_bytes / max(len(everything), 1), 1),
        cpu_seconds=round(cpu_s, 3),
        process_cpu_seconds=round(time.process_time(), 3),
        busy=round(cpu_s / elapsed_s, 3),
    )
