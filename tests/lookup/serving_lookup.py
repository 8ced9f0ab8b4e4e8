"""The lookup record's pages in a thread of the tests, with a copy of the synthetic region."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from altid.lookup.age import Watch
from altid.lookup.app import lookup_app
from altid.lookup.copy import Copy
from altid.lookup.settings import Kind, Listen, Settings, Source
from tests.lookup.door import Door, Seen
from tests.lookup.sampled import NOW

_WAIT_S = 20


@contextmanager
def serving_lookup(
    copy: Copy, folder: Path, host: str = "127.0.0.1", port: int = 0, sources: Sequence[str] = ()
) -> Iterator[str]:
    """Its address. `sources`: addresses of the record's sites."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listen = Listen(host, listener.getsockname()[1])
    named = tuple(Source(f"s{number}", f"{url}/feed", "") for number, url in enumerate(sources))
    settings = Settings(folder, "Sengeafsnit B12", Kind.HOSPITAL, "B12", sources=named, listen=listen)
    door = Door({id_: Seen("tests") for id_ in copy.patients()})
    app = lookup_app(copy, door, settings, watch=Watch(lambda: NOW, lambda: 0.0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        yield listen.url
    finally:
        server.should_exit = True
        thread.join(_WAIT_S)
        listener.close()
