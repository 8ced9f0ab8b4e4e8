"""An open loop of people who log on: Poisson arrivals, latency from the moment each one meant to come.

Runs in a process of its own. People give up after `PATIENCE_S` and hang up. *Patient* ones come back when
they were told to; *hasty* ones try again at once, three times in all, as browsers without a plan do.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple, cast

import uvloop

from benchmarks.response import HttpError, Response, ResponseParser

PATIENCE_S = 2.0
TRIES_MAX = 3
MIX = {"logon": 0.4, "badge": 0.3, "refresh": 0.2, "ward": 0.1}
"""A morning: full logon, badge at a ward's PC, refresh of a token, first ward list."""
PASSWORD = "rød grød med fløde"


@dataclass(slots=True)
class Crowd:
    """What the people know: made by `logon_setup`."""

    accounts: int
    workplaces: list[str]
    refreshes: list[str]
    tokens: list[str]
    came: dict[str, int] = field(default_factory=dict)
    """How many of each kind there were before: others come each time, so no refresh token is used twice."""


@dataclass(frozen=True, slots=True)
class Phase:
    """`per_second` people for `seconds`; 0: `at_once` people one after the other, a closed loop."""

    name: str
    seconds: float
    per_second: float = 0.0
    at_once: int = 0
    kinds: tuple[str, ...] = tuple(MIX)


class Person(NamedTuple):
    """Somebody who wanted in. Times are seconds since the run began; `in_s` is None for who never was."""

    kind: str
    came_s: float
    in_s: float | None
    latency_s: float
    """From when one meant to come, or to come back, to the answer."""
    tries: int
    meant_s: tuple[float, ...] = ()
    """When each try was meant to be made."""


@dataclass(slots=True)
class Run:
    """What a run has shown. `began_s` has the phases' beginnings, and the end."""

    began_s: list[float] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    refused: int = 0
    gave_up: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    came: dict[str, int] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)
    """Share of a core that the generator used, by phase."""


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._parser = ResponseParser()
        self.answer: asyncio.Future[Response] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            responses = self._parser.feed(data)
        except HttpError:
            self.transport.abort()
            return
        for response in responses:
            if self.answer is not None and not self.answer.done():
                self.answer.set_result(response)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError())


