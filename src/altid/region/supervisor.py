"""The supervisor of one place: starts its parts, starts them again when they die, stops them in order.

Run as `python -m altid.region.supervisor DATA PLACE`, detached, as the service user. It holds the place's
lock for as long as it lives, so that there is one. Its children get SIGINT from the kernel should it be
killed. SIGTERM stops the place.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from altid.record.postgres import account as accounts
from altid.record.postgres import launch
from altid.record.postgres.folder import write_owned
from altid.region import clock, events, lookup, notify, processes, programs
from altid.region.guarding import prepare_guard
from altid.region.layout import Layout, held, load_region, load_secrets, make_place
from altid.region.logs import rotate
from altid.region.parts import Gate, Part, dump_states, parts_of, write_configuration
from altid.region.patroni import rewind_program
from altid.region.renewal import LOOK_EVERY_S, IdentityFile, Renewal
from altid.region.shutdown import until
from altid.region.tls import of_place
from altid.region.topology import Place, Region, Site

_GATE_S = 0.1
_PAUSE_S_MIN, _PAUSE_S_MAX = 0.1, 10.0
"""Before a restart: doubled at each death, within these bounds."""

_HEALTHY_S = 30.0
"""A process that lived so long had no trouble starting: the next pause is the shortest again."""

_ROTATE_S = 10.0
_LEFTOVERS_S_MAX = 15.0


@dataclass(slots=True)
class _Running:
    """One part and its process."""

    part: Part
    state: str = "waiting"
    restarts: int = 0
    since: float = field(default_factory=time.time)
    process: asyncio.subprocess.Process | None = None
    ending: asyncio.Task[None] | None = None
    """Somebody has asked for another process (`restart`)."""


class Supervisor:
    """Everything of one place."""

    def __init__(self, region: Region, place: Place, layout: Layout) -> None:
        self._region, self._place, self._layout = region, place, layout
        self._folders = layout.place(place.name)
        self._account = accounts.current()
        self._running: list[_Running] = []
        self._stopping = asyncio.Event()
        self._renewal = Renewal(layout, region, place, self._write, self._event)
        self._identity = IdentityFile(self._folders.pki)

    async def run(self) -> None:
        """Run until `stop` is called, then leave nothing behind."""
        secrets = load_secrets(self._layout)
        found = programs.find(self._account)
        self._renewal.look()
        of_place(self._layout, self._place)  # without an identity nothing here could speak to anybody
        write_configuration(self._region, self._place, self._layout, secrets, found, self._write)
        if isinstance(self._place, Site):
            rewind_program(self._folders).chmod(0o700)
            if fault := prepare_guard(self._layout, self._place, secrets, self._account):
                self._event("servers cannot know who asks", reason=fault)
            if fault := lookup.prepare(self._layout, self._region, self._place, self._write):
                self._event("lookup record cannot be prepared", reason=fault)
        await self._clear_leftovers()
        parts = parts_of(self._region, self._place, self._layout, secrets, found)
        self._running = [_Running(part) for part in parts]
        self._event("place started", etcd=".".join(map(str, found.etcd_version)))
        tasks = [asyncio.create_task(self._keep(running)) for running in self._running]
        tasks.append(asyncio.create_task(self._rotate()))
        tasks.append(asyncio.create_task(self._renew()))
        notify.tell(notify.READY)
        await self._stopping.wait()
        notify.tell(notify.STOPPING)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for running in reversed(self._running):
            await self._end(running)
        await self._clear_leftovers()
        self._event("place stopped")
        self._folders.parts.unlink(missing_ok=True)

    def stop(self) -> None:
        self._stopping.set()

    def restart(self) -> None:
        """End the part that the file names in good order; it is started again at once."""
        try:
            name = json.loads(self._folders.restart.read_text())["part"]
            self._folders.restart.unlink()
        except (OSError, ValueError, TypeError, KeyError):
            return
        for running in self._running:
            if running.part.name == name and running.ending is None and _runs(running):
                running.ending = asyncio.create_task(self._end(running, "restarting"))

    async def _keep(self, running: _Running) -> None:
        """Start the part whenever its gate is open and it doesn't run, for ever."""
        pause = _PAUSE_S_MIN
        while True:
            await _opened(running.part.gate)
            code = await self._live(running)
            if running.ending is not None:
                await running.ending
                running.ending, pause = None, _PAUSE_S_MIN
                self._event("part restarted", part=running.part.name)
                continue
            lived = time.time() - running.since
            pause = _PAUSE_S_MIN if lived > _HEALTHY_S else pause
            running.restarts += 1
            self._set(running, "ended")
            self._event(
                "part died", part=running.part.name, exit=code, lived_s=round(lived, 1), pause_s=pause
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE_S_MAX)

    async def _live(self, running: _Running) -> int:
        """Start the process and wait for its end; gives its exit code (negative: the signal)."""
        log = self._folders.log / f"{running.part.name}.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            running.process = await asyncio.create_subprocess_exec(
                *launch.command(self._account, running.part.folder, running.part.command, tied=True),
                stdin=asyncio.subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            self._event("part cannot start", part=running.part.name, reason=error.strerror)
            return 126
        finally:
            os.close(descriptor)
        self._set(running, "running")
        self._event("part started", part=running.part.name, pid=running.process.pid)
        await _feed(running.process, running.part.stdin)
        return await running.process.wait()

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's, so no PG* and no secrets; and the mark of the place."""
        return {
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
            processes.MARK: str(self._folders.root),
            **clock.environment(self._folders.root),
        }

    async def _end(self, running: _Running, state: str = "stopping") -> None:
        """Ask the process to stop, then make it."""
        process = running.process
        if process is None or process.returncode is not None:
            return
        self._set(running, state)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)  # a frozen one could not stop
            process.terminate()
        try:
            async with asyncio.timeout(running.part.stop_s_max):
                await process.wait()
        except TimeoutError:
            self._event("part did not stop and was killed", part=running.part.name)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _clear_leftovers(self) -> None:
        """End what an earlier supervisor left behind: in good order first, then by force."""
        left = self._leftovers()
        if not left:
            return
        self._event("leftovers found", processes=len(left))
        server = processes.postmaster(self._folders.postgres)
        own = [process for process in left if not processes.is_postgres(process)]
        for process in [*own, *([server] if server else [])]:
            processes.send(process, signal.SIGCONT)  # a frozen one could not stop
            processes.send(process, signal.SIGINT)  # to PostgreSQL: a fast shutdown
        await self._gone(_LEFTOVERS_S_MAX)
        for process in self._leftovers():
            processes.send(process, signal.SIGKILL)
        await self._gone(_LEFTOVERS_S_MAX)

    async def _gone(self, seconds_max: float) -> None:
        await until(lambda: not self._leftovers(), time.monotonic() + seconds_max)

    def _leftovers(self) -> list[int]:
        return [process for process in processes.of_place(self._folders.root) if process != os.getpid()]

    async def _rotate(self) -> None:
        limit = self._region.limits.log_mb_max * 1024 * 1024
        while True:
            await asyncio.sleep(_ROTATE_S)
            notify.tell(notify.ALIVE)
            rotate(self._folders.log, limit)
            if self._identity.has_changed():
                self._reload("patroni")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._renewal.look()

    def _reload(self, name: str) -> None:
        """Tell a part to read its files anew."""
        for running in self._running:
            if running.part.name == name and running.process is not None and _runs(running):
                running.process.send_signal(signal.SIGHUP)

    def _write(self, path: Path, text: str) -> None:
        write_owned(path, text, self._account)

    def _set(self, running: _Running, state: str) -> None:
        running.state, running.since = state, time.time()
        states: dict[str, dict[str, object]] = {
            one.part.name: {
                "state": one.state,
                "pid": one.process.pid if one.process and one.process.returncode is None else None,
                "restarts": one.restarts,
                "since": round(one.since, 3),
            }
            for one in self._running
        }
        with suppress(OSError):  # a full disk stops no part
            _replace(self._folders.parts, dump_states(states))

    def _event(self, event: str, **detail: Any) -> None:
        events.record(self._layout.events, self._place.name, event, **detail)


def _runs(running: _Running) -> bool:
    return running.process is not None and running.process.returncode is None


async def _opened(gate: Gate) -> None:
    while not await gate():  # noqa: ASYNC110  what it asks is another process
        await asyncio.sleep(_GATE_S)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.rename(path)


async def _feed(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(text.encode())
        await process.stdin.drain()
    process.stdin.close()


async def _main(layout: Layout, name: str) -> None:
    region = load_region(layout)
    make_place(layout, region.place(name), accounts.current())
    supervisor = Supervisor(region, region.place(name), layout)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, supervisor.restart)
    await supervisor.run()


def main(data: str, place: str) -> int:
    """Supervise the place; 3 if another process does so already."""
    layout = Layout(Path(data))
    with held(layout.place(place).lock) as ours:
        if not ours:
            return 3
        asyncio.run(_main(layout, place))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
