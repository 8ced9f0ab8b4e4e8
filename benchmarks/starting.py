"""A database and server processes of a benchmark's own, started and stopped around it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from altid.record.migrate import migrate
from altid.record.postgres import Cluster, PostgresSettings, embedded
from altid.record.roles import ensure_app_role

HOST = "127.0.0.1"
_START_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """A server process that answers."""

    pid: int
    port: int

    @property
    def host_header(self) -> str:
        return f"{HOST}:{self.port}"


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Cluster]:
    """PostgreSQL with the newest schema, as `altid serve` runs it."""
    async with embedded(folder, PostgresSettings()) as cluster:
        await migrate(cluster.dsn)
        await ensure_app_role(cluster.dsn)
        yield cluster


@contextmanager
def started(module: str, settings: Mapping[str, Any], ready_path: str) -> Iterator[Started]:
    """`python -m MODULE`, with its settings and a port as one line of JSON on its standard input."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps({**settings, "port": port}) + "\n")
        process.stdin.flush()
        _wait_until_ready(process, f"http://{HOST}:{port}{ready_path}")
        yield Started(process.pid, port)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[str], address: str) -> None:
    until = time.monotonic() + _START_S_MAX
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(address, timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The benchmark's server did not start; its last lines say why.")
