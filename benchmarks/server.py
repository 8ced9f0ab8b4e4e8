"""The Altid that is measured: started as anyone would start it, on a data folder that is thrown away."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from altid.access.programs import program_token
from altid.cli.operating import operator_at
from altid.record.postgres.cluster import DATABASE
from altid.record.postgres.folder import SUPERUSER
from altid.region.layout import Layout
from benchmarks import processes

HOST = "127.0.0.1"

_READY_S_MAX = 90.0
"""initdb, the schema and the first workers on a busy machine."""
_STOP_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running Altid and its PostgreSQL."""

    pid: int
    port: int
    data: Path
    postmaster_pid: int
    socket_dir: Path
    socket_port: int
    command: str

    def postgres_processes(self) -> list[int]:
        return processes.tree(self.postmaster_pid)

    def own_processes(self) -> list[int]:
        """The supervisor and its server processes, without PostgreSQL."""
        postgres = set(self.postgres_processes())
        return [pid for pid in processes.tree(self.pid) if pid not in postgres]

    @property
    def host_header(self) -> str:
        return f"{HOST}:{self.port}"

    def token(self, life_s: float) -> str:
        """What the load generator proves itself with: for as long as a run takes, since it can't renew it."""
        return asyncio.run(_token(self.data, life_s))

    @property
    def database_arguments(self) -> dict[str, str]:
        """How to reach the record's database, as keywords of asyncpg."""
        return {
            "host": str(self.socket_dir),
            "port": str(self.socket_port),
            "user": SUPERUSER,
            "database": DATABASE,
        }


async def _token(data: Path, life_s: float) -> str:
    async with operator_at(Layout(data)) as operator:
        return (await program_token(operator, "benchmark", life_s=life_s)).token


@contextmanager
def running(workers: int | None = None) -> Iterator[Server]:
    """Start `altid serve` on a new data folder, wait until it is ready, stop it and remove the folder."""
    folder = Path(tempfile.mkdtemp(prefix="altid-bench-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as another user
    data, log = folder / "data", folder / "serve.log"
    command = [str(Path(sys.executable).with_name("altid")), "--data", str(data), "serve"]
    if workers is not None:
        command += ["--workers", str(workers)]
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=output, stderr=output)
    try:
        _wait_ready(process, port, log)
        pid, socket_dir, socket_port = _postmaster(data)
        shown = "altid serve" + (f" --workers {workers}" if workers is not None else "")
        yield Server(process.pid, port, data, pid, socket_dir, socket_port, shown)
    finally:
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_S_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _is_ready(port):
            return
        time.sleep(0.1)
    raise RuntimeError("Altid did not become ready. Its last lines:\n" + _last_lines(log))


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _postmaster(data: Path) -> tuple[int, Path, int]:
    """Process, socket folder and port of the PostgreSQL in the data folder (its postmaster.pid)."""
    file = next(data.glob("**/postmaster.pid"))
    lines = file.read_text().splitlines()
    return int(lines[0]), Path(lines[4]), int(lines[3])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
