"""One process that answers from the local file at once, whatever else is there or not.

The file is opened and the socket answers first; what feeds the copy, prints and forwards looks is begun only
then, and none of it can keep a page waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import Response

from altid.lookup.age import Watch
from altid.lookup.app import app_of
from altid.lookup.copy import Copy
from altid.lookup.damage import CopyDamagedError
from altid.lookup.entry.entry import EntrySettings, open_entry
from altid.lookup.entry.locked import locked_app
from altid.lookup.entry.routes import entry_routes
from altid.lookup.following import Following
from altid.lookup.pages.visit import Place
from altid.lookup.paper.printer import Printer
from altid.lookup.rendering import compile_all, page
from altid.lookup.settings import Settings
from altid.screen.language import words_for
from altid.screen.words import LANGUAGES

Task = Callable[[], Awaitable[None]]
"""Goes on in the background until it is cancelled."""

_BACKLOG = 256
_DRAIN_S = 5
_KEEP_ALIVE_S = 65
_COLLECT_AFTER = (5_000, 50, 1_000)
"""A page leaves some hundred objects in cycles. Looking for them takes 2 ms after 30 pages; what was there at
the start is never looked through (`gc.freeze`)."""

_log = logging.getLogger("altid.lookup")


def open_copy(settings: Settings, key: bytes) -> Copy:
    """The copy of the place, or its spare where it is damaged; a new one where there is none yet. Raises
    `WrongKeyError`, `OSError`."""
    path = settings.copy_file
    if not path.exists():
        return Copy.open_spare(path, key)[0]
    try:
        return Copy.open(path, key)
    except CopyDamagedError:
        copy, had_spare = Copy.open_spare(path, key)
        _log.error("the copy is damaged: %s", "its spare is shown" if had_spare else "it is loaded anew")
        return copy


def serve(
    settings: Settings,
    key: bytes,
    copy: Copy,
    *,
    on_ready: Callable[[], None] = lambda: None,
) -> int:
    """Answer until told to stop (SIGTERM, SIGINT); the exit code. Raises `OSError` where the address is
    taken."""
    with (
        _listen(settings.listen.host, settings.listen.port) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_serve(settings, key, copy, on_ready, listener))


async def _serve(
    settings: Settings,
    key: bytes,
    copy: Copy,
    on_ready: Callable[[], None],
    listener: socket.socket,
) -> int:
    entering = EntrySettings(settings.folder, settings.name, settings.wards, float(settings.lock_after_days))
    following = Following(copy, settings)
    line = following.line if settings.sources else None
    closing = asyncio.Event()
    async with open_entry(copy, key, entering, line, lambda _why: closing.set()) as entry:
        watch = Watch()
        place = Place(copy, entry, settings, watch, following.told)
        ways = entry_routes(entry, _shown_by(place))
        app = app_of(place, ways)
        server = _Server(_config(app, settings), on_ready)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        printer = Printer(copy, settings, watch)
        async with _in_background((following.run, printer.run, _compile_others)):
            stopping = asyncio.create_task(_stopped_by(closing, server))
            await server.serve([listener])
            stopping.cancel()
        code = 0 if server.started else 1
    await following.close()
    return code


async def _compile_others() -> None:
    """What the first page does not wait for: the other languages."""
    for language in LANGUAGES[1:]:
        await asyncio.to_thread(compile_all, language)
    await asyncio.Event().wait()


async def _stopped_by(closing: asyncio.Event, server: uvicorn.Server) -> None:
    """A place that was locked or revoked lets go of its copy and its key: all that has them ends."""
    await closing.wait()
    _log.warning("the place is closed")
    server.should_exit = True


def serve_locked(settings: Settings, why: str, on_ready: Callable[[], None] = lambda: None) -> int:
    """Say at every address that the place is locked, until told to stop; the exit code. It has no key."""
    with (
        _listen(settings.listen.host, settings.listen.port) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        server = _Server(_config(locked_app(why), settings), on_ready)
        runner.run(server.serve([listener]))
        return 0 if server.started else 1


def _shown_by(place: Place) -> Callable[[Request, str, int, Mapping[str, Any]], Response]:
    """How entry's own pages are shown: in the frame of all others, with the bar."""

    def show(request: Request, template: str, status: int, data: Mapping[str, Any]) -> Response:
        words = words_for(request)
        shown = {"path": request.url.path, **data}
        return page(template, words, place.bar(words), status=status, **shown)

    return show


@contextlib.asynccontextmanager
async def _in_background(tasks: Sequence[Task]) -> AsyncIterator[None]:
    """What fails there is told in the log and begun again; it never ends the pages."""
    running = [asyncio.create_task(_go_on(task)) for task in tasks]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


_AGAIN_S = 5.0


async def _go_on(task: Task) -> None:
    while True:
        try:
            await task()
        except Exception as error:
            # Only the kind of error: its text may hold what a record says.
            _log.error("a task of the background failed: %s", type(error).__name__)
        await asyncio.sleep(_AGAIN_S)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT drain and stop, without uvicorn's raising them once more at the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        yield

    def _stop(self, *_: object) -> None:
        self.should_exit = True


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    listen = settings.listen
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        ssl_certfile=listen.certificate or None,
        ssl_keyfile=listen.key or None,
    )


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
