"""Receivers and dispatchers as processes, and orders to send."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from altid.record.connection import SETTINGS
from altid.record.write import Write, create, update, write
from tests.orders.receiver import read
from tests.ports import free_port

_TREE = Path(__file__).parents[2]
WAIT_S_MAX = 60.0

Resource = dict[str, Any]


class Post:
    """A receiver in a process of its own, always at the same port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.orders.receiver", str(self._folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_TREE,
        )
        assert self._say_and_hear() == f"{self.port}\n"

    def be(self, mood: str, **detail: Any) -> None:
        """Take messages so from now on. One that has died is started first."""
        if not self.lives:
            self.stop()
            self.start()
        self._say_and_hear(json.dumps({"mood": mood, **detail}))

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None

    @property
    def seen(self) -> list[Resource]:
        """What it was sent, in order."""
        return read(self._folder / "seen.jsonl")

    @property
    def applied(self) -> list[Resource]:
        """What it has applied, in order."""
        return read(self._folder / "applied.jsonl")

    def _say_and_hear(self, text: str = "") -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if text:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline()


@contextmanager
def a_post(folder: Path) -> Iterator[Post]:
    post = Post(folder)
    try:
        yield post
    finally:
        post.stop()


class Sending:
    """Dispatcher processes, to be killed and started."""

    def __init__(self, write_dsn: str, ports: dict[str, int], read_dsn: str | None = None) -> None:
        self._told = json.dumps({"read": read_dsn or write_dsn, "write": write_dsn, "ports": ports})
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.orders.dispatching"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=_TREE,
        )
        assert process.stdin is not None
        process.stdin.write(self._told + "\n")
        process.stdin.close()
        self._processes.append(process)

    def kill(self) -> None:
        """All of them, at once."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()


@contextmanager
def sending(write_dsn: str, ports: dict[str, int], read_dsn: str | None = None) -> Iterator[Sending]:
    processes = Sending(write_dsn, ports, read_dsn)
    processes.start()
    try:
        yield processes
    finally:
        processes.kill()


def patient(id_: str) -> Resource:
    number = f"{sum(map(ord, id_)) % 10**10:010}"
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:oid:1.2.208.176.1.2", "value": number}],
        "name": [{"use": "official", "family": "Sørensen|^~\\&", "given": ["Åse", "Ærø"]}],
        "gender": "female",
        "birthDate": "1956-02-29",
    }


def medication(id_: str, of: str, status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": status,
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01", "display": "Paracetamol"}]
        },
        "dosageInstruction": [{"text": "2 tabletter 4 gange daglig"}],
        **more,
    }


def requisition(id_: str, of: str, status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": status,
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU03230", "display": "Kalium"}]},
        **more,
    }


def new(resource: Resource) -> Write:
    return create(resource, resource["id"])


async def written(dsn: str, *writes: Write) -> None:
    """One after the other, each committed."""
    connection = await asyncpg.connect(dsn, server_settings=dict(SETTINGS))
    try:
        for one in writes:
            (result,) = await write(connection, [one])
            assert result.outcome in ("created", "updated", "deleted")
    finally:
        await connection.close()


def put(dsn: str, *resources: Resource) -> None:
    """Each as the next version of its id."""
    asyncio.run(written(dsn, *(update(one) for one in resources)))


def ask(dsn: str, statement: str, *arguments: Any) -> Any:
    """One value."""

    async def asked() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    return asyncio.run(asked())


def wait_until(condition: Callable[[], Any], s: float = WAIT_S_MAX) -> None:
    end_s = time.monotonic() + s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.03)


def wait_for_dispatcher(dsn: str, destinations: int = 1) -> None:
    """It has begun: what is written from now on is sent."""
    wait_until(lambda: ask(dsn, "SELECT count(*) FROM delivery_cursor") == destinations)


def states(dsn: str) -> dict[str, int]:
    """How many deliveries are in each state."""

    async def asked() -> dict[str, int]:
        connection = await asyncpg.connect(dsn)
        try:
            return dict(await connection.fetch("SELECT state, count(*) FROM delivery GROUP BY state"))
        finally:
            await connection.close()

    return asyncio.run(asked())


def in_order(applied: Iterable[Resource]) -> bool:
    """Whether each order's versions come in their order."""
    last: dict[str, int] = {}
    for one in applied:
        if one["version"] <= last.get(one["order"], 0):
            return False
        last[one["order"]] = one["version"]
    return True