class People:
    """Sends people of each kind, and notes what became of them."""

    def __init__(self, crowd: Crowd, port: int, hasty: bool, seed: int) -> None:
        self._crowd, self._port, self._hasty = crowd, port, hasty
        self._rng = random.Random(seed)
        self._idle: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._start = time.perf_counter()
        self.run = Run()

    async def pass_through(self, phase: Phase) -> None:
        """One phase from its beginning to its end; those who still wait are not waited for."""
        start, cpu = time.perf_counter(), time.process_time()
        self.run.began_s.append(start - self._start)
        if phase.per_second:
            await self._arrive(phase, start)
        else:
            await asyncio.gather(*(self._one_after_the_other(phase, start) for _ in range(phase.at_once)))
        self.run.busy.append(round((time.process_time() - cpu) / (time.perf_counter() - start), 2))

    async def finish(self) -> Run:
        """Those who still wait are in at once or were never."""
        self.run.began_s.append(time.perf_counter() - self._start)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.run.came = self._crowd.came
        return self.run

    async def _arrive(self, phase: Phase, start: float) -> None:
        for after_s, kind in arrivals(phase, self._rng):
            pause = start + after_s - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.create_task(self._person(kind, start + after_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.sleep(max(0.0, start + phase.seconds - time.perf_counter()))

    async def _one_after_the_other(self, phase: Phase, start: float) -> None:
        while (now := time.perf_counter()) < start + phase.seconds:
            await self._person(self._kind(phase), now)

    def _kind(self, phase: Phase) -> str:
        return self._rng.choices(phase.kinds, _weights(phase))[0]

    async def _person(self, kind: str, meant_at: float) -> None:
        """One person from coming to being in, or to giving up."""
        who = self._crowd.came[kind] = self._crowd.came.get(kind, 0) + 1
        came, tries, appointment, meant = meant_at, 0, None, list[float]()
        in_at: float | None = None
        try:
            while tries < TRIES_MAX and in_at is None:
                tries += 1
                meant.append(meant_at - self._start)
                response = await self._try(kind, who, appointment, meant_at + PATIENCE_S)
                now = time.perf_counter()
                if response is not None and response.status == 200 and now <= meant_at + PATIENCE_S:
                    in_at = now
                    self._learn(kind, who, response)
                    break
                pause_s, appointment = self._told(response)
                if pause_s is None:
                    break
                if tries < TRIES_MAX:
                    await asyncio.sleep(pause_s)
                    meant_at = time.perf_counter()
        finally:
            in_s = None if in_at is None else in_at - self._start
            latency_s = 0.0 if in_at is None else in_at - meant_at
            person = Person(kind, came - self._start, in_s, latency_s, tries, tuple(meant))
            self.run.people.append(person)

    def _learn(self, kind: str, who: int, response: Response) -> None:
        if kind == "refresh":
            self._crowd.refreshes[who % len(self._crowd.refreshes)] = json.loads(response.body)["refresh"]

    def _told(self, response: Response | None) -> tuple[float | None, str | None]:
        """The pause before the next try (None: no more), and the appointment to show then."""
        if response is None or response.status == 200:  # none, or one that came too late
            self.run.gave_up += 1
            return (0.0 if self._hasty else self._rng.uniform(1, 10)), None
        if response.status != 503:
            self.run.faults[str(response.status)] = self.run.faults.get(str(response.status), 0) + 1
            return None, None
        self.run.refused += 1
        if self._hasty:
            return 0.0, None
        told = json.loads(response.body)
        return told["retry_after_s"] * self._rng.uniform(1, 1.05), told.get("appointment")

    async def _try(self, kind: str, who: int, appointment: str | None, until: float) -> Response | None:
        """The answer; None if it did not come in time."""
        remaining = until - time.perf_counter()
        if remaining <= 0:
            return None
        try:
            connection = self._take_idle() or await self._connect()
        except OSError:
            return None
        connection.answer = answer = asyncio.get_running_loop().create_future()
        connection.transport.write(self._request(kind, who, appointment, remaining))
        giving_up = asyncio.get_running_loop().call_later(remaining, _hang_up, connection)
        try:
            response: Response = await answer
        except ConnectionError:
            return None
        finally:
            giving_up.cancel()
            connection.answer = None
        self._idle.append(connection)
        return response

    def _take_idle(self) -> _Connection | None:
        """One that the server has not closed meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def _request(self, kind: str, who: int, appointment: str | None, remaining_s: float) -> bytes:
        crowd = self._crowd
        number = who % crowd.accounts
        head = f"host: storm\r\naltid-deadline: {int(remaining_s * 1000)}\r\naltid-ward: {who}\r\n"
        if kind == "ward":
            token = crowd.tokens[who % len(crowd.tokens)]
            return f"GET /ward HTTP/1.1\r\n{head}authorization: Bearer {token}\r\n\r\n".encode()
        sent: dict[str, Any] = {}
        if kind == "logon":
            sent = {"username": f"user{number}", "password": PASSWORD}
            if appointment:
                sent["appointment"] = appointment
        elif kind == "badge":
            sent = {"workplace": crowd.workplaces[number % len(crowd.workplaces)], "badge": f"{number:08X}"}
        else:
            sent = {"refresh": crowd.refreshes[who % len(crowd.refreshes)]}
        body = json.dumps(sent).encode()
        return f"POST /{kind} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


def arrivals(phase: Phase, rng: random.Random) -> list[tuple[float, str]]:
    """When, in seconds from the phase's beginning, people come, and for what.

    A Poisson process whose number, and number of each kind, is its mean: what is offered in some seconds is
    then what the load says, and not some percent more or less by chance.
    """
    count, weights = round(phase.per_second * phase.seconds), _weights(phase)
    kinds = [
        kind
        for kind, weight in zip(phase.kinds, weights, strict=True)
        for _ in range(round(count * weight / sum(weights)))
    ]
    rng.shuffle(kinds)
    return list(zip(sorted(rng.uniform(0, phase.seconds) for _ in kinds), kinds, strict=True))


def _weights(phase: Phase) -> list[float]:
    return [MIX[kind] for kind in phase.kinds]


def _hang_up(connection: _Connection) -> None:
    connection.transport.abort()


def run(crowd: Crowd, port: int, phases: list[Phase], *, hasty: bool, seed: int = 1) -> Run:
    """Run the phases one after the other, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run_here, args=(theirs, crowd, port, phases, hasty, seed))
    process.start()
    theirs.close()
    try:
        seen = cast("Run", ours.recv())
    except EOFError:
        raise RuntimeError("The load generator ended without a result; its last lines say why.") from None
    finally:
        process.join()
    crowd.came = seen.came
    return seen


def _run_here(pipe: Pipe, crowd: Crowd, port: int, phases: list[Phase], hasty: bool, seed: int) -> None:
    async def drive() -> Run:
        people = People(crowd, port, hasty, seed)
        for phase in phases:
            await people.pass_through(phase)
        return await people.finish()

    pipe.send(uvloop.run(drive()))
