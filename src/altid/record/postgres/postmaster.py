"""One PostgreSQL server process: started, waited for, stopped; and what an earlier one left behind.

`postmaster.pid` is PostgreSQL's own lock file: line 1 is the process, line 8 its state ("ready" when it
accepts sessions). A process belongs to a cluster exactly when its working folder is the cluster's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

from altid.record.postgres import launch
from altid.record.postgres.account import Account
from altid.record.postgres.error import PostgresError
from altid.record.postgres.folder import environment, seen_by
from altid.record.postgres.programs import Programs

POLL_SECONDS = 0.02
"""How often a wait looks again; a start takes some 50 ms."""

_IMMEDIATE_SECONDS_MAX = 10.0
"""An immediate shutdown only ends processes; past this they are killed."""

_STATE_LINE = 7
_REASON_CHARACTERS_MAX = 300
_TAIL_BYTES = 16 * 1024


class Postmaster(NamedTuple):
    """A server process that we started."""

    process: subprocess.Popen[bytes]
    cluster: Path
    complaints: IO[bytes]
    """What it says before its own log is open."""

    @property
    def running(self) -> bool:
        return self.process.poll() is None


async def start(cluster: Path, account: Account, programs: Programs, seconds_max: float) -> Postmaster:
    """Start the server and wait until it accepts sessions. Raises `PostgresError` with its own reason."""
    complaints = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
    program = [str(programs.bin / "postgres"), "-D", str(seen_by(account, cluster))]
    process = subprocess.Popen(  # noqa: S603, ASYNC220  tied to this very thread; takes a few milliseconds
        launch.command(account, cluster, program, tied=True),
        stdin=subprocess.DEVNULL,
        stdout=complaints,
        stderr=complaints,
        env=environment(),
        start_new_session=True,  # Ctrl-C at a terminal is for the supervisor, which then stops in good order
    )
    postmaster = Postmaster(process, cluster, complaints)
    try:
        await _ready(postmaster, seconds_max)
    except BaseException:
        await stop(postmaster, seconds_max=0)
        raise
    return postmaster


async def _ready(postmaster: Postmaster, seconds_max: float) -> None:
    try:
        async with asyncio.timeout(seconds_max):
            while not _says_ready(postmaster):
                if not postmaster.running:
                    raise PostgresError(f"PostgreSQL does not start: {_reason(postmaster)}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise PostgresError(f"PostgreSQL was not ready within {seconds_max:.0f} s.") from None


def _says_ready(postmaster: Postmaster) -> bool:
    lines = _pid_file_lines(postmaster.cluster)
    return (
        len(lines) > _STATE_LINE
        and lines[0].strip() == str(postmaster.process.pid)
        and lines[_STATE_LINE].strip() == "ready"
    )


def _reason(postmaster: Postmaster) -> str:
    """The server's own words: the last fatal line of its log since this start, else of what it printed."""
    postmaster.complaints.seek(0)
    printed = postmaster.complaints.read(_TAIL_BYTES)
    if b"redirecting log output" in printed:
        printed += _log_since_start(postmaster)
    lines = printed.decode("utf-8", "replace").splitlines()
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (fatal or lines or [f"exit code {postmaster.process.returncode}"])[-1][:_REASON_CHARACTERS_MAX]


def _log_since_start(postmaster: Postmaster) -> bytes:
    logs = sorted((postmaster.cluster / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        return b""
    with logs[-1].open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
        _, _, since = log.read().rpartition(b"starting PostgreSQL")
    return since


async def stop(postmaster: Postmaster, seconds_max: float) -> bool:
    """Stop the server: fast for `seconds_max`, then immediate, then by force. True if the fast way did."""
    try:
        if seconds_max and await _ended(postmaster, signal.SIGINT, seconds_max):
            return True
        if not await _ended(postmaster, signal.SIGQUIT, _IMMEDIATE_SECONDS_MAX):
            await _ended(postmaster, signal.SIGKILL, _IMMEDIATE_SECONDS_MAX)
        return False
    except asyncio.CancelledError:  # whoever cancels a shutdown wants it now; durability does not suffer
        postmaster.process.send_signal(signal.SIGQUIT)
        raise
    finally:
        postmaster.complaints.close()


async def _ended(postmaster: Postmaster, ask: signal.Signals, seconds_max: float) -> bool:
    if postmaster.running:
        postmaster.process.send_signal(ask)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds_max
    while postmaster.running:
        if loop.time() > end:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def clear_leftovers(cluster: Path, seconds_max: float) -> int:
    """End the processes that an earlier run left in `cluster` and its stale lock file; returns how many.

    Only for the holder of the data folder: no other supervisor lives, so what runs there has none.
    """
    found = _processes_in(cluster)
    if found:
        await _end_leftovers(cluster, seconds_max)
    if await _emptied(cluster, 0):
        # After a restart of the machine its number may belong to anybody, and PostgreSQL would not start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
    return len(found)


async def _end_leftovers(cluster: Path, seconds_max: float) -> None:
    for ask, patience in ((signal.SIGINT, seconds_max), (signal.SIGQUIT, _IMMEDIATE_SECONDS_MAX)):
        _signal_postmaster(cluster, ask)
        if await _emptied(cluster, patience):
            return
    for process in _processes_in(cluster):
        _send(process, signal.SIGKILL)
    if not await _emptied(cluster, _IMMEDIATE_SECONDS_MAX):
        raise PostgresError(
            f"Processes of PostgreSQL in {cluster} do not end, even by force: is its disk dead?"
        )


async def _emptied(cluster: Path, seconds_max: float) -> bool:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds_max
    while _processes_in(cluster):
        if loop.time() > end:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def _signal_postmaster(cluster: Path, ask: signal.Signals) -> None:
    """Ask the one that is the server; children left alone by it notice its death by themselves."""
    lines = _pid_file_lines(cluster)
    if lines and lines[0].strip().isdigit() and int(lines[0]) in _processes_in(cluster):
        _send(int(lines[0]), ask)


def _send(process: int, ask: signal.Signals) -> None:
    try:
        os.kill(process, ask)
    except ProcessLookupError:
        return


def _processes_in(cluster: Path) -> list[int]:
    """The living processes whose working folder is `cluster` and whose program is `postgres`."""
    try:
        own = cluster.stat()
    except OSError:
        return []
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _is_in(entry, own)]


def _is_in(process: str, cluster: os.stat_result) -> bool:
    try:
        folder = os.stat(f"/proc/{process}/cwd")
        program = os.readlink(f"/proc/{process}/exe").removesuffix(" (deleted)")
    except OSError:
        return False  # gone, a zombie, or another user's
    return os.path.samestat(folder, cluster) and os.path.basename(program) == "postgres"


def _pid_file_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return []
