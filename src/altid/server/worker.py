"""One server process, started by `altid.server.supervisor`, which hands it its settings on standard input.

Run as `python -m altid.server.worker`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import signal
import socket
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from altid.access.guard import GuardSettings
from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.screen.headers import origin_of
from altid.screen.rendering import compile_all
from altid.screen.words import LANGUAGES
from altid.server.app import App, AppSettings
from altid.server.ending import AnswersToTheEnd
from altid.server.live import Lease, OnlyWhileLive
from altid.server.origins import ForOrigins
from altid.server.timing import TellsTime
from altid.web.rendering import templates

_BACKLOG = 1_024
_DRAIN_S = 10
"""At a stop, requests underway get this long to finish."""
_KEEP_ALIVE_S = 65
"""Longer than the gateways' own, so that it is never the server that hangs up first."""
_READY_LINE = "ready"
_COLLECT_AFTER = (5_000, 50, 100)
"""Looking through all that a process holds took 90 ms, in the middle of somebody's page. What was there at
the start stays as long as the process and is never looked through (`gc.freeze`); the rest takes some
milliseconds, and a full chart is read and shown without looking in between."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where to listen, and the application's settings."""

    host: str
    port: int
    app: AppSettings
    live_file: str | None = None
    """The site's live lease, where there are sites (see `live`)."""
    gateway_host: str | None = None
    """The address that the site's gateway asks from. It alone is believed when it says by `X-Forwarded-Proto`
    and `X-Forwarded-For` how the client came: full addresses in answers are made of it."""

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> WorkerSettings:
        raw: dict[str, Any] = json.loads(text)
        app = raw["app"]
        return cls(
            raw["host"],
            raw["port"],
            AppSettings(
                app["read_dsn"],
                app["write_dsn"],
                GuardSettings.load(app["guard"]),
                Limits(**app["limits"]),
                FhirSettings(**app["fhir"]),
                sites=tuple(app.get("sites", ())),
            ),
            raw.get("live_file"),
            raw.get("gateway_host"),
        )


class _Server(uvicorn.Server):
    """Tells the supervisor when it accepts connections."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        if not self.should_exit:
            print(_READY_LINE, flush=True)  # noqa: T201 (the supervisor reads it)

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """SIGTERM and SIGINT drain and stop, without uvicorn's raising them once more at the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._drain)
        yield

    def _drain(self, *_: object) -> None:
        """Once, however often it is told: the kernel signals for each thread of a parent that dies, and at a
        second signal uvicorn would drop what is underway."""
        self.should_exit = True


def application_of(settings: WorkerSettings) -> ForOrigins:
    """What the process answers with."""
    guard = settings.app.guard
    origins, waiting = guard.for_access().origins, origin_of(guard.lookup_url)
    if settings.live_file is None:
        return ForOrigins(AnswersToTheEnd(TellsTime(App(settings.app), guard.site)), origins, waiting)
    app = TellsTime(App(replace(settings.app, is_replicated=True)), guard.site)
    live = OnlyWhileLive(app, Lease(Path(settings.live_file)))
    return ForOrigins(AnswersToTheEnd(live), origins, waiting)


def listen(host: str, port: int) -> socket.socket:
    """A socket that shares its address with the other workers; the kernel spreads connections over them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = WorkerSettings.load(sys.stdin.readline())
    for language in LANGUAGES:
        compile_all(templates(), language)
    return run(settings, application_of(settings))


def run(settings: WorkerSettings, application: Any) -> int:
    """Answer with the ASGI application until told to stop; the exit code."""
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=settings.gateway_host is not None,
        forwarded_allow_ips=settings.gateway_host,
        log_config=None,
        log_level="warning",
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = _Server(config)
    with (
        listen(settings.host, settings.port) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(server.serve([listener]))
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
