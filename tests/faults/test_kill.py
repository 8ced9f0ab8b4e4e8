"""kill -9 in the middle of a load: every acknowledged write is there afterwards.

The checker knows only what the clients were answered. It is itself tested: a write that is taken away behind
the record's back must be reported as missing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.guards import bearer, token_of

START_S_MAX = 60.0
WRITERS = 4


class Server:
    """`altid serve` on a data folder of its own; at any free port, or at the one that is named."""

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self._port = port
        self.address = ""
        self.headers: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "altid.cli",
            "--data",
            str(self.data),
            "serve",
            "--port",
            str(self._port),
            "--workers",
            "2",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Altid is ready"), line
        self.address = json.loads((self.data / "server.json").read_text())["fhir"]
        self.headers = self.headers or bearer(token_of(self.data))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def workers(self) -> list[int]:
        return [pid for pid in children(self.pid) if "altid.server.worker" in command_line(pid)]

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """kill -9 of the supervisor; the kernel must take the rest with it."""
        assert self._process is not None
        self._process.kill()
        self._wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.wait(START_S_MAX)
        self._process.stdout.close()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> str:
    """Empty when the process is gone by now."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def wait_for(condition: Callable[[], Any], seconds: float = START_S_MAX) -> Any:
    """What the condition gives, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class Writers:
    """Clients that create and update as fast as they are answered, and remember every acknowledgement."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.acknowledged: dict[str, str] = {}
        """Resource id to the last text that was acknowledged for it."""
        self.unknown: dict[str, set[str]] = {}
        """Texts that were sent later and not answered: they may be there."""
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(START_S_MAX)

    def _write(self, number: int) -> None:
        turn = 0
        with httpx.Client(timeout=30, headers=self._server.headers) as client:
            while not self._stop.is_set():
                turn += 1
                # Each resource is written three times, so that updates are in the game too: but none over a
                # write whose outcome is unknown, which may yet be done after it.
                if not self._put(client, f"w{number}-{turn // 3}", f"{number}-{turn}"):
                    turn += 2 - turn % 3

    def _put(self, client: httpx.Client, id_: str, text: str) -> bool:
        """Whether it is known what became of it."""
        body = {"resourceType": "Basic", "id": id_, "code": {"text": text}}
        try:
            response = client.put(f"{self._server.address}/Basic/{id_}", json=body)
        except httpx.HTTPError:
            self.unknown.setdefault(id_, set()).add(text)
            time.sleep(0.05)
            return False
        if response.status_code in (200, 201):
            self.acknowledged[id_] = text
        elif response.status_code >= 500:
            self.unknown.setdefault(id_, set()).add(text)
        return response.status_code < 500


def missing(server: Server, writers: Writers) -> list[str]:
    """Ids whose stored text is neither the last acknowledged one nor one sent after it."""
    with httpx.Client(timeout=30, headers=server.headers) as client:
        return [
            id_
            for id_, text in writers.acknowledged.items()
            if stored_text(client, server, id_) not in {text} | writers.unknown.get(id_, set())
        ]


def stored_text(client: httpx.Client, server: Server, id_: str) -> Any:
    """Nothing where there is none. A server that has just lost its database may ask for patience."""

    def answered() -> httpx.Response | None:
        response = client.get(f"{server.address}/Basic/{id_}")
        return response if response.status_code < 500 else None

    response = wait_for(answered)
    return response.json()["code"]["text"] if response.status_code == 200 else None


@pytest.fixture
def server() -> Iterator[Server]:
    data = Path(tempfile.mkdtemp(prefix="altid-kill-"))
    server = Server(data)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(data)


def write_until(writers: Writers, more: int) -> None:
    goal = len(writers.acknowledged) + more
    wait_for(lambda: len(writers.acknowledged) >= goal)


def test_nothing_acknowledged_is_lost_when_postgresql_is_killed(server: Server) -> None:
    with Writers(server) as writers:
        write_until(writers, 50)
        os.kill(server.postmaster(), signal.SIGKILL)
        write_until(writers, 50)
    assert missing(server, writers) == []


def test_nothing_acknowledged_is_lost_when_a_server_process_is_killed(server: Server) -> None:
    dice = random.Random(7)
    with Writers(server) as writers:
        for _ in range(3):
            write_until(writers, 30)
            victim = dice.choice(server.workers())
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda victim=victim: len(set(server.workers()) - {victim}) == 2)
        write_until(writers, 30)
    assert missing(server, writers) == []


def test_nothing_acknowledged_is_lost_when_everything_is_killed(server: Server) -> None:
    with Writers(server) as writers:
        write_until(writers, 80)
        workers, postmaster = server.workers(), server.postmaster()
        server.kill()
    for pid in (*workers, postmaster):
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists())
    server.start()
    assert missing(server, writers) == []


def test_the_checker_sees_a_write_that_was_lost(server: Server) -> None:
    with Writers(server) as writers:
        write_until(writers, 20)
    victim = sorted(writers.acknowledged)[0]
    httpx.delete(f"{server.address}/Basic/{victim}", headers=server.headers, timeout=30)
    assert missing(server, writers) == [victim]
